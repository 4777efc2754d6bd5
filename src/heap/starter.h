/* starter.h: one heap for each CPU, for threads that have not earned a page yet.
 *
 * A server has hundreds of threads that allocate a handful of blocks each and then wait.
 * If each owned pages, each would keep some tens of KiB. So the first blocks of each class
 * come one at a time from the heap of the CPU the thread runs on, under its lock: up to 8
 * blocks or 32 KiB, whichever is less. The next one earns the thread its own. With 2 KiB 400
 * idle threads kept 221 KiB each, with 8 KiB 197, with 32 KiB 1 KiB more than a bare thread.
 *
 * Where the heap of an ended thread lies ready, a young thread takes that at once: it costs no
 * memory. 500 threads, 16 at a time, with 100 blocks each took 21.6 M instructions, and
 * 39.3 M by starters.
 *
 * A free of a starter's block tries the lock; when it is taken the block goes the way of
 * remote frees and the next holder drains.
 *
 * Threads   Any. Lock rank STARTER. A starter caught by a fork is quarantined and replaced.
 */
#ifndef ASH_HEAP_STARTER_H
#define ASH_HEAP_STARTER_H

#include "heap/bins.h"

/* Uses one unit of credit for the class, if some is left. */
bool ash_starter_credit(struct ash_tls *tls, unsigned cls);
/* NULL: no memory. */
void *ash_starter_alloc(unsigned cls, bool *ret_zero);
/* false: the lock is taken, send the block home instead. */
bool ash_starter_free(struct ash_heap *starter, struct ash_meta *page, void *p);
/* Drains one starter and ages its pages; the next one at the next tick. */
void ash_starter_tick(void);
/* All starters give their empty pages back. */
void ash_starters_release(void);

#endif
