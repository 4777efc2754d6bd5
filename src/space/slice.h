/* slice.h: claim and return 64 KiB slices inside one group.
 *
 * A group is 2 MiB, 32 slices, one 32-bit word. A run of slices is claimed by one
 * compare-and-swap, so nothing here ever waits for a lock.
 *
 *     slice   11 10  9  8  7  6  5  4  3  2  1  0
 *     free     1  1  1  0  0  0  0  1  1  0  0  0        1 = nobody's
 *                       └─ large ┘        └ 3 pages
 *
 * Invariants S4, S5, S6 of space.h.
 *
 * Threads   Any thread may claim or return. Claim acquires, return releases: the next
 *           holder sees the slice as the last one left it. No lock, no rank.
 * Not here  Which group to take from (group.h); when memory goes back (purge.h).
 */
#ifndef ASH_SPACE_SLICE_H
#define ASH_SPACE_SLICE_H

#include "base/bitmap.h"
#include "space/meta.h"

enum ash_group_state {
    ASH_GROUP_UNOPENED = 0,
    ASH_GROUP_OPEN,
    ASH_GROUP_FOREIGN, /* sparse window: somebody else's mapping lies here */
    ASH_GROUP_CLOSED,  /* sparse window: was open, unmapped again */
};

/* 64 bytes; the table of a region lies behind its metas. A fresh one reads zero. */
struct ash_group {
    _Atomic uint32_t free;     /* S4 */
    _Atomic uint32_t touched;  /* S6 */
    _Atomic uint32_t span;     /* head slice of a large object that covers the group wholly, or 0 */
    _Atomic uint32_t freed_ms; /* when a slice was returned last, low 32 bits */
    _Atomic uint8_t state;     /* enum ash_group_state */
    _Atomic uint8_t huge;      /* huge pages were asked for */
    uint8_t pad[46];
};
static_assert(sizeof(struct ash_group) == 64, "one cache line");

/* Claims n_slices in a row, touched ones if there are. Returns the first, or -1 and leaves the
 * group as it was. */
int ash_slice_claim(struct ash_group *group, unsigned n_slices);
/* Claims exactly the slices of run (a mask). false: not all were free, nothing changed. */
bool ash_slice_claim_exact(struct ash_group *group, uint32_t run);
/* Gives the slices of run back. Their kind and owner are cleared before (S4). */
void ash_slice_return(struct ash_group *group, uint32_t run);

#endif
