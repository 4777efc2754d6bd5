/* find.h: from any address to the page or object and the block it lies in, without a fault (S9).
 *
 * Threads   Any; what another thread changes meanwhile may be found as it was or as it is.
 */
#ifndef ASH_HEAP_FIND_H
#define ASH_HEAP_FIND_H

#include "heap/bins.h"

/* Where an address lies in a page or object. */
enum ash_place {
    ASH_PLACE_FOREIGN,  /* no heap gave it out (S9) */
    ASH_PLACE_RELEASED, /* was ours, belongs to nobody now */
    ASH_PLACE_BLOCK,    /* the first byte of a block that was carved, or of an object */
    ASH_PLACE_INSIDE,   /* a further byte of one */
};
struct ash_found {
    enum ash_place place;
    struct ash_meta *head; /* of the page or object; NULL when FOREIGN */
    uintptr_t block;       /* its first byte */
    unsigned index;        /* in a page */
};
/* Classifies any address without a fault (S9). */
struct ash_found ash_page_find(uintptr_t addr);

/* The page of one slice, of which addr is the first byte of a carved block; NULL: it may still be
 * some other block. For addresses in a window of kind REGION. */
ASH_INLINE struct ash_meta *ash_page_find_small(uintptr_t addr)
{
    struct ash_meta *page = ash_meta_of(addr);
    uint64_t offset = addr & (ASH_SLICE_BYTES - 1);
    if ((addr & (ASH_REGION_BYTES - 1)) < ASH_REGION_BYTES / 8 || /* S2 */
        /* acquire; pairs with the release that published the page (S9) */
        atomic_load_explicit(&page->kind, memory_order_acquire) != ASH_KIND_SMALL)
        return NULL;
    uint64_t index = (offset * page->recip) >> 40;
    bool is_block = index * ash_meta_bsize(page) == offset && index < ash_meta_carved(page);
    return is_block ? page : NULL;
}

#endif
