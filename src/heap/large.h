/* large.h: objects above 64 KiB.
 *
 * Large: whole slices in a region, up to half of it. Only what is touched costs memory, so
 * nothing is rounded beyond the slice. The head slice's meta describes the object; in groups
 * that are covered wholly the group's span names the head, so a calloc of half a region
 * touches no metadata in between; other slices carry INTERIOR.
 * Huge: above that, a mapping of its own (space/region.h).
 *
 * Whoever turns owner from LARGE to RELEASED frees the object; a second free finds RELEASED.
 *
 * Threads   Any. An object belongs to no heap.
 */
#ifndef ASH_HEAP_LARGE_H
#define ASH_HEAP_LARGE_H

#include "heap/bins.h"

/* align: a power of two from 64 KiB to half a region. NULL: no memory (errno untouched).
 * *ret_zero: it reads zero. */
void *ash_large_alloc(size_t bytes, size_t align, bool *ret_zero);
/* false: somebody else has freed it already. */
bool ash_large_free(struct ash_meta *head);
size_t ash_large_usable(const struct ash_meta *head);
/* Changes the size where the object lies. false: it must move. */
bool ash_large_resize(struct ash_meta *head, size_t bytes);
/* Moves n bytes (the start of one object) to the start of another by page tables where that
 * pays, else by copying. */
void ash_large_move(struct ash_meta *from, struct ash_meta *to, size_t n);

ASH_INLINE bool ash_large_is(const struct ash_meta *head)
{
    uint8_t kind = atomic_load_explicit(&head->kind, memory_order_relaxed);
    return kind == ASH_KIND_LARGE || kind == ASH_KIND_HUGE;
}

/* For statistics. */
extern _Atomic uint64_t ash_large_count, ash_large_bytes, ash_large_ever, ash_huge_count;

#endif
