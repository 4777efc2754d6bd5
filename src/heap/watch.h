/* watch.h: threads whose every call takes the slow path, so that somebody sees it.
 *
 * The two fast paths test no flag (H11). A watched thread's bins are kept empty, so malloc finds
 * nothing, and its self is ash_heap_watched, which owns no page, so free finds no block of its own.
 * Both fall to the slow path, which asks the watcher (base/hooks.h) first.
 *
 *      FRESH ──begin──▶ ON ⇄ PAUSED          a call: pause, the real call, resume
 *                        └────end────▶ OVER  not watched again
 *
 * The watcher makes the real call while the thread is PAUSED: self is the thread's heap again, and
 * all code below is as ever, but a refill hands out one block and leaves the bin empty.
 *
 * W1  ON: every bin is empty, self is ash_heap_watched, home is the thread's heap.
 * W2  ash_heap_watched is busy for ever: a signal handler that interrupts a change of state finds
 *     what it would find inside a slow path, and starters serve it (H10).
 * W3  PAUSED asks no watcher: calls inside calls, and those of handlers, are not seen.
 *
 * Threads   Everything belongs to the thread of the ash_tls.
 */
#ifndef ASH_HEAP_WATCH_H
#define ASH_HEAP_WATCH_H

#include "base/hooks.h"
#include "heap/bins.h"

/* Does this call go to the watcher? */
ASH_INLINE bool ash_watch_asks(void)
{
    return ASH_UNLIKELY(ash_hooks.watcher != NULL) && ash_tls.watch <= ASH_WATCH_ON;
}

/* The thread's heap, or ash_heap_none. */
ASH_INLINE struct ash_heap *ash_watch_home(const struct ash_tls *tls)
{
    return tls->self == &ash_heap_watched ? tls->home : tls->self;
}

ASH_INLINE void ash_watch_pause(struct ash_tls *tls)
{
    tls->watch = ASH_WATCH_PAUSED;
    ASH_COMPILER_BARRIER();
    tls->self = tls->home;
}

ASH_INLINE void ash_watch_resume(struct ash_tls *tls)
{
    tls->home = tls->self;
    tls->self = &ash_heap_watched;
    ASH_COMPILER_BARRIER();
    tls->watch = ASH_WATCH_ON;
}

/* FRESH becomes PAUSED; the bins are emptied, and the end of the thread will be noticed. */
void ash_watch_begin(struct ash_tls *tls);
/* Whatever it was becomes OVER. */
void ash_watch_end(struct ash_tls *tls);

#endif
