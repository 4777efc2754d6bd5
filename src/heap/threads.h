/* threads.h: birth, exit, orphans, adoption, fork.
 *
 * Birth    A thread owns nothing until it has used up its starter credit; then it adopts an
 *          orphan heap whole, or gets a new one. The first thread has a heap at once.
 * Exit     In the last round of key destructors: bins go back to their pages, CURRENT pages
 *          become PARTIAL, empty ones are released, the heap turns orphan. Later calls of
 *          the dying thread are served by starters (F10).
 * Fork     No prepare handler, nothing held (F1). The child's image is a cut of the other
 *          threads at some instruction each. The child handler only notes that there was a
 *          fork; the next slow path repairs, by one thread, before it does anything else:
 *          heaps caught inside a slow path (busy, HELD) are quarantined, the other threads'
 *          heaps become orphans, lists of heaps are rebuilt from the registry. A word in a
 *          page that the kernel wipes in a child tells the same for a raw clone (F4).
 *
 * Invariants H1, H3, H7, H10 of heap.h, R7 of remote.h.
 *
 * Threads   enter and leave bracket every slow path that changes a heap. Lock rank ORPHANS
 *           guards the orphan list and the registry's growth.
 */
#ifndef ASH_HEAP_THREADS_H
#define ASH_HEAP_THREADS_H

#include "heap/bins.h"

/* From the library's constructor; calls before it work (F8). The key and the fork handler are
 * registered by the first slow path: a program that allocates nothing does not pay for them. */
void ash_threads_init(void);

/* Starts a slow path. Returns this thread's heap, busy; or NULL: a starter must serve a
 * block of cls (credit left, thread exited, or a signal handler inside a slow path). */
struct ash_heap *ash_thread_enter(struct ash_tls *tls, unsigned cls);
/* The same for a page that is ours already; NULL inside an interrupted slow path. */
struct ash_heap *ash_thread_reenter(struct ash_tls *tls, struct ash_meta *page);
/* Ticks come from slow paths, and a program that fell quiet has none. So each tick that leaves
 * something to age makes the next free of any current page a slow path. Where that comes before
 * the next tick is due, it is tried again, after 1 free eight times, then 2, then 4 …: a busy
 * program pays for some hundred slow paths in a tick, and after a burst of n frees the next n/8
 * make one. 0: none is wanted. */
uint32_t ash_thread_watch_frees(const struct ash_heap *heap);
/* A watched page had its frees. */
void ash_thread_watched(struct ash_heap *heap);
/* Ends a slow path: answers trim requests, ticks, clears busy. */
void ash_thread_leave(struct ash_heap *heap);
/* The same for short ones: clears busy. */
ASH_INLINE void ash_thread_end(struct ash_heap *heap)
{
    ASH_COMPILER_BARRIER();
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
}
/* Repairs first if this process is the child of a fork. Each slow path begins with it. */
void ash_thread_check_fork(void);
/* Makes sure that this thread's exit is noticed. */
void ash_thread_need_exit(struct ash_tls *tls);
/* Ageing of free memory, at most every 10 ms; for slow paths that have no heap. */
void ash_thread_tick(void);
/* Gives everything of this thread's heap back that can be. */
void ash_thread_idle(void);
/* malloc_trim: free slices, orphans, starters and the caller's heap now, other threads' at
 * their next slow path. Returns the bytes given back now. */
size_t ash_threads_trim(void);
/* A blank descriptor of a kind, in the registry for ever. NULL: no memory. */
struct ash_heap *ash_heap_new(enum ash_heap_kind kind);
extern struct ash_heap *_Atomic ash_heap_registry; /* newest first; only grows */
/* First of the registry; the others follow by all_next. */
struct ash_heap *ash_heap_first(void);
/* Sets aside a heap whose holder vanished inside it (F1). */
void ash_heap_quarantine(struct ash_heap *heap);
/* Every orphan is swept and gives its EMPTY pages back. */
void ash_orphans_release(void);

extern _Atomic uint64_t ash_thread_count; /* heaps held by threads */

#endif
