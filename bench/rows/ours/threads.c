/* threads.c: many threads that live shortly.
 *
 *     threads AT_ONCE THREADS BLOCKS
 *
 * The cost of a thread's first blocks and of its end, as servers with a thread per request pay it;
 * larson's paper names it, mimalloc-bench's mleak is a test of it. Waves of AT_ONCE threads,
 * THREADS in all; each allocates BLOCKS blocks of 16 to 1024 bytes, frees all but each tenth, and
 * leaves those to the first thread, which frees them after the wave.
 */
#include "bench.h"

enum { BLOCKS_MAX = 1000, LEFT_ONE_IN = 10 };

static long n_blocks, wave;
static void *left[BENCH_THREADS_MAX][BLOCKS_MAX / LEFT_ONE_IN + 1];

static void *work(void *argument)
{
    long i = (long)argument;
    void *blocks[BLOCKS_MAX];
    uint64_t random = bench_seed((uint64_t)(wave * BENCH_THREADS_MAX + i));
    for (long k = 0; k < n_blocks; k++) {
        blocks[k] = bench_need(malloc(bench_between(&random, 16, 1024)));
        *(char *)blocks[k] = 1;
    }
    for (long k = 0; k < n_blocks; k++) {
        if (k % LEFT_ONE_IN == 0)
            left[i][k / LEFT_ONE_IN] = blocks[k];
        else
            free(blocks[k]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long n_at_once = bench_arg(argc, argv, 1), n_threads = bench_arg(argc, argv, 2);
    n_blocks = bench_arg(argc, argv, 3);
    bench_check(n_blocks <= BLOCKS_MAX, "so many blocks");
    for (wave = 0; wave < n_threads / n_at_once; wave++) {
        bench_threads(n_at_once, work);
        for (long i = 0; i < n_at_once; i++)
            for (long k = 0; k * LEFT_ONE_IN < n_blocks; k++)
                free(left[i][k]);
    }
    return 0;
}
