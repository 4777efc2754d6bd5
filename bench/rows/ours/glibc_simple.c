/* glibc_simple.c: one thread allocates bursts of one size and frees them, oldest or newest first.
 *
 *     glibc_simple ROUNDS
 *
 * After the message of the commit that added bench-malloc-simple to the GNU C Library: "a varying
 * number of allocations of a given block size, then frees them again". Ours: sizes from 8 to 4096
 * bytes, bursts of 25 to 1600 blocks, every second one freed against the order of its allocations.
 */
#include "bench.h"

enum { BURST_MAX = 1600 };

static void burst(void **blocks, size_t size, long n, bool backwards)
{
    for (long i = 0; i < n; i++) {
        blocks[i] = bench_need(malloc(size));
        *(char *)blocks[i] = 1;
    }
    for (long i = 0; i < n; i++)
        free(blocks[backwards ? n - 1 - i : i]);
}

/* As many bursts of n blocks as make the longest one. */
static void bursts_of(void **blocks, size_t size, long n)
{
    for (long k = 0; k < BURST_MAX / n; k++)
        burst(blocks, size, n, k % 2);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {8,   16,  24,  32,  48,   64,   100,
                                   128, 256, 500, 512, 1024, 2048, 4096};
    static const long bursts[] = {25, 100, 400, BURST_MAX};
    static void *blocks[BURST_MAX];
    long n_rounds = bench_arg(argc, argv, 1);
    for (long round = 0; round < n_rounds; round++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t b = 0; b < sizeof bursts / sizeof *bursts; b++)
                bursts_of(blocks, sizes[s], bursts[b]);
    return 0;
}
