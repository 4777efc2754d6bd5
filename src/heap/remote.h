/* remote.h: frees across threads: the page itself is the message.
 *
 *  sender B                          page of heap A                      heap A
 *  [b3 b2 b1] n=3
 *    │ CAS ──────────────▶ xfree {count + 3, b3, NOTIFIED}
 *    │ was NOTIFIED clear?
 *    └── push the page ────────────────────────────────────────────▶ inbox: P ─inext▶ Q
 *                                                       slow path: takes all, page by page
 *
 * A sender gathers blocks of one page with plain stores (stray.h) and hands them over by one
 * compare-and-swap. Here no list is ever walked: a mailbox is taken only into an empty lfree,
 * otherwise it waits with its count. The inbox word also says who may touch an orphan:
 * ORPHAN, nobody holds it; HELD, somebody sweeps it. Push, exit, sweep and adoption meet in
 * that one word, so they have one order and need no fence.
 *
 * R1  NOTIFIED is set if and only if the page is in exactly one inbox, or its pusher is
 *     between the two CASes, or a popper holds it between take-all and clear.
 * R2  inext is written only by whoever set NOTIFIED; it is read before NOTIFIED is cleared.
 * R3  A page is released, or initialised again, only with live = 0 and NOTIFIED clear.
 * R4  count(xfree) = length of its list <= cap < 65536.
 * R5  The page of a block on its way home cannot change meaning: the block counts as out.
 * R6  Inboxes are only pushed and taken whole.
 * R7  An orphan that is not HELD has an empty inbox; whoever makes it non-empty holds it.
 * R8  See stray.h.
 * R9  live = 0 is always seen: by a free that takes attn to 0, or by a send that leads to
 *     a drain.
 *
 * Threads   Sending: any thread. Draining: the holder (H1). Modelled
 *           in tests/model/remote.pml and orphan.pml.
 * Source    Sender batches per page: snmalloc's BatchIt; a counted list head: rpmalloc.
 */
#ifndef ASH_HEAP_REMOTE_H
#define ASH_HEAP_REMOTE_H

#include "heap/bins.h"

#define ASH_INBOX_ORPHAN ((uintptr_t)1)
#define ASH_INBOX_HELD ((uintptr_t)2)
#define ASH_INBOX_FLAGS ((uintptr_t)3)

/* Sends n blocks of the page home, linked from first to last. */
void ash_remote_send(struct ash_meta *page, void *first, void *last, unsigned n);
/* Takes the inbox and settles its pages. false: it was empty. */
bool ash_remote_drain(struct ash_heap *heap);
/* Takes blocks that left a mailbox (x) into the page's empty list. */
void ash_remote_accept(struct ash_heap *heap, struct ash_meta *page, uint64_t x);
/* Empties the inbox of an orphan that the caller has HELD, and lets go of it (R7). */
void ash_remote_sweep(struct ash_heap *orphan);
/* Empties the inbox until it turns ORPHAN with nothing in it: a thread leaves its heap. */
void ash_remote_orphan(struct ash_heap *heap);

#endif
