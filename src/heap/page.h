/* page.h: a run of equal blocks, its lists and its states.
 *
 *     carved                         cap      lfree  freed by the owner, a list through the
 *   ┌─┬─┬─┬─┬─┬─┬─┬─┬─ ─ ─ ─ ─ ─ ─ ─ ┐              blocks' first words
 *   │u│f│u│x│b│u│f│u│   not yet      │      xfree  freed by others (remote.h)
 *   └─┴─┴─┴─┴─┴─┴─┴─┴─ ─ ─ ─ ─ ─ ─ ─ ┘      bin    taken whole by the thread
 *
 * One event counter per page, attn, replaces the tests for "was full" and "is empty": free
 * counts it down, and only at zero does anybody look.
 *
 *      new ──▶ CURRENT ──lists empty──▶ FULL     attn = cap/8 (few: /4)
 *               ▲  │ space left, or         │ an eighth is back
 *               │  ▼ another page is better ▼
 *               └─ PARTIAL ◀────────────────┘    attn = live
 *                     │ live = 0
 *                     ▼
 *                  EMPTY (kept, one per class, capped) ──▶ released
 *                  ZOMBIE (NOTIFIED: somebody still holds it; its pop decides)
 *
 * fold: f = attn0 - attn; lcnt += f; out -= f; attn0 = attn.   live = out - count(xfree).
 * Invariants H1 to H5, H9 of heap.h; R1 to R4 of remote.h.
 *
 * Threads   Every function is for the holder of the heap (H1).
 */
#ifndef ASH_HEAP_PAGE_H
#define ASH_HEAP_PAGE_H

#include "heap/bins.h"

enum ash_page_state {
    ASH_PAGE_CURRENT = 1, /* cur[c] */
    ASH_PAGE_FULL,        /* on no list */
    ASH_PAGE_PARTIAL,     /* on part[c] */
    ASH_PAGE_EMPTY,       /* on part[c], no block is out */
    ASH_PAGE_ZOMBIE,      /* no block is out, an inbox still holds it */
};

#define ASH_ATTN_NEVER INT32_MAX
#define ASH_PAGE_CARVE_BYTES 4096u /* fresh memory linked at once: one OS page */

#define ASH_XFREE_NOTIFIED 1u
ASH_INLINE unsigned ash_xfree_count(uint64_t x)
{
    return (unsigned)(x >> 48);
}
ASH_INLINE void *ash_xfree_first(uint64_t x)
{
    return (void *)(uintptr_t)(x & 0xFFFFFFFFFFFEu);
}

/* Brings the counts up to date with the frees since the last fold. */
void ash_page_fold(struct ash_meta *page);
/* After a fold: blocks that somebody still has (user, bin or stray). */
unsigned ash_page_live(struct ash_meta *page);

/* Takes what was given back into the list of cur[cls]. false: it is empty, or there is no page. */
bool ash_page_collect(struct ash_heap *heap, unsigned cls);
/* After that was in vain: makes cur[cls] a page with a non-empty lfree, by the refill order of
 * heap/alloc.h. *ret_zero: the list is fresh memory that reads zero behind its links. false: no
 * memory. */
bool ash_page_advance(struct ash_heap *heap, unsigned cls, bool *ret_zero);
/* One block of the class, for heaps without bins and classes without a bin. NULL: no memory. */
void *ash_page_pop(struct ash_heap *heap, unsigned cls, bool *ret_zero);
/* Takes the whole list of cur[cls], which is not empty. */
void *ash_page_take_list(struct ash_heap *heap, unsigned cls);
/* Puts a block back, as the fast path does; says whether the page wants attention. */
bool ash_page_put(struct ash_meta *page, void *p);
/* The same, with the attention. */
void ash_page_push(struct ash_heap *heap, struct ash_meta *page, void *p);
/* A CURRENT page asks for attention after as many frees as the heap watches for (threads.h). */
void ash_page_watch(const struct ash_heap *heap, struct ash_meta *page);
/* attn reached zero. */
void ash_page_attention(struct ash_heap *heap, struct ash_meta *page);
/* Decides the state of a page whose mailbox was emptied (drain). */
void ash_page_settle(struct ash_heap *heap, struct ash_meta *page);
/* cur[cls] becomes PARTIAL, FULL or EMPTY; its blocks in a bin were put back before (H3). */
void ash_page_retire(struct ash_heap *heap, unsigned cls);
/* Releases EMPTY pages until at most keep_bytes are kept; CURRENT pages without live blocks
 * too when keep_bytes is 0. Bins are empty then. */
void ash_page_release_empty(struct ash_heap *heap, size_t keep_bytes);
/* Releases a page with no block out, whatever its state says; it is on no list. */
void ash_page_release(struct ash_heap *heap, struct ash_meta *page);
/* Counts lists instead of believing counters: after a fork cut (threads.h). */
void ash_page_recount(struct ash_heap *heap, struct ash_meta *page);
/* Checks every invariant that can be seen from this page; false and a reason. */
bool ash_page_check(struct ash_meta *page, const char **ret_why);

ASH_INLINE unsigned ash_page_index(const struct ash_meta *page, uintptr_t addr)
{
    return (unsigned)(((addr - page->start) * page->recip) >> 40);
}

#endif
