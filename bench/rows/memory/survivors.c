/* survivors.c: of many blocks each twentieth stays: what is resident then, and at the end?
 *
 *     survivors BLOCKS
 *
 * Sizes 512, 512, 512, 1024, 1024 and 2048 bytes in turn, all written; all but each twentieth
 * freed. Then 3 seconds with a few calls, as in a server at night; then the rest is freed, and 1.5
 * seconds with a few calls pass. Resident size is printed at each point.
 */
#include "bench.h"

enum { KEPT_ONE_IN = 20, CALLS = 10 };

/* Ten calls of malloc and free every tenth of a second. */
static void few_calls(double seconds)
{
    for (double t = 0; t < seconds; t += 0.1) {
        for (int i = 0; i < CALLS; i++) {
            char *block = bench_need(malloc(100 + (size_t)i));
            *(volatile char *)block = 1;
            free(block);
        }
        bench_nap(0.1);
    }
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {512, 512, 512, 1024, 1024, 2048};
    long n = bench_arg(argc, argv, 1);
    char **blocks = bench_need(malloc((size_t)n * sizeof *blocks));
    for (long i = 0; i < n; i++) {
        size_t size = sizes[i % 6];
        blocks[i] = bench_need(malloc(size));
        memset(blocks[i], 1, size);
    }
    long full_kib = bench_rss_kib();
    for (long i = 0; i < n; i++)
        if (i % KEPT_ONE_IN)
            free(blocks[i]);
    few_calls(3);
    long sparse_kib = bench_rss_kib();
    for (long i = 0; i < n; i += KEPT_ONE_IN)
        free(blocks[i]);
    few_calls(1.5);
    long rest_kib = bench_rss_kib();
    free(blocks);
    printf("{\"full_mb\": %.1f, \"sparse_mb\": %.1f, \"rest_mb\": %.1f}\n",
           (double)full_kib * 1.024e-3, (double)sparse_kib * 1.024e-3, (double)rest_kib * 1.024e-3);
    return 0;
}
