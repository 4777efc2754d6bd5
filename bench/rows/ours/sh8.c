/* sh8.c: the work of sh6 in threads, where a part of the blocks is freed by other threads.
 *
 *     sh8 THREADS ROUNDS
 *
 * After the description of sh8bench (MicroQuill, SmartHeap test suite) in mimalloc-bench: as in
 * larson some blocks are freed by other threads, and as in sh6bench some in reverse order. A thread
 * allocates a set of 2000 blocks of 1 to 1000 bytes, small ones more often; every second set it
 * frees itself, newest first or oldest first; the others it exchanges for the set of whoever was at
 * the common place before, and frees that one.
 */
#include "bench.h"

enum { SET = 2000, PLACES = 4 };

struct set {
    void *blocks[SET];
};

static _Atomic(struct set *) places[PLACES];
static long n_rounds;

static struct set *make(uint64_t *random)
{
    struct set *set = bench_need(malloc(sizeof *set));
    for (int i = 0; i < SET; i++) {
        size_t limit = bench_between(random, 1, 1000), size = bench_between(random, 1, limit);
        char *block = bench_need(malloc(size));
        block[0] = block[size - 1] = (char)i;
        set->blocks[i] = block;
    }
    return set;
}

static void end(struct set *set, bool newest_first)
{
    for (int i = 0; set && i < SET; i++)
        free(set->blocks[newest_first ? SET - 1 - i : i]);
    free(set);
}

static void *work(void *argument)
{
    uint64_t random = bench_seed((uint64_t)(long)argument);
    for (long round = 0; round < n_rounds; round++) {
        struct set *set = make(&random);
        if (round % 2) /* acquire and release pair with each other: a set is whole when taken */
            set = atomic_exchange_explicit(&places[bench_between(&random, 0, PLACES - 1)], set,
                                           memory_order_acq_rel);
        end(set, round % 4 < 2);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    n_rounds = bench_arg(argc, argv, 2) / n_threads;
    bench_threads(n_threads, work);
    for (int i = 0; i < PLACES; i++)
        end(atomic_load_explicit(&places[i], memory_order_relaxed), false);
    return 0;
}
