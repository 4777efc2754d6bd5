/* lock.c: a lock that a fork cannot leave behind; see lock.h. */
#include "os/lock.h"
#include "base/check.h"
#include "os/os.h"

#define HELD 1u
#define WAITERS 2u
#define GENERATION_SHIFT 2

/* Some hundred nanoseconds: what a lock guards is mostly short, and a sleep costs more. */
#define SPINS 100
/* L3: how long a holder that died in a fork may be waited for. */
#define WAIT_MS 20

_Atomic uint32_t ash_fork_generation;

/* The word of a lock held now, without waiters: the token. */
static uint32_t token_now(void)
{
    uint32_t generation = atomic_load_explicit(&ash_fork_generation, memory_order_relaxed);
    return generation << GENERATION_SHIFT | HELD;
}

static bool is_held(uint32_t word)
{
    return (word & HELD) != 0;
}

/* L1: held, but not by anybody who exists in this process. */
static bool is_left_behind(uint32_t word, uint32_t token)
{
    return is_held(word) && (word & ~WAITERS) != token;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield" ::: "memory");
#endif
}

#ifdef ASH_DEBUG_BUILD
/* L4: ranks of the locks that this thread holds, a bit each, in which generation. What it
 * held before a fork belongs to frames that may never go on. */
static _Thread_local uint32_t held_ranks __attribute__((tls_model("initial-exec")));
static _Thread_local uint32_t held_in __attribute__((tls_model("initial-exec")));

static void forget_other_generation(uint32_t token)
{
    if (held_in != token)
        held_ranks = 0;
    held_in = token;
}

/* A handler may have forked in the middle of a change, and we are the child, back in a frame of
 * the parent's: what was read before the fork must not be written after it. */
static void forget_if_forked(uint32_t token)
{
    if (token_now() != token)
        held_ranks = 0;
}

static void check_rank(const struct ash_lock *lock)
{
    forget_other_generation(token_now());
    ASH_CHECK(lock->rank > 0 && lock->rank < 32);
    ASH_CHECK(held_ranks >> lock->rank == 0); /* L4 */
}

static void note_taken(const struct ash_lock *lock, uint32_t token)
{
    forget_other_generation(token);
    held_ranks |= 1u << lock->rank;
    forget_if_forked(token);
}

static void note_dropped(const struct ash_lock *lock, uint32_t token)
{
    if (held_in == token)
        held_ranks &= ~(1u << lock->rank);
    forget_if_forked(token);
}
#else
static void check_rank(const struct ash_lock *lock)
{
    (void)lock;
}

static void note_taken(const struct ash_lock *lock, uint32_t token)
{
    (void)lock;
    (void)token;
}

static void note_dropped(const struct ash_lock *lock, uint32_t token)
{
    (void)lock;
    (void)token;
}
#endif

/* Takes a lock seen free or left behind, setting the bits in `also`. Token 0 when another was
 * faster. */
static struct ash_held claim(struct ash_lock *lock, uint32_t seen, uint32_t token, uint32_t also)
{
    struct ash_held none = {0};
    struct ash_held held = {.token = token, .owner_died = is_left_behind(seen, token)};
    /* acquire; pairs with the release in ash_lock_drop. After a death there is no release: fork
     * itself made all that the owner stored visible. */
    if (!atomic_compare_exchange_strong_explicit(&lock->word, &seen, token | also,
                                                 memory_order_acquire, memory_order_relaxed))
        return none;
    /* A signal handler may have forked since the token was made, and we are the child: the word
     * is then of the old generation, and anybody may claim it. */
    if (ASH_UNLIKELY(token_now() != token))
        return none;
    note_taken(lock, token);
    return held;
}

struct ash_held ash_lock_try(struct ash_lock *lock)
{
    struct ash_held none = {0};
    uint32_t token = token_now();
    uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    if (is_held(seen) && !is_left_behind(seen, token))
        return none;
    return claim(lock, seen, token, 0);
}

struct ash_held ash_lock_spin(struct ash_lock *lock, unsigned spins)
{
    struct ash_held held = ash_lock_try(lock);
    for (; held.token == 0 && spins > 0; spins--) {
        relax();
        held = ash_lock_try(lock);
    }
    return held;
}

/* One round of waiting: claims the lock if it can be had, else announces a waiter and sleeps
 * until the word changes or WAIT_MS are over. */
static struct ash_held wait_round(struct ash_lock *lock)
{
    struct ash_held none = {0};
    uint32_t token = token_now(); /* L3 */
    uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    /* Claimed with the waiters' bit, as others may sleep beside us. */
    if (!is_held(seen) || is_left_behind(seen, token))
        return claim(lock, seen, token, WAITERS);
    if ((seen & WAITERS) == 0 &&
        !atomic_compare_exchange_strong_explicit(&lock->word, &seen, seen | WAITERS,
                                                 memory_order_relaxed, memory_order_relaxed))
        return none;
    ash_os_wait(&lock->word, seen | WAITERS, WAIT_MS);
    return none;
}

struct ash_held ash_lock_take(struct ash_lock *lock)
{
    check_rank(lock);
    struct ash_held held = ash_lock_spin(lock, SPINS);
    while (held.token == 0)
        held = wait_round(lock);
    return held;
}

void ash_lock_drop(struct ash_lock *lock, struct ash_held held)
{
    if (held.token == 0)
        return;
    note_dropped(lock, held.token);
    uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    do {
        if ((seen & ~WAITERS) != held.token) /* L2 */
            return;
        /* release; pairs with the acquire in claim */
    } while (!atomic_compare_exchange_weak_explicit(&lock->word, &seen, 0, memory_order_release,
                                                    memory_order_relaxed));
    if (seen & WAITERS)
        ash_os_wake(&lock->word, 1);
}
