/* purge.h: what goes back to the system, and when; the counters of space and the limit.
 *
 * A free slice that was touched is *dirty*: it holds memory that a new page could use
 * without a fault. Kept are max(regrowth, regret, live/8, 4 MiB). Regrowth is the largest rise
 * after a fall within the last one to two seconds. Regret is how much was given back as surplus
 * and then claimed fresh again: free runs that do not fit the next objects lie dirty beyond
 * regrowth, and to give them back is to fault them in again. It halves with each window and ends
 * with a pause of two (decision 0014). What exceeds that goes back in batches
 * at the very return that makes it surplus. So a process that frees much and falls quiet has
 * already given back, and a loop that frees and takes again keeps its memory from its second
 * round.
 *
 *     live ──╮    ╭──╮    regrowth = how far live came back up towards its last peak
 *            ╰────╯  ╰─
 *
 * What lies below the bound ages: groups untouched for a second go back at a tick (256 slow
 * paths and 10 ms). Whole groups go first. A group with huge pages that is
 * in use by more than a quarter goes last: splitting it costs more than it gives at first.
 *
 * The limit (ASHLAR=limit, ashlar_limit) bounds committed = touched slices + huge objects.
 * At the limit dirty memory goes back first; then the request is refused (ENOMEM).
 *
 * Invariants S6, S8, S11 of space.h.
 *
 * Threads   Counters are atomic and approximate only in their order, never in their sum.
 */
#ifndef ASH_SPACE_PURGE_H
#define ASH_SPACE_PURGE_H

#include "space/group.h"

/* All in slices unless said; relaxed. */
struct ash_space_count {
    _Atomic int64_t live;           /* claimed */
    _Atomic int64_t dirty;          /* free and touched */
    _Atomic int64_t huge_bytes;     /* huge objects */
    _Atomic int64_t leftover_bytes; /* memory that could not be given back yet (leftover.h) */
    _Atomic int64_t huge_untouched; /* untouched slices in groups born huge (S10) */
    _Atomic int64_t huge_groups;
    _Atomic uint64_t peak_bytes;   /* most ever committed, as of the last fresh claim */
    _Atomic uint64_t window_count; /* windows of regions and huge objects */
    _Atomic uint64_t purged_bytes; /* ever given back */
    _Atomic uint64_t purge_count;  /* release calls that succeeded */
    _Atomic int64_t used_bytes;    /* carved in pages, or of large objects: what may be touched */
    _Atomic int64_t limit_bytes;   /* 0: none */
};
extern struct ash_space_count ash_space_count;

/* Notes that n more slices are claimed, of which `fresh` were untouched. */
void ash_purge_note_claim(unsigned n, unsigned fresh);
/* Notes that n touched slices came back, and gives surplus back. */
void ash_purge_note_return(unsigned n);
/* Ages what lies below the bound. Cheap when there is nothing to do. */
void ash_purge_tick(uint64_t now_ms);
/* Gives OS pages inside a claimed slice back; a huge page there is split by it, so its group is
 * huge no more. -1: the system refuses. */
int ash_purge_part(uintptr_t addr, size_t bytes);
/* Gives every dirty slice back. Returns the bytes. */
size_t ash_purge_all(void);
/* May `slices` fresh slices and `bytes` of a huge object be committed? Gives dirty memory
 * back first when the limit is near. */
bool ash_purge_admits(unsigned slices, size_t bytes);
uint64_t ash_purge_committed_bytes(void);
/* The most that was ever committed, as of the last claims of fresh slices. */
uint64_t ash_purge_peak_bytes(void);
/* May a group be born huge now (decision 2, S10)? */
bool ash_purge_wants_huge(void);
/* ASHLAR=thp=never. */
void ash_purge_no_huge(void);

#endif
