/* cache.c: threads write into small blocks of their own, which should share no cache line.
 *
 *     cache scratch|thrash THREADS ITERATIONS WRITES
 *
 * After Berger, McKinley, Blumofe and Wilson, Hoard: A Scalable Memory Allocator for Multithreaded
 * Applications, ASPLOS 2000, section 4.3. thrash (active false sharing): each thread allocates a
 * block of 8 bytes, writes it WRITES times, frees it. scratch (passive): the same, but each thread
 * begins by freeing a block that the first thread allocated for it, next to those of the others.
 * ITERATIONS are divided among the threads.
 */
#include "bench.h"

enum { SIZE = 8 };

static long n_iterations, n_writes;
static volatile char *given[BENCH_THREADS_MAX];

static void *work(void *argument)
{
    long i = (long)argument;
    free((void *)given[i]);
    for (long k = 0; k < n_iterations; k++) {
        volatile char *block = bench_need(malloc(SIZE));
        for (long n = 0; n < n_writes; n++)
            block[n % SIZE]++;
        free((void *)block);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    bool is_scratch = argc > 1 && strcmp(argv[1], "scratch") == 0;
    long n_threads = bench_arg(argc, argv, 2);
    n_iterations = bench_arg(argc, argv, 3) / n_threads;
    n_writes = bench_arg(argc, argv, 4);
    bench_check(n_threads <= BENCH_THREADS_MAX, "so many threads");
    for (long i = 0; i < n_threads && is_scratch; i++)
        given[i] = bench_need(calloc(1, SIZE));
    bench_threads(n_threads, work);
    return 0;
}
