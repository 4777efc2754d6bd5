/* named.h: heaps that the program makes: everything in one can be freed at once.
 *
 * A named heap has its own pages and objects, under a lock; blocks may also be freed one by
 * one with free(), from any thread. Frees are never batched, so free_all finds every block
 * either out or back. realloc keeps a block in its heap only where it does not move.
 *
 * Threads   Any; free_all and destroy need that nobody uses the heap's blocks afterwards.
 *           Lock rank NAMED. A named heap caught by a fork is quarantined: it refuses.
 */
#ifndef ASH_HEAP_NAMED_H
#define ASH_HEAP_NAMED_H

#include "heap/bins.h"

/* NULL: no memory. */
struct ash_heap *ash_named_new(void);
/* NULL: no memory; errno untouched. align: a power of two up to half a region. */
void *ash_named_alloc(struct ash_heap *heap, size_t align, size_t bytes);
void ash_named_free_all(struct ash_heap *heap);
void ash_named_destroy(struct ash_heap *heap);
/* A block of a page of a named heap; false: the heap is quarantined. */
bool ash_named_free(struct ash_heap *heap, struct ash_meta *page, void *p);
/* Frees any large object, and takes it off its named heap if it has one. false: it was
 * freed before. */
bool ash_named_free_object(struct ash_meta *head);

#endif
