/* lock.h: a lock that a fork cannot leave behind.
 *
 * The child of a fork inherits lock words whose holders do not exist there, so each word
 * carries the fork generation it was taken in:
 *
 *     word   [31:2] generation   [1] waiters   [0] held
 *
 * L1  A word of an older generation counts as free; who takes it learns that the owner
 *     died and must look at what the lock guards before it trusts it (F1).
 * L2  Unlocking is a CAS of the holder's own token, so a frame that was interrupted by a
 *     forking handler and goes on in the child cannot unlock another holder's lock.
 * L3  Waits are timed and read the generation in each round: a futex wait is restarted
 *     after a signal handler, and would otherwise sleep for ever on a dead holder.
 * L4  A thread takes a lock only while every lock it holds has a lower rank (base/rank.h).
 *
 * Threads   ash_fork_generation is bumped in the child only, before any other thread can
 *           exist there.
 */
#ifndef ASH_OS_LOCK_H
#define ASH_OS_LOCK_H

#include "base/base.h"
#include "base/rank.h"
#include <stdatomic.h>

struct ash_lock {
    _Atomic uint32_t word;
    uint32_t rank; /* enum ash_rank */
};

struct ash_held {
    uint32_t token;  /* 0: not held */
    bool owner_died; /* L1 */
};

extern _Atomic uint32_t ash_fork_generation;

/* tidy: macro: an initializer of a static lock cannot be a function. */
#define ASH_LOCK_INIT(r)                                                                           \
    {                                                                                              \
        .rank = (r)                                                                                \
    }

/* Waits until the lock is ours. */
struct ash_held ash_lock_take(struct ash_lock *lock);
/* Takes it if it is free; token 0 when it is not. */
struct ash_held ash_lock_try(struct ash_lock *lock);
/* Spins spins times, then gives up; token 0 then. */
struct ash_held ash_lock_spin(struct ash_lock *lock, unsigned spins);
void ash_lock_drop(struct ash_lock *lock, struct ash_held held);

#endif
