/* sh6.c: blocks of 1 to 1000 bytes, small ones more often, freed newest or oldest first.
 *
 *     sh6 ROUNDS
 *
 * After the description of sh6bench (MicroQuill, SmartHeap test suite) in mimalloc-bench: some
 * blocks are freed last-in first-out, others in the reverse order. A round allocates a group of
 * equal blocks for each of 25 sizes, as many as fit the size's share; of the groups that still
 * live, the newest goes newest first, and every fourth round all go oldest first.
 */
#include "bench.h"

enum { SIZES = 25, LIVE_MAX = 60000, SHARE = 4000 };

static void *live[LIVE_MAX];
static size_t n_live;

static size_t size_of(int i)
{
    return 1 + (size_t)i * (size_t)i * 999 / ((SIZES - 1) * (SIZES - 1));
}

static size_t add_group(size_t size)
{
    size_t n = SHARE / (size + 8) + 8;
    for (size_t k = 0; k < n; k++) {
        char *block = bench_need(malloc(size));
        block[0] = block[size - 1] = (char)k;
        live[n_live++] = block;
    }
    return n;
}

int main(int argc, char **argv)
{
    long n_rounds = bench_arg(argc, argv, 1);
    for (long round = 0; round < n_rounds; round++) {
        for (int i = 0; i < SIZES && n_live < LIVE_MAX - SHARE; i++) {
            size_t n = add_group(size_of((int)((i * 7 + round) % SIZES)));
            for (; i % 2 && n > 0; n--)
                free(live[--n_live]);
        }
        for (size_t k = 0; round % 4 == 3 && k < n_live; k++)
            free(live[k]);
        n_live = round % 4 == 3 ? 0 : n_live;
    }
    while (n_live > 0)
        free(live[--n_live]);
    return 0;
}
