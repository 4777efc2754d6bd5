/* stray.h: blocks of other heaps that this thread freed: used again here, or sent home.
 *
 *     free(p), p of heap A           malloc of the class, bin empty
 *       │                              ▲ all strays of the class become the bin (R8)
 *       ▼                              │
 *     strays[c]: p4 p3 p2 p1 ──────────┘
 *       │ 32 blocks, 16 KiB; of all classes 64 KiB or 1/16 of what the heap's pages hold
 *       ▼
 *     sorted by page, each page's share sent by one compare-and-swap (remote.h)
 *
 * Threads that free what others allocated mostly allocate as well: what they freed last is in
 * their cache and serves them without a word to its owner, for whom it stays handed out. So
 * a process whose threads hand blocks around needs no memory for blocks on their way home.
 *
 * R8   A block freed remotely is used again by the freer only if it fills a cache line:
 *      smaller ones share lines with blocks that the owner gives to others (passive false
 *      sharing), so they always go home.
 * R10  strays.n counts what the lists hold; all are empty when a heap is an orphan. room is what
 *      may still come, and room + bytes held does not change until all are sent.
 *
 * Threads   The holder of the heap (H1), inside a slow path (busy, H10). A thread without a heap
 *           earns one by freeing much; before, and after its exit, it sends each block at once.
 */
#ifndef ASH_HEAP_STRAY_H
#define ASH_HEAP_STRAY_H

#include "heap/bins.h"

#define ASH_STRAY_BLOCKS 32u     /* of a class: sent when so many are there */
#define ASH_STRAY_BYTES 16384u   /* or so much */
#define ASH_STRAY_CLASSES 57u    /* blocks above 8 KiB are sent at once */
#define ASH_STRAY_CREDIT 200u    /* so many are sent one by one before a thread earns a heap */
#define ASH_STRAY_REUSED_MIN 64u /* R8 */
#define ASH_STRAY_ALL_BYTES 65536u

/* Takes a block of another heap's page from the program: keeps it or sends it home. */
void ash_stray_free(struct ash_tls *tls, struct ash_meta *page, void *p);
/* Sends the strays of a class, and all if there are too many. */
void ash_stray_full(struct ash_tls *tls, unsigned cls) __attribute__((noinline));

enum ash_stray_result { ASH_STRAY_KEPT, ASH_STRAY_FULL, ASH_STRAY_AGAIN };

/* Keeps one more, in a heap that is busy. FULL: kept, and now some must be sent. AGAIN: it was the
 * last one kept, and is freed again. */
ASH_INLINE enum ash_stray_result ash_stray_add(struct ash_heap *heap, const struct ash_meta *page,
                                               void *p)
{
    struct ash_strays *strays = &heap->strays;
    unsigned cls = page->cls;
    uint32_t bsize = ash_meta_bsize(page);
    void *first = strays->first[cls];
    if (ASH_UNLIKELY(first == p))
        return ASH_STRAY_AGAIN;
    *(void **)p = first;
    strays->first[cls] = p;
    unsigned n = ++strays->n[cls];
    strays->room -= bsize;
    bool full = n >= ASH_STRAY_BLOCKS || n * bsize >= ASH_STRAY_BYTES || strays->room < 0;
    return full ? ASH_STRAY_FULL : ASH_STRAY_KEPT;
}

/* The same where nothing is in the way: the page is of another thread, and this one has a heap
 * that is not busy. false: nothing happened. */
ASH_INLINE bool ash_stray_keep(struct ash_tls *tls, const struct ash_meta *page, void *p)
{
    struct ash_heap *heap = tls->self;
    uintptr_t owner = atomic_load_explicit(&page->owner, memory_order_relaxed);
    if (tls->state != ASH_TLS_KEYED || heap == &ash_heap_none || (owner & 1) ||
        owner == (uintptr_t)heap || (page->flags & ASH_META_SHARED) ||
        page->cls >= ASH_STRAY_CLASSES || atomic_load_explicit(&heap->busy, memory_order_relaxed))
        return false;
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed); /* H10 */
    ASH_COMPILER_BARRIER();
    enum ash_stray_result result = ash_stray_add(heap, page, p);
    ASH_COMPILER_BARRIER();
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
    if (ASH_UNLIKELY(result == ASH_STRAY_FULL))
        ash_stray_full(tls, page->cls);
    return result != ASH_STRAY_AGAIN;
}
/* Moves the strays of a class into the empty bin; one of them is returned. NULL: none. */
void *ash_stray_take(struct ash_tls *tls, struct ash_heap *heap, unsigned cls);
/* Sends all of a heap's strays home. */
void ash_stray_send(struct ash_heap *heap);
/* The same for this thread's heap, and for strays that lie in its bins. Nothing inside an
 * interrupted slow path. */
void ash_stray_send_own(struct ash_tls *tls);
/* Forgets them: the heap is new, or their holder does not exist in this process (F2). */
void ash_stray_drop(struct ash_heap *heap);

#endif
