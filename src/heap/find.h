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

#endif
