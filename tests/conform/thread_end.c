/* thread_end.c: malloc and free in thread-key destructors, and after a thread ended (F10, F11). */
#include "conform.h"
#include <limits.h>
#include <pthread.h>

static const size_t sizes[] = {8, 100, 3000, 50000, 300000};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

/* What a thread leaves to its key destructors: blocks and a count of the rounds to go. */
struct estate {
    void *blocks[N_SIZES];
    unsigned rounds_left;
};

static pthread_key_t early_key, late_key;
static _Atomic unsigned n_destructor_calls, n_bad;

static bool fill_blocks(struct estate *estate)
{
    for (size_t i = 0; i < N_SIZES; i++) {
        estate->blocks[i] = malloc(sizes[i]);
        if (!estate->blocks[i])
            return false;
        conform_fill(estate->blocks[i], sizes[i], 7);
    }
    return true;
}

/* Frees what is there, allocates anew, and asks for another round, until PTHREAD_DESTRUCTOR_
 * ITERATIONS are used up; the last round only frees. */
static void settle(struct estate *estate, pthread_key_t key)
{
    n_destructor_calls++;
    for (size_t i = 0; i < N_SIZES; i++) {
        if (conform_lost(estate->blocks[i], sizes[i], sizes[i], 7) >= 0)
            n_bad++;
        estate->blocks[i] = realloc(estate->blocks[i], sizes[i] * 2);
        free(estate->blocks[i]);
    }
    if (--estate->rounds_left == 0) {
        for (unsigned i = 0; i < 100; i++)
            free(calloc(1, 1 + i * 10));
        free(estate);
        return;
    }
    if (!fill_blocks(estate))
        n_bad++;
    pthread_setspecific(key, estate);
}

static void settle_early(void *estate)
{
    settle(estate, early_key);
}

static void settle_late(void *estate)
{
    settle(estate, late_key);
}

static void *leave_estates(void *rounds)
{
    for (unsigned k = 0; k < 2; k++) {
        struct estate *estate = malloc(sizeof *estate);
        if (!estate || !fill_blocks(estate))
            n_bad++;
        estate->rounds_left = (unsigned)(uintptr_t)rounds;
        pthread_setspecific(k ? late_key : early_key, estate);
    }
    return NULL;
}

static void all_rounds_of_key_destructors(void)
{
    for (uintptr_t rounds = 1; rounds <= PTHREAD_DESTRUCTOR_ITERATIONS; rounds++)
        for (unsigned i = 0; i < 50; i++) {
            n_destructor_calls = 0;
            pthread_t thread;
            CHECK(pthread_create(&thread, NULL, leave_estates, (void *)rounds) == 0);
            CHECK(pthread_join(thread, NULL) == 0);
            CHECK_THAT(n_destructor_calls == 2 * rounds, "%u of %lu", n_destructor_calls,
                       (unsigned long)rounds);
        }
    CHECK(n_bad == 0);
}

static pthread_key_t first_key;

static void allocate_first(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 300; i++) {
        void *p = malloc(i * 20);
        if (!p)
            n_bad++;
        free(p);
    }
}

/* A thread that has never allocated before. */
static void *reach_first_key(void *unused)
{
    pthread_setspecific(first_key, &first_key);
    return unused;
}

static void the_first_allocation_in_a_destructor(void)
{
    for (unsigned i = 0; i < 50; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, reach_first_key, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(n_bad == 0);
}

enum { N_LEFT = 200 };

static void *leave_blocks(void *list)
{
    void **blocks = list;
    for (size_t i = 0; i < N_LEFT; i++) {
        size_t bytes = sizes[i % N_SIZES];
        blocks[i] = malloc(bytes);
        conform_fill(blocks[i], bytes, (unsigned)i);
    }
    return NULL;
}

static void blocks_outlive_their_thread(void)
{
    static void *blocks[8][N_LEFT];
    for (unsigned t = 0; t < 8; t++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, leave_blocks, blocks[t]) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    for (unsigned t = 0; t < 8; t++)
        for (size_t i = 0; i < N_LEFT; i++) {
            size_t bytes = sizes[i % N_SIZES];
            CHECK(conform_lost(blocks[t][i], bytes, bytes, (unsigned)i) < 0);
            blocks[t][i] = realloc(blocks[t][i], bytes + bytes / 2);
            CHECK(conform_lost(blocks[t][i], bytes, bytes, (unsigned)i) < 0);
            free(blocks[t][i]);
        }
}

static void *small_churn(void *unused)
{
    void *blocks[64];
    for (unsigned i = 0; i < 64; i++)
        blocks[i] = malloc(100 + i * 40);
    for (unsigned i = 0; i < 64; i++)
        free(blocks[i]);
    return unused;
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long n_pages = 0;
    if (!file || fscanf(file, "%*u %ld", &n_pages) != 1)
        n_pages = 0;
    if (file)
        fclose(file);
    return n_pages * (sysconf(_SC_PAGESIZE) >> 10);
}

static void many_threads_cost_what_one_costs(void)
{
    long after_first = 0;
    for (unsigned i = 0; i < 2000; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, small_churn, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        if (i == 200)
            after_first = resident_kib();
    }
    long growth = resident_kib() - after_first;
    CHECK_THAT(growth <= 1024, "%ld KiB", growth);
}

static const struct conform_case cases[] = {
    {"malloc and free in all rounds of key destructors", all_rounds_of_key_destructors},
    {"a thread's first malloc in a key destructor", the_first_allocation_in_a_destructor},
    {"blocks outlive their thread", blocks_outlive_their_thread},
    {"2000 threads in turn cost what 200 cost", many_threads_cost_what_one_costs},
};

int main(void)
{
    if (pthread_key_create(&early_key, settle_early) != 0)
        return 2;
    /* On Ashlar malloc has registered its own key by now: one key before it, two behind. */
    free(malloc(100));
    if (pthread_key_create(&late_key, settle_late) != 0 ||
        pthread_key_create(&first_key, allocate_first) != 0)
        return 2;
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
