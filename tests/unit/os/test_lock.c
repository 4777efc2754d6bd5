/* test_lock.c: one holder at a time, and no lock that a fork leaves behind. */
#include "os/lock.h"
#include "os/os.h"
#include "child.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#define THREADS 4
#define ROUNDS 20000
#define FORKS 30
/* A child that waits longer hangs. */
#define CHILD_SECONDS 20

static struct ash_lock lock = ASH_LOCK_INIT(ASH_RANK_STARTER);

static int fresh_lock(void **state)
{
    (void)state;
    atomic_store(&lock.word, 0);
    return 0;
}

/* What the fork handler of the library does, before another thread can exist. */
static void begin_generation(void)
{
    atomic_fetch_add(&ash_fork_generation, 1);
}

static void taken_lock_is_refused_until_it_is_dropped(void **state)
{
    (void)state;
    errno = 4711;
    struct ash_held held = ash_lock_take(&lock);
    assert_true(held.token != 0);
    assert_false(held.owner_died);
    assert_int_equal(ash_lock_try(&lock).token, 0);
    assert_int_equal(ash_lock_spin(&lock, 10).token, 0);
    ash_lock_drop(&lock, held);
    assert_int_equal(lock.word, 0);
    held = ash_lock_try(&lock);
    assert_true(held.token != 0);
    ash_lock_drop(&lock, held);
    held = ash_lock_spin(&lock, 0);
    assert_true(held.token != 0);
    ash_lock_drop(&lock, held);
    assert_int_equal(errno, 4711);
}

static void dropping_what_is_not_held_does_nothing(void **state)
{
    (void)state;
    struct ash_held held = ash_lock_take(&lock);
    ash_lock_drop(&lock, (struct ash_held){0});
    assert_int_equal(ash_lock_try(&lock).token, 0);
    ash_lock_drop(&lock, held);
    ash_lock_drop(&lock, held);
    assert_int_equal(lock.word, 0);
}

static uint64_t counted; /* plain: the lock alone guards it */

static void *count_under_the_lock(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct ash_held held = i % 3 ? ash_lock_take(&lock) : ash_lock_spin(&lock, 1000);
        if (held.token == 0)
            held = ash_lock_take(&lock);
        counted++;
        ash_lock_drop(&lock, held);
    }
    return NULL;
}

static void threads_never_hold_it_together(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    counted = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_under_the_lock, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counted, THREADS * ROUNDS);
    assert_int_equal(lock.word, 0);
}

static void *take_and_keep(void *arg)
{
    *(struct ash_held *)arg = ash_lock_take(&lock);
    return NULL;
}

/* The word shows that somebody sleeps, or is about to. */
static void await_a_waiter(void)
{
    while (!(atomic_load(&lock.word) & 2))
        ash_os_yield();
}

static void waiter_gets_the_lock_when_it_is_dropped(void **state)
{
    (void)state;
    struct ash_held held = ash_lock_take(&lock);
    struct ash_held theirs = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_and_keep, &theirs), 0);
    await_a_waiter();
    ash_lock_drop(&lock, held);
    pthread_join(thread, NULL);
    assert_true(theirs.token != 0);
    assert_false(theirs.owner_died);
    assert_int_equal(ash_lock_try(&lock).token, 0);
    ash_lock_drop(&lock, theirs);
    assert_int_equal(lock.word, 0);
}

#define SLEEP_MS 60000

static void *sleep_as_a_waiter(void *arg)
{
    uint32_t seen = atomic_fetch_or(&lock.word, 2) | 2;
    while (atomic_load(&lock.word) == seen)
        ash_os_wait(&lock.word, seen, SLEEP_MS);
    return arg;
}

/* The lock's own waiters wake by themselves after some ms; this one does not. */
static int drop_before_a_sleeper(void)
{
    struct ash_held held = ash_lock_take(&lock);
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_as_a_waiter, NULL) != 0)
        return 1;
    await_a_waiter();
    for (int i = 0; i < 1000; i++)
        ash_os_yield();
    alarm(CHILD_SECONDS); /* shorter than SLEEP_MS */
    ash_lock_drop(&lock, held);
    pthread_join(thread, NULL);
    return 0;
}

static void drop_wakes_a_sleeper(void **state)
{
    (void)state;
    child_must_pass(drop_before_a_sleeper);
}

static int find_the_owner_dead(void)
{
    alarm(CHILD_SECONDS);
    begin_generation();
    struct ash_held held = ash_lock_take(&lock);
    if (held.token == 0 || !held.owner_died)
        return 1;
    ash_lock_drop(&lock, held);
    held = ash_lock_take(&lock); /* the news is given once */
    if (held.token == 0 || held.owner_died)
        return 2;
    ash_lock_drop(&lock, held);
    return lock.word == 0 ? 0 : 3;
}

struct holder {
    _Atomic bool has_it;
    _Atomic bool may_drop;
    struct ash_held held;
};

static void *hold_until_told(void *arg)
{
    struct holder *holder = arg;
    holder->held = ash_lock_take(&lock);
    atomic_store(&holder->has_it, true);
    while (!atomic_load(&holder->may_drop))
        ash_os_yield();
    ash_lock_drop(&lock, holder->held);
    return NULL;
}

/* L1: the thread that holds the lock does not exist in the child. */
static void child_takes_the_lock_of_a_dead_owner(void **state)
{
    (void)state;
    struct holder holder = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_until_told, &holder), 0);
    while (!atomic_load(&holder.has_it))
        ash_os_yield();
    child_must_pass(find_the_owner_dead);
    assert_int_equal(ash_lock_try(&lock).token, 0); /* the parent's word is untouched */
    atomic_store(&holder.may_drop, true);
    pthread_join(thread, NULL);
    assert_int_equal(lock.word, 0);
}

static int find_it_free(void)
{
    begin_generation();
    struct ash_held held = ash_lock_take(&lock);
    return held.token != 0 && !held.owner_died ? 0 : 1;
}

static void child_finds_a_free_lock_free(void **state)
{
    (void)state;
    child_must_pass(find_it_free);
}

static struct ash_held parents;

/* L2: the frame that held the lock goes on in the child, after another has taken it. */
static int drop_with_an_old_token(void)
{
    begin_generation();
    struct ash_held held = ash_lock_try(&lock);
    if (!held.owner_died || held.token == parents.token)
        return 1;
    ash_lock_drop(&lock, parents);
    if (ash_lock_try(&lock).token != 0)
        return 2;
    ash_lock_drop(&lock, held);
    return lock.word == 0 ? 0 : 3;
}

static void old_token_unlocks_nothing(void **state)
{
    (void)state;
    parents = ash_lock_take(&lock);
    child_must_pass(drop_with_an_old_token);
    ash_lock_drop(&lock, parents);
    assert_int_equal(lock.word, 0);
}

/* ... but before another has taken it, it may. */
static int drop_what_was_inherited(void)
{
    begin_generation();
    ash_lock_drop(&lock, parents);
    struct ash_held held = ash_lock_take(&lock);
    return held.token != 0 && !held.owner_died ? 0 : 1;
}

static void interrupted_holder_may_go_on_in_the_child(void **state)
{
    (void)state;
    parents = ash_lock_take(&lock);
    child_must_pass(drop_what_was_inherited);
    ash_lock_drop(&lock, parents);
}

/* L3: a generation that begins while a thread waits ends its wait. In the child of a handler's
 * fork, the waiter is the frame below the handler. */
static int wait_across_a_generation(void)
{
    alarm(CHILD_SECONDS);
    struct ash_held held = ash_lock_take(&lock);
    struct ash_held theirs = {0};
    pthread_t thread;
    if (pthread_create(&thread, NULL, take_and_keep, &theirs) != 0)
        return 1;
    await_a_waiter();
    begin_generation();
    pthread_join(thread, NULL);
    if (theirs.token == 0 || !theirs.owner_died)
        return 2;
    ash_lock_drop(&lock, held);
    return ash_lock_try(&lock).token == 0 ? 0 : 3;
}

static void waiter_learns_of_a_new_generation(void **state)
{
    (void)state;
    child_must_pass(wait_across_a_generation);
}

static int take_in_the_last_generations(void)
{
    static const uint32_t generations[] = {0x3fffffff, 0x40000000, 0xffffffff, 0};
    for (size_t i = 0; i < ASH_COUNT_OF(generations); i++) {
        atomic_store(&ash_fork_generation, generations[i]);
        struct ash_held held = ash_lock_take(&lock);
        if (held.token == 0 || held.owner_died != (i > 0) || ash_lock_try(&lock).token != 0)
            return 1;
        if (i == ASH_COUNT_OF(generations) - 1)
            ash_lock_drop(&lock, held);
    }
    return lock.word == 0 ? 0 : 2;
}

static void generations_may_wrap_around(void **state)
{
    (void)state;
    child_must_pass(take_in_the_last_generations);
}

static volatile sig_atomic_t n_forked;
static volatile sig_atomic_t n_failed;
static volatile sig_atomic_t is_child;

/* Forks wherever the signal strikes; the child goes on in the interrupted frame. */
static void fork_in_the_handler(int signal_number)
{
    (void)signal_number;
    if (is_child || n_forked >= FORKS)
        return;
    int saved_errno = errno;
    pid_t pid = fork();
    if (pid == 0) {
        is_child = 1;
        alarm(CHILD_SECONDS);
        begin_generation();
        struct ash_held held = ash_lock_take(&lock);
        ash_lock_drop(&lock, held);
    } else {
        int status = 1;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        n_failed += status != 0;
        n_forked++;
    }
    errno = saved_errno;
}

static int fork_anywhere(void)
{
    struct sigaction action = {.sa_handler = fork_in_the_handler, .sa_flags = SA_RESTART};
    sigaction(SIGPROF, &action, NULL);
    struct itimerval timer = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_PROF, &timer, NULL);
    for (uint64_t i = 0; n_forked < FORKS && !is_child; i++) {
        struct ash_held held = ash_lock_take(&lock);
        counted = i;
        ash_lock_drop(&lock, held);
        (void)getppid(); /* sanitizers deliver signals at calls */
    }
    timer = (struct itimerval){0};
    setitimer(ITIMER_PROF, &timer, NULL);
    struct ash_held held = ash_lock_take(&lock);
    ash_lock_drop(&lock, held);
    if (lock.word != 0)
        fprintf(stderr, "lock word 0x%x at the end\n", (unsigned)lock.word);
    return lock.word != 0 || n_failed > 0;
}

static void fork_in_a_handler_leaves_a_lock_that_works(void **state)
{
    (void)state;
    child_must_pass(fork_anywhere);
}

static struct ash_lock low = ASH_LOCK_INIT(ASH_RANK_ORPHANS);
static struct ash_lock high = ASH_LOCK_INIT(ASH_RANK_REGION);

static int take_with_rising_ranks(void)
{
    struct ash_held a = ash_lock_take(&low);
    struct ash_held b = ash_lock_take(&high);
    ash_lock_drop(&high, b);
    b = ash_lock_take(&lock);
    struct ash_held c = ash_lock_take(&high);
    ash_lock_drop(&low, a); /* dropped in any order */
    ash_lock_drop(&high, c);
    ash_lock_drop(&lock, b);
    a = ash_lock_take(&low);
    ash_lock_drop(&low, a);
    return 0;
}

static int take_with_falling_ranks(void)
{
    (void)ash_lock_take(&high);
    (void)ash_lock_take(&low);
    return 0;
}

static int take_equal_ranks(void)
{
    struct ash_lock other = ASH_LOCK_INIT(ASH_RANK_STARTER);
    (void)ash_lock_take(&lock);
    (void)ash_lock_take(&other);
    return 0;
}

static int try_with_falling_ranks(void)
{
    (void)ash_lock_take(&high);
    return ash_lock_try(&low).token != 0 ? 0 : 1; /* who does not wait makes no circle */
}

static void rising_ranks_are_fine(void **state)
{
    (void)state;
    child_must_pass(take_with_rising_ranks);
    child_must_pass(try_with_falling_ranks);
}

static void debug_build_refuses_ranks_that_do_not_rise(void **state)
{
    (void)state;
#ifdef ASH_DEBUG_BUILD
    child_must_abort(take_with_falling_ranks, "F01");
    child_must_abort(take_equal_ranks, "F01");
#else
    child_must_pass(take_with_falling_ranks);
    child_must_pass(take_equal_ranks);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(taken_lock_is_refused_until_it_is_dropped, fresh_lock),
        cmocka_unit_test_setup(dropping_what_is_not_held_does_nothing, fresh_lock),
        cmocka_unit_test_setup(threads_never_hold_it_together, fresh_lock),
        cmocka_unit_test_setup(waiter_gets_the_lock_when_it_is_dropped, fresh_lock),
        cmocka_unit_test_setup(drop_wakes_a_sleeper, fresh_lock),
        cmocka_unit_test_setup(child_takes_the_lock_of_a_dead_owner, fresh_lock),
        cmocka_unit_test_setup(child_finds_a_free_lock_free, fresh_lock),
        cmocka_unit_test_setup(old_token_unlocks_nothing, fresh_lock),
        cmocka_unit_test_setup(interrupted_holder_may_go_on_in_the_child, fresh_lock),
        cmocka_unit_test_setup(waiter_learns_of_a_new_generation, fresh_lock),
        cmocka_unit_test_setup(generations_may_wrap_around, fresh_lock),
        cmocka_unit_test_setup(fork_in_a_handler_leaves_a_lock_that_works, fresh_lock),
        cmocka_unit_test_setup(rising_ranks_are_fine, fresh_lock),
        cmocka_unit_test_setup(debug_build_refuses_ranks_that_do_not_rise, fresh_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
