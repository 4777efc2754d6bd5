/* churn.c: 32 blocks of random 0.1 to 3 MiB are replaced again and again, and written.
 *
 *     churn REPLACEMENTS
 *
 * Live memory hovers around 50 MiB; printed is the greatest resident size, less what was live then.
 */
#include "bench.h"

enum { BLOCKS = 32, KIB_MIN = 102, KIB_MAX = 3072, LOOK_EVERY = 50 };

int main(int argc, char **argv)
{
    static char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    long n = bench_arg(argc, argv, 1), above_max_kib = 0, base_kib = bench_rss_kib();
    uint64_t random = bench_seed(11);
    for (long i = 0; i < n; i++) {
        size_t at = bench_between(&random, 0, BLOCKS - 1), live = 0;
        free(blocks[at]);
        sizes[at] = bench_between(&random, KIB_MIN, KIB_MAX) * 1024;
        blocks[at] = bench_need(malloc(sizes[at]));
        memset(blocks[at], 1, sizes[at]);
        if (i % LOOK_EVERY)
            continue;
        for (int k = 0; k < BLOCKS; k++)
            live += sizes[k];
        long above = bench_rss_kib() - base_kib - (long)(live / 1024);
        above_max_kib = above > above_max_kib ? above : above_max_kib;
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    printf("{\"above_live_mib\": %.1f}\n", (double)above_max_kib / 1024);
    return 0;
}
