/* alloc.h: the slow path of malloc, calloc, and aligned requests.
 *
 * Refill, each step O(1), the first that yields blocks wins:
 *   0  no heap yet and credit left: a block of this CPU's starter heap (starter.h)
 *   1  the current page's lfree, taken whole        2  its xfree
 *   3  the own inbox, then 1 and 2 again
 *   4  the fullest of the first four partial pages  5  carve one OS page of fresh blocks
 *      (5 goes before 4 while the class has one page only)
 *   6  a thread that earns its first page adopts an orphan whole (threads.h)
 *   7  new slices
 * No step yields: errno = ENOMEM, NULL; no lock held, no page half published (F12).
 *
 * Threads   Any. errno is touched on failure only (F20).
 */
#ifndef ASH_HEAP_ALLOC_H
#define ASH_HEAP_ALLOC_H

#include "base/base.h"

/* A request up to ASH_SMALL_MAX whose bin is empty; the same, by its class. */
void *ash_alloc_slow(size_t bytes) __attribute__((noinline)) ASH_HIDDEN;
void *ash_alloc_class(size_t cls) __attribute__((noinline)) ASH_HIDDEN;
/* A request above ASH_SMALL_MAX. */
void *ash_alloc_above_small(size_t bytes) __attribute__((noinline)) ASH_HIDDEN;
void *ash_alloc_zeroed(size_t count, size_t bytes);
/* align is a power of two; above half a region: ENOMEM (F18). */
void *ash_alloc_aligned(size_t align, size_t bytes);
/* Sets ENOMEM, tells the oom hook, returns NULL: the one exit of every failure (F12). */
void *ash_alloc_fail(size_t bytes) __attribute__((cold, noinline));

#endif
