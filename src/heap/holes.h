/* holes.h: giving OS pages back from inside pages that still hold live blocks.
 *
 *     OS page     0            1            2            3
 *              ┌──────────┬────────────┬────────────┬──────────┐
 *     blocks   │ L │ f │ f │ f │ f │ f │ f │ f │ f │ f │ L │ f │   L live, f free
 *              └──────────┴────────────┴────────────┴──────────┘
 *                          purged: blocks that start in it leave the list
 *
 * A page without activity for a second is looked at: where every block that touches an OS
 * page is free, the blocks that *start* in it are dropped from the list (one that only ends
 * there keeps its link, which lies before it) and the OS page is given back. Refill carves
 * purged OS pages anew, last of all. H4, H9 of heap.h.
 *
 * Threads   The holder of the heap (H1).
 * Source    The effect of Mesh (Powers et al., PLDI 2019) on idle heaps, without remapping.
 */
#ifndef ASH_HEAP_HOLES_H
#define ASH_HEAP_HOLES_H

#include "heap/bins.h"

/* Looks at every page of the heap; force: also at those with recent activity. true: some page
 * was active since the last scan, or had to wait: another scan has work. */
bool ash_holes_scan(struct ash_heap *heap, bool force);
/* Links the blocks of one purged OS page into the empty lfree again. false: none is purged. */
bool ash_holes_recarve(struct ash_meta *page);
/* Are there purged OS pages with blocks? */
bool ash_holes_some(const struct ash_meta *page);
/* How many blocks were dropped: they start in purged OS pages (H4). */
unsigned ash_holes_dropped(const struct ash_meta *page);

#endif
