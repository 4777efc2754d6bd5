/* large.c: large blocks are replaced at random.
 *
 *     large BLOCKS SIZE_MIN_KIB SIZE_MAX_KIB REPLACEMENTS TOUCHED_PERCENT
 *
 * After the description of malloc-large in mimalloc-bench: a few blocks of several MiB, replaced at
 * random places. Of each block TOUCHED_PERCENT of the pages, from the start, are written.
 */
#include "bench.h"

enum { PAGE = 4096 };

int main(int argc, char **argv)
{
    size_t n_blocks = (size_t)bench_arg(argc, argv, 1);
    size_t low = (size_t)bench_arg(argc, argv, 2), high = (size_t)bench_arg(argc, argv, 3);
    long n_replacements = bench_arg(argc, argv, 4);
    size_t percent = (size_t)bench_arg(argc, argv, 5);
    uint64_t random = bench_seed(5);
    char **blocks = bench_need(calloc(n_blocks, sizeof *blocks));
    for (long i = 0; i < n_replacements; i++) {
        size_t at = bench_between(&random, 0, n_blocks - 1);
        size_t size = bench_between(&random, low, high) * 1024;
        free(blocks[at]);
        blocks[at] = bench_need(malloc(size));
        for (size_t k = 0; k < size / 100 * percent; k += PAGE)
            blocks[at][k] = 1;
    }
    for (size_t at = 0; at < n_blocks; at++)
        free(blocks[at]);
    free(blocks);
    return 0;
}
