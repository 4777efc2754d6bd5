/* alloc_test.c: random places of a large table are filled and emptied; few sizes are large.
 *
 *     alloc_test THREADS STEPS PLACES
 *
 * After Ignatchenko, Testing Memory Allocators: ptmalloc2 vs tcmalloc vs hoard vs jemalloc, While
 * Trying to Simulate Real-World Loads (ithare.com, 2018): places are chosen and sizes drawn from
 * Pareto-like distributions, so that a few places are used often and a few sizes are large, here up
 * to 1 KiB; a block is written when it is allocated and read before it is freed. STEPS and PLACES
 * are divided among the threads.
 */
#include <math.h>

#include "bench.h"

enum { TABLE = 65536, SIZE_MIN = 8, SIZE_MAX_OF_BLOCK = 1024 };

struct place {
    unsigned char *block;
    size_t size;
};

static uint16_t sizes[TABLE]; /* quantiles of the sizes */
static float where[TABLE];    /* quantiles of the place, as a share of the table */
static long n_steps, n_places;

/* Sizes: Pareto with exponent 1.16, the rule of 80 to 20, cut at the maximum. Places: the same
 * rule, a share x of the places gets the share x to the power log 0.8 / log 0.2 of the steps.
 */
static void fill_tables(void)
{
    for (int i = 0; i < TABLE; i++) {
        double u = (i + 0.5) / TABLE, size = SIZE_MIN * pow(1 - u, -1 / 1.16);
        sizes[i] = (uint16_t)(size < SIZE_MAX_OF_BLOCK ? size : SIZE_MAX_OF_BLOCK);
        where[i] = (float)pow(u, log(0.2) / log(0.8));
    }
}

static void fill(struct place *place, uint64_t *random)
{
    place->size = sizes[bench_random(random) % TABLE];
    place->block = bench_need(malloc(place->size));
    memset(place->block, (int)place->size, place->size);
}

static uint64_t empty(struct place *place)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < place->size; i++)
        sum += place->block[i];
    free(place->block);
    place->block = NULL;
    return sum;
}

static void *work(void *argument)
{
    uint64_t random = bench_seed((uint64_t)(long)argument);
    struct place *places = bench_need(calloc((size_t)n_places, sizeof *places));
    for (long i = 0; i < n_steps; i++) {
        float share = where[bench_random(&random) % TABLE];
        struct place *place = &places[(long)(share * (float)(n_places - 1))];
        if (!place->block)
            fill(place, &random);
        else
            bench_check(empty(place) == (place->size & 255) * place->size, "sum of a block");
    }
    for (long i = 0; i < n_places; i++)
        free(places[i].block);
    free(places);
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    n_steps = bench_arg(argc, argv, 2) / n_threads;
    n_places = bench_arg(argc, argv, 3) / n_threads;
    fill_tables();
    bench_threads(n_threads, work);
    return 0;
}
