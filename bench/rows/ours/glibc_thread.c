/* glibc_thread.c: threads allocate or free at random places of a table of their own.
 *
 *     glibc_thread THREADS STEPS
 *
 * After the description of bench-malloc-thread in the GNU C Library's benchmarks: a working set of
 * 1024 places; a step frees the block of a random place and allocates another one; sizes from 4 to
 * 32768 bytes, whose frequency falls with the square of the size. STEPS are divided among the
 * threads.
 */
#include "bench.h"

enum { PLACES = 1024, SIZE_MIN = 4, SIZE_MAX_OF_BLOCK = 32768, TABLE = 4096 };

static uint16_t sizes[TABLE];
static long n_steps;

/* Equal steps of the distribution's integral: 1/size falls evenly from 1/min to 1/max. */
static void fill_sizes(void)
{
    const double high = 1.0 / SIZE_MIN, low = 1.0 / SIZE_MAX_OF_BLOCK;
    for (int i = 0; i < TABLE; i++)
        sizes[i] = (uint16_t)(1.0 / (high - (high - low) * i / (TABLE - 1)));
}

static void *work(void *argument)
{
    uint64_t random = bench_seed((uint64_t)(long)argument);
    void **places = bench_need(calloc(PLACES, sizeof *places));
    for (long i = 0; i < n_steps; i++) {
        size_t at = bench_between(&random, 0, PLACES - 1);
        free(places[at]);
        places[at] = bench_need(malloc(sizes[bench_between(&random, 0, TABLE - 1)]));
        *(char *)places[at] = 1;
    }
    for (size_t at = 0; at < PLACES; at++)
        free(places[at]);
    free(places);
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    n_steps = bench_arg(argc, argv, 2) / n_threads;
    fill_sizes();
    bench_threads(n_threads, work);
    return 0;
}
