/* fits.h: the ordered list of free blocks, and the index that finds in it as the plain list would.
 *
 *     first ─▶ │block│ ⇄ │block│ ⇄ │block│ ◀─ last      links in the blocks: charged, touched
 *                 ▲          ▲         ▲
 *                 └──── tree.h ────────┘                in the aside: free of charge (LC12)
 *
 * Order is that of addresses, or of freeing: newest first (lifo) or oldest first (fifo). The list
 * is always kept. Without the index (parameter plain=yes, or no room aside) it is walked; with it
 * the same block comes out in O(log n), and its rank tells how many blocks the walk would have
 * looked at: the steps reported are those of the plain list either way.
 *
 * FI1   The list holds the free blocks that the store lists, each once, in the order.
 * FI2   The index holds the same blocks with the same sizes.
 */
#ifndef ASH_LAB_FITS_H
#define ASH_LAB_FITS_H

#include "lab/tags.h"
#include "lab/tree.h"

enum ash_fits_order { ASH_FITS_ADDRESS, ASH_FITS_LIFO, ASH_FITS_FIFO };

struct ash_fits {
    struct ash_lab_memory *memory;
    enum ash_fits_order order;
    bool is_plain;
    uintptr_t first, last; /* 0: none */
    size_t n;
    uint64_t time;
    size_t n_looked; /* by the last search */
    struct ash_tree tree;
};

/* Reads order= and plain=. false: no such order. */
bool ash_fits_open(struct ash_fits *fits, struct ash_lab_memory *memory);
/* As struct ash_store_index wants them; the index is a struct ash_fits.
 * A block whose tags are written. */
void ash_fits_insert(void *index, uintptr_t at);
/* A block whose tags are still those of a free one. */
void ash_fits_remove(void *index, uintptr_t at);
/* What is left of `old`, or moved from there, takes its place; both tags may be written later. */
void ash_fits_replace(void *index, uintptr_t old, uintptr_t at, size_t size);
/* The next block in the order; 0: none. */
uintptr_t ash_fits_next(uintptr_t at);
/* The first in the order from `from` on (0: all) with at least this size. 0: none. */
uintptr_t ash_fits_first(struct ash_fits *fits, uintptr_t from, size_t size);
/* As first, but when the end is reached goes on from the beginning, up to `from`. */
uintptr_t ash_fits_round(struct ash_fits *fits, uintptr_t from, size_t size);
/* The smallest that fits; of equals the first in the order. An exact fit ends the search. */
uintptr_t ash_fits_smallest(struct ash_fits *fits, size_t size);
/* The largest, if it fits; of equals the first in the order. */
uintptr_t ash_fits_largest(struct ash_fits *fits, size_t size);
/* FI1, FI2. */
bool ash_fits_check(void *index);

#endif
