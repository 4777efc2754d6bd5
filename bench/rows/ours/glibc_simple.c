/* glibc_simple.c: one thread allocates bursts of one size and frees them, oldest or newest first.
 *
 *     glibc_simple ROUNDS
 *
 * After the description of bench-malloc-simple in the GNU C Library's benchtests/README: blocks of one
 * size from 8 to 4096 bytes, in bursts of 25, 100, 400 and 1600, with the frees in the order of the
 * allocations. We add every second burst freed in the other order.
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
                for (long k = 0; k < BURST_MAX / bursts[b]; k++)
                    burst(blocks, sizes[s], bursts[b], k % 2);
    return 0;
}
