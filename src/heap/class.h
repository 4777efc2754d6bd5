/* class.h: block sizes: eight classes for each doubling.
 *
 *     class    0    1   2  …   8    9  10 …  16   17 …   32 …   56 …   72 …    80
 *     bytes    8   16  32    128  144 160   256  288   1024   8192  32768   65536
 *
 * C1  Every class but 0 is a multiple of 16 and so every block is 16-aligned (F18). Class 0
 *     is reserved: malloc never returns it.
 * C2  A page starts at a multiple of 64 KiB, so a class is aligned to its lowest set bit:
 *     aligned requests take the next class that the alignment divides, without waste.
 * C3  Internal waste for log-uniform sizes: 5.2 % from 16 B to 1 KiB, 4.2 % from 1 to 32 KiB.
 *
 * Threads   Constant tables.
 */
#ifndef ASH_HEAP_CLASS_H
#define ASH_HEAP_CLASS_H

#include "base/base.h"

#define ASH_CLASS_COUNT 81u
#define ASH_BIN_COUNT 73u     /* classes 0..72 have a bin */
#define ASH_SMALL_MAX 1024u   /* the first table, the shortest path */
#define ASH_BINNED_MAX 32768u /* the second table; larger classes have no bin */
#define ASH_CLASS_MAX 65536u  /* above: whole slices */

extern const uint8_t ash_class_small[65] ASH_HIDDEN;   /* by (n + 15) >> 4 */
extern const uint8_t ash_class_medium[257] ASH_HIDDEN; /* by (n + 127) >> 7 */
extern const uint32_t ash_class_bytes[ASH_CLASS_COUNT] ASH_HIDDEN;

#if defined(__aarch64__)
/* By n: two instructions fewer where an index cannot be computed inside a load's address; at
 * the start of an OS page: one fewer to reach it. */
extern const uint8_t ash_class_by_byte[1025] ASH_HIDDEN;
/* tidy: preprocessor: an address by one instruction needs position-independent code. */
ASH_INLINE size_t ash_class_of_small(size_t bytes)
{
#if defined(__OPTIMIZE__) && defined(__PIC__)
    const uint8_t *table;
    __asm__("adrp %0, ash_class_by_byte" : "=r"(table));
    return table[bytes];
#else
    return ash_class_by_byte[bytes];
#endif
}
#else
ASH_INLINE size_t ash_class_of_small(size_t bytes)
{
    return ash_class_small[(bytes + 15) >> 4];
}
#endif

/* Slices of a page: the least power of two that holds eight blocks. So what a thread that uses
 * little of many classes holds is bounded by them. */
ASH_INLINE unsigned ash_class_slices(unsigned cls)
{
    uint32_t bytes = ash_class_bytes[cls];
    return bytes <= 8192 ? 1 : bytes <= 16384 ? 2 : bytes <= 32768 ? 4 : 8;
}

/* The class of a request of 0 to ASH_CLASS_MAX bytes. */
unsigned ash_class_of(size_t bytes);
/* The smallest class for bytes whose blocks are all aligned to align (a power of two up to
 * 64 KiB), or 0 when none is. */
unsigned ash_class_aligned(size_t bytes, size_t align);

#endif
