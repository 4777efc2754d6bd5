/* heap.h: who owns pages, and the invariants of everything between malloc and space.
 *
 *     thread ──self──▶ heap ──cur[c]──▶ page ──lfree──▶ blocks freed by the owner
 *        │              │  └─part[c]──▶ page ⇄ page      xfree ◀── blocks freed by others
 *        └─bin[c]──▶ blocks of cur[c], the thread's own list: malloc pops here
 *                       └─inbox ◀── pages that others put something into (remote.h)
 *
 * A heap is held by at most one thread at a time. Its kinds:
 *   THREAD       held by a thread, or an orphan in between
 *   STARTER      one for each CPU, under its lock: serves threads that own no page yet
 *   NAMED        made by the program (ashlar_heap_new), under its lock
 *   QUARANTINED  caught by a fork inside a slow path: its pages rest, its mailbox takes
 *
 * H1   Line 1 of a page (but xfree, inext) is written only by the holder of its heap: the
 *      thread whose self it is, the holder of its lock, or whoever set HELD in its inbox.
 *      The owner of a page that has blocks out never changes.
 * H2   A block is in exactly one place: user, bin, lfree, xfree, a sender's batch, dropped
 *      by hole purge (H9), not yet carved.
 * H3   bin[c] holds blocks of cur[c] only, and is empty whenever cur[c] changes.
 * H4   After a fold, carved = out + lcnt + blocks that start in purged OS pages. Blocks in
 *      xfree, bins and batches count in `out`.
 * H5   attn > 0 between operations; EMPTY = INT_MAX, CURRENT too unless the heap watches
 *      (threads.h), FULL <= max(1, cap/4),
 *      PARTIAL <= live.
 * H6   free stores in the order link, attn, lfree; any other order puts a live block on a
 *      list at some cut. malloc publishes with a single store to the bin.
 * H7   ash_heap_none owns no page. Heap descriptors are never unmapped.
 * H8   zero bit c set => every block in bin[c] is zero from byte 8 on.
 * H9   purged bit set => no listed block starts in that OS page.
 * H10  busy != 0 while a slow path has line 1 or a list of its heap in an inconsistent
 *      state, and from before a heap leaves the orphan list until `self` names it.
 * H11  Nothing outside fast.h adds an instruction to the two fast paths.
 *
 * Threads   See H1. Lock ranks: NAMED, then ORPHANS, then STARTER, then REGION.
 * Source    The lists that are taken whole go back to rpmalloc and mimalloc; batches in the
 *           sender to snmalloc's BatchIt; demand history to tcmalloc; the rest is stated
 *           where it stands.
 */
#ifndef ASH_HEAP_HEAP_H
#define ASH_HEAP_HEAP_H

#include "heap/alloc.h"
#include "heap/bins.h"
#include "heap/class.h"
#include "heap/count.h"
#include "heap/find.h"
#include "heap/free.h"
#include "heap/holes.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/named.h"
#include "heap/page.h"
#include "heap/realloc.h"
#include "heap/remote.h"
#include "heap/starter.h"
#include "heap/threads.h"
#include "heap/walk.h"
#include "heap/watch.h"

#endif
