/* prop_heap.c: random calls from several threads against a shadow of what must be true.
 *
 *     prop_heap [--ops N] [--threads N] [--seed S] [--bug NAME]
 *
 * Rounds of new threads, so that heaps are orphaned and adopted all the time. In the middle of a
 * round all threads stop at a barrier and one of them asks the subject to verify itself and
 * compares its walk with the blocks that are held; after the round the main thread does so again,
 * without any other thread. In the end everything is freed, and the walk must be empty.
 */
#include "base/rng.h"
#include "census.h"
#include "shadow.h"
#include "worker.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define ROUND_OPS 200000u /* of all threads together */

static struct options {
    uint64_t n_ops, seed;
    uint32_t n_threads;
} options = {.n_ops = 2000000, .n_threads = 4};

static struct worker *workers;
static pthread_barrier_t barrier;
static uint64_t ops_per_half; /* of one thread */
static uint64_t n_walks, n_walked, n_unknown, n_extra, n_verified;

static void usage(const char *name)
{
    fprintf(stderr, "usage: %s [--ops N] [--threads 1..%u] [--seed S]%s\n", name, WORKERS_MAX,
            toy_choose(NULL) ? " [--bug NAME]" : "");
    exit(2);
}

static uint64_t number(const char *text, uint64_t max, const char *name)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || n > max)
        usage(name);
    return n;
}

static void read_options(int argc, char **argv)
{
    if (getrandom(&options.seed, 4, 0) != 4)
        options.seed = 1;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            usage(argv[0]);
        if (!strcmp(argv[i], "--ops"))
            options.n_ops = number(argv[i + 1], UINT64_MAX, argv[0]);
        else if (!strcmp(argv[i], "--threads"))
            options.n_threads = (uint32_t)number(argv[i + 1], WORKERS_MAX, argv[0]);
        else if (!strcmp(argv[i], "--seed"))
            options.seed = number(argv[i + 1], UINT64_MAX, argv[0]);
        else if (strcmp(argv[i], "--bug") || !toy_choose(argv[i + 1]))
            usage(argv[0]);
    }
    if (options.n_threads == 0)
        usage(argv[0]);
}

static void describe(const struct worker *w)
{
    snprintf(checked_where, sizeof checked_where, "seed %llu, %u threads, worker %u, life %u",
             (unsigned long long)options.seed, options.n_threads, w->index, w->life);
}

static void compare_named(struct worker *w)
{
    if (!w->named)
        return;
    census_begin();
    for (uint32_t i = 0; i < NAMED_SLOTS; i++)
        if (w->named_slots[i].p)
            census_add(&w->named_slots[i]);
    struct census_result result = census_compare(w->named, 0);
    if (result.n_unknown)
        checked_fail("walk: a named heap has %zu unknown blocks", result.n_unknown);
}

/* What a thread may have freed that did not reach its page yet: 57 classes with 32 strays. */
#define ON_THE_WAY_MAX 1824u

/* While nobody allocates. n_others: threads that exist beside this one and did not flush. */
static void compare_all(uint32_t n_others)
{
    if (subject.verify) {
        n_verified++;
        if (!subject.verify())
            checked_fail("verify: the subject finds itself damaged");
    }
    if (!subject.walk)
        return;
    n_walks++;
    census_begin();
    for (uint32_t i = 0; i < options.n_threads; i++) {
        worker_each(&workers[i], census_add);
        for (uint32_t j = 0; j < NAMED_SLOTS; j++)
            if (workers[i].named_slots[j].p)
                census_add(&workers[i].named_slots[j]);
    }
    struct census_result result = census_compare(NULL, n_others * ON_THE_WAY_MAX);
    n_extra += result.n_extra;
    n_walked += result.n_blocks;
    n_unknown += result.n_unknown;
    for (uint32_t i = 0; i < options.n_threads; i++)
        compare_named(&workers[i]);
}

static void *run(void *argument)
{
    struct worker *w = argument;
    describe(w);
    worker_run(w, workers, ops_per_half);
    bool is_flushed = w->life / options.n_threads % 2 && subject.idle;
    if (is_flushed)
        subject.idle();
    pthread_barrier_wait(&barrier);
    if (w->index == 0)
        compare_all(is_flushed ? 0 : options.n_threads - 1);
    pthread_barrier_wait(&barrier);
    worker_run(w, workers, ops_per_half);
    if (w->life % 8 == w->index % 8)
        worker_free_all(w);
    return NULL;
}

static void run_round(uint32_t round)
{
    pthread_t threads[WORKERS_MAX];
    for (uint32_t i = 0; i < options.n_threads; i++) {
        workers[i].life = (round + 1) * options.n_threads + i;
        if (pthread_create(&threads[i], NULL, run, &workers[i]))
            checked_fail("pthread_create: %s", strerror(errno));
    }
    for (uint32_t i = 0; i < options.n_threads; i++)
        pthread_join(threads[i], NULL);
    snprintf(checked_where, sizeof checked_where, "seed %llu, %u threads, after round %u",
             (unsigned long long)options.seed, options.n_threads, round);
    compare_all(0);
}

static uint64_t sum(enum count which)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < options.n_threads; i++)
        n += workers[i].n_calls[which];
    return n;
}

static void report(void)
{
    static const char *const names[N_COUNTS] = {
        "malloc",      "calloc", "aligned", "realloc", "free own",
        "free remote", "look",   "refused", "named",   "trim, idle, stats"};
    uint64_t total = 0;
    size_t peak = 0;
    for (uint32_t i = 0; i < options.n_threads; i++) {
        total += workers[i].n_done;
        peak += workers[i].live_bytes_max;
    }
    printf("%s: %llu operations in %u threads, seed %llu\n", subject.name,
           (unsigned long long)total, options.n_threads, (unsigned long long)options.seed);
    for (unsigned i = 0; i < N_COUNTS; i++)
        printf("  %-18s %12llu\n", names[i], (unsigned long long)sum((enum count)i));
    uint64_t frees = sum(COUNT_FREE_OWN) + sum(COUNT_FREE_REMOTE);
    printf("  remote             %11.1f %% of all frees\n",
           frees ? 100.0 * (double)sum(COUNT_FREE_REMOTE) / (double)frees : 0.0);
    printf("  live at most       %12zu MiB\n", peak >> 20);
    printf("  verified %llu times; %llu walks met %llu live blocks, %llu of them unknown, "
           "and %llu on their way home\n",
           (unsigned long long)n_verified, (unsigned long long)n_walks,
           (unsigned long long)n_walked, (unsigned long long)n_unknown,
           (unsigned long long)n_extra);
}

static void end(void)
{
    struct worker main_worker = {.life = 0};
    describe(&main_worker);
    for (uint32_t i = 0; i < options.n_threads; i++) {
        struct worker *w = &workers[i];
        w->life = UINT32_MAX; /* a thread that asked for nothing */
        worker_free_all(w);
        if (!w->named)
            continue;
        for (uint32_t j = 0; j < NAMED_SLOTS; j++)
            if (w->named_slots[j].p)
                checked_forget(&w->named_slots[j]);
        subject.heap_destroy(w->named);
        w->named = NULL;
    }
    compare_all(0);
    if (shadow_granules() != 0)
        checked_fail("overlap: %zu granules are held by nobody", shadow_granules());
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    printf("prop_heap: subject %s, --ops %llu --threads %u --seed %llu\n", subject.name,
           (unsigned long long)options.n_ops, options.n_threads, (unsigned long long)options.seed);
    fflush(stdout);
    workers = mmap(NULL, options.n_threads * sizeof *workers, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (workers == MAP_FAILED)
        checked_fail("no memory for the workers");
    uint64_t seed = options.seed;
    for (uint32_t i = 0; i < options.n_threads; i++) {
        workers[i].index = i;
        workers[i].n_workers = options.n_threads;
        workers[i].rng = ash_rng_next(&seed);
    }
    uint64_t n_rounds = (options.n_ops + ROUND_OPS - 1) / ROUND_OPS;
    n_rounds = n_rounds ? n_rounds : 1;
    ops_per_half = options.n_ops / n_rounds / options.n_threads / 2 + 1;
    pthread_barrier_init(&barrier, NULL, options.n_threads);
    for (uint64_t round = 0; round < n_rounds; round++)
        run_round((uint32_t)round);
    end();
    report();
    puts("1 passed, 0 failed");
    return 0;
}
