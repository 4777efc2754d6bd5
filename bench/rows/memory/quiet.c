/* quiet.c: a process frees nearly all it had and makes no call any more: what does it keep?
 *
 *     quiet MIB SECONDS
 *
 * Blocks of 16 bytes to 64 KiB fill MIB; a twentieth of them stays. After the last free the process
 * only sleeps. Resident size is printed full and after SECONDS, and the size of what is live.
 */
#include "bench.h"

enum { BLOCKS_MAX = 1 << 20, KEPT_ONE_IN = 20 };

int main(int argc, char **argv)
{
    static char *blocks[BLOCKS_MAX];
    size_t wanted = (size_t)bench_arg(argc, argv, 1) << 20, total = 0, live = 0, n = 0;
    double seconds = (double)bench_arg(argc, argv, 2);
    uint64_t random = bench_seed(13);
    for (; total < wanted && n < BLOCKS_MAX; n++) {
        size_t power = (size_t)16 << bench_between(&random, 0, 12);
        size_t size = bench_between(&random, power / 2, power);
        blocks[n] = bench_need(malloc(size));
        memset(blocks[n], 1, size);
        total += size;
        live += n % KEPT_ONE_IN ? 0 : size;
    }
    long full_kib = bench_rss_kib();
    for (size_t i = 0; i < n; i++)
        if (i % KEPT_ONE_IN)
            free(blocks[i]);
    bench_nap(seconds);
    printf("{\"full_mib\": %.1f, \"quiet_mib\": %.1f, \"live_mib\": %.1f}\n",
           (double)full_kib / 1024, (double)bench_rss_kib() / 1024, (double)live / 1048576);
    return 0;
}
