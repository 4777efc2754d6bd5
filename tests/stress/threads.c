/* threads.c: lives of threads: many in a row, many at once, blocks that outlive them, key
 * destructors, cancellation, exit under them. (F7, F10, F11) */
#include "churn.h"
#include "storm.h"
#include <malloc.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static struct churn_pool pool = {.size_max = 65536};

static pthread_t start(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    int err = pthread_create(&thread, &attr, body, arg);
    STORM_REQUIRE(err == 0, "pthread_create: %s", strerror(err));
    pthread_attr_destroy(&attr);
    return thread;
}

/* ---- in a row ---- */

static void *short_life(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 40; i++)
        churn_step(&pool, &state);
    return NULL;
}

/* What may grow, and how far. The same 137 pages of 64 KiB (of each class one in each CPU's
 * starter, in the orphan that thread after thread adopts, and in this thread's heap) serve
 * 10,000 threads and 500,000: 9.7 MiB committed all the time. Pages are carved as blocks are
 * asked for, so that ever more of this is touched: 6.0 MiB resident after 10,000 threads, 6.5
 * after 100,000, 7.1 after 500,000, with check=1 as without; what is committed bounds it. A trim
 * takes back what is only touched and leaves 3.0 to 4.0 MiB, whichever blocks live, at each
 * 10,000 of 100,000 threads: no trend. So a leak shows when the least of the late measures
 * exceeds the most of the early ones. */
static void ten_thousand_in_a_row(void)
{
    unsigned n = storm_size(3000, 10000, 100000), measures = 12;
    pool.size_max = 1024;
    /* all slots are filled, so that the live size has settled before it is looked at */
    uint64_t state = storm_seed(1);
    for (int i = 0; i < 20 * CHURN_SLOTS; i++)
        churn_step(&pool, &state);
    size_t touched = 0, early_max = 0, late_min = SIZE_MAX;
    for (unsigned k = 1; k <= measures; k++) {
        for (unsigned i = 0; i < n / measures; i++)
            pthread_join(start(short_life, (void *)(uintptr_t)(k * n + i)), NULL);
        touched = storm_resident();
        if (k < 4)
            continue;
        malloc_trim(0);
        size_t kept = storm_resident();
        if (k <= 6 && kept > early_max)
            early_max = kept;
        if (k >= 10 && kept < late_min)
            late_min = kept;
    }
    storm_say("%u threads: resident %zu KiB; trimmed %zu KiB at most early, %zu KiB at least late",
              n, touched >> 10, early_max >> 10, late_min >> 10);
    size_t starters = (size_t)sysconf(_SC_NPROCESSORS_ONLN) * 2 * MIB; /* 28 classes, 64 KiB each */
    STORM_REQUIRE(touched <= 8 * MIB + starters, "%zu KiB resident", touched >> 10);
    STORM_REQUIRE(late_min <= early_max + MIB, "%zu KiB more", (late_min - early_max) >> 10);
    churn_empty(&pool);
}

/* ---- at once ---- */

#define CROWD_BLOCKS 12

struct member {
    pthread_t thread;
    pthread_barrier_t *all_here;
    struct churn_block *blocks[CROWD_BLOCKS];
    uint64_t state;
};

static void *join_crowd(void *arg)
{
    struct member *member = arg;
    for (int i = 0; i < CROWD_BLOCKS; i++)
        member->blocks[i] = churn_make(&member->state, storm_pick_size(&member->state, 2048));
    pthread_barrier_wait(member->all_here);
    for (int i = 0; i < CROWD_BLOCKS / 2; i++) {
        churn_drop(member->blocks[i]);
        member->blocks[i] = NULL;
    }
    return NULL;
}

static void thousand_at_once(void)
{
    unsigned n = storm_size(200, 1000, 4000);
    struct member *members = calloc(n, sizeof *members);
    pthread_barrier_t all_here;
    pthread_barrier_init(&all_here, NULL, n + 1);
    for (unsigned i = 0; i < n; i++) {
        members[i].all_here = &all_here;
        members[i].state = storm_seed(i);
        members[i].thread = start(join_crowd, &members[i]);
    }
    pthread_barrier_wait(&all_here);
    for (unsigned i = 0; i < n; i++)
        pthread_join(members[i].thread, NULL);
    for (unsigned i = 0; i < n; i++)
        for (int k = 0; k < CROWD_BLOCKS; k++)
            churn_drop(members[i].blocks[k]);
    pthread_barrier_destroy(&all_here);
    free(members);
}

/* ---- blocks that outlive their thread ---- */

#define HANDED 2000

static struct churn_block *handed[HANDED];

static void *make_and_end(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < HANDED; i++)
        handed[i] = churn_make(&state, storm_pick_size(&state, 8192));
    return NULL;
}

/* Between rounds lies what the last seconds' demand keeps, more or less of it by when a window
 * turns: at most about a round's memory, so twice that is the bound. What would grow with the
 * number of rounds shows after a trim. */
static void blocks_outlive_their_thread(void)
{
    unsigned n = storm_size(50, 200, 5000);
    size_t round_bytes = 0, kept_most = 0, early = 0;
    for (uintptr_t round = 0; round < n; round++) {
        pthread_join(start(make_and_end, (void *)round), NULL);
        if (round == 0)
            round_bytes = storm_resident();
        for (int i = 0; i < HANDED; i++)
            churn_drop(handed[i]);
        if (storm_resident() > kept_most)
            kept_most = storm_resident();
        if (round == n / 4) {
            malloc_trim(0);
            early = storm_resident();
        }
    }
    malloc_trim(0);
    size_t late = storm_resident();
    STORM_REQUIRE(late <= early + MIB, "trimmed resident grew from %zu to %zu KiB", early >> 10,
                  late >> 10);
    STORM_REQUIRE(kept_most <= 2 * round_bytes, "kept %zu KiB after rounds of %zu KiB",
                  kept_most >> 10, round_bytes >> 10);
}

/* ---- the producer ends while others free what it made ---- */

#define RING 4096

static struct churn_block *_Atomic ring[RING];
static _Atomic unsigned n_producers;

static void *produce_and_end(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 3000; i++) {
        struct churn_block *fresh = churn_make(&state, storm_pick_size(&state, 1024));
        /* acq_rel: hands the block over; pairs with consume */
        churn_drop(atomic_exchange_explicit(&ring[storm_random(&state) % RING], fresh,
                                            memory_order_acq_rel));
    }
    atomic_fetch_sub(&n_producers, 1);
    return NULL;
}

static void *consume(void *arg)
{
    (void)arg;
    while (atomic_load(&n_producers) > 0)
        for (int i = 0; i < RING; i++)
            churn_drop(atomic_exchange_explicit(&ring[i], NULL, memory_order_acq_rel));
    return NULL;
}

static void producer_ends_before_consumer(void)
{
    for (unsigned round = 0; round < storm_size(5, 20, 500); round++) {
        pthread_t threads[6];
        atomic_store(&n_producers, 4);
        for (uintptr_t i = 0; i < 6; i++)
            threads[i] = start(i < 4 ? produce_and_end : consume, (void *)(round * 8 + i));
        for (int i = 0; i < 6; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < RING; i++)
        churn_drop(ring[i]);
}

/* ---- key destructors ---- */

#define N_KEYS 6
static pthread_key_t keys[N_KEYS];
static _Atomic unsigned n_destroyed;

/* Frees, allocates, and comes back for a further round until glibc gives up. */
static void destroy_and_return(void *value)
{
    struct churn_block *old = value;
    unsigned key_i = old->tag % N_KEYS;
    unsigned round = old->tag / N_KEYS;
    STORM_REQUIRE(storm_is_filled(old->bytes, old->n_bytes, old->tag), "a value was overwritten");
    free(old);
    for (size_t n = 8; n < 200000; n *= 5) {
        void *p = calloc(1, n);
        STORM_REQUIRE(p && storm_is_zero(p, n), "calloc in a destructor");
        free(p);
    }
    atomic_fetch_add(&n_destroyed, 1);
    if (round + 1 >= PTHREAD_DESTRUCTOR_ITERATIONS)
        return;
    struct churn_block *next = malloc(sizeof *next + 100);
    next->n_bytes = 100;
    next->tag = (round + 1) * N_KEYS + key_i;
    storm_fill(next->bytes, 100, next->tag);
    pthread_setspecific(keys[key_i], next);
}

static void *set_keys(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (unsigned i = 0; i < N_KEYS; i++) {
        struct churn_block *value = malloc(sizeof *value + 50);
        value->n_bytes = 50;
        value->tag = i;
        storm_fill(value->bytes, 50, i);
        pthread_setspecific(keys[i], value);
    }
    for (int i = 0; i < (int)(storm_random(&state) % 30); i++)
        churn_step(&pool, &state);
    return NULL;
}

static void key_destructors_in_four_rounds(void)
{
    unsigned n = storm_size(100, 500, 20000);
    for (int i = 0; i < N_KEYS; i++)
        STORM_REQUIRE(pthread_key_create(&keys[i], destroy_and_return) == 0, "no key");
    for (uintptr_t i = 0; i < n; i += 2) {
        pthread_t one = start(set_keys, (void *)i);
        pthread_join(start(set_keys, (void *)(i + 1)), NULL);
        pthread_join(one, NULL);
    }
    STORM_REQUIRE(n_destroyed == n * N_KEYS * PTHREAD_DESTRUCTOR_ITERATIONS, "%u destructors",
                  n_destroyed);
    churn_empty(&pool);
}

/* ---- cancellation ---- */

static void drop_at_cancel(void *arg)
{
    churn_drop(*(struct churn_block **)arg);
}

static void *work_until_cancelled(void *arg)
{
    int fd = *(int *)arg;
    uint64_t state = storm_seed((uint64_t)pthread_self());
    struct churn_block *mine = NULL;
    pthread_cleanup_push(drop_at_cancel, &mine);
    for (;;) {
        churn_step(&pool, &state);
        churn_drop(mine);
        mine = NULL;
        mine = churn_make(&state, 500);
        if (write(fd, "x", 1) < 0) /* a cancellation point */
            break;
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void cancelled_at_random(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t state = storm_seed(3);
    for (unsigned round = 0; round < storm_size(50, 300, 5000); round++) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            threads[i] = start(work_until_cancelled, &fd);
        for (int i = (int)(storm_random(&state) % 100); i > 0; i--)
            churn_step(&pool, &state);
        for (int i = 0; i < 3; i++)
            pthread_cancel(threads[i]);
        for (int i = 0; i < 3; i++) {
            void *result;
            pthread_join(threads[i], &result);
            STORM_REQUIRE(result == PTHREAD_CANCELED, "a thread ended by itself");
        }
    }
    churn_empty(&pool);
    close(fd);
}

/* ---- exit while detached threads run ---- */

static void exit_under_threads_part(void)
{
    for (int i = 0; i < 12; i++) {
        pthread_t thread = start(short_life, (void *)(uintptr_t)i);
        pthread_detach(thread);
    }
    churn_start(&pool, 4, 65536); /* these do not end */
    uint64_t state = storm_seed((uint64_t)getpid());
    for (int i = (int)(storm_random(&state) % 200); i > 0; i--)
        churn_step(&pool, &state);
    exit(0);
}

static void exit_under_threads(void)
{
    for (unsigned i = 0; i < storm_size(20, 100, 2000); i++) {
        char **argv = storm_argv(".exit_under_threads_part");
        pid_t pid = fork();
        if (pid == 0) {
            storm_child_begins();
            execv(argv[0], argv);
            _exit(9);
        }
        storm_child_ends(pid, "exit under threads");
    }
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"ten_thousand_in_a_row", ten_thousand_in_a_row, 90},
        {"thousand_at_once", thousand_at_once, 60},
        {"blocks_outlive_their_thread", blocks_outlive_their_thread, 60},
        {"producer_ends_before_consumer", producer_ends_before_consumer, 60},
        {"key_destructors_in_four_rounds", key_destructors_in_four_rounds, 60},
        {"cancelled_at_random", cancelled_at_random, 60},
        {"exit_under_threads", exit_under_threads, 60},
        {".exit_under_threads_part", exit_under_threads_part, 30},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
