/* mstress.c: phases of threads whose blocks migrate, some of which survive a phase.
 *
 *     mstress THREADS PHASES STEPS
 *
 * After the description of mstress in mimalloc-bench: server-like patterns with sizes near powers
 * of two; blocks migrate between threads and some live long; threads have unequal work; after each
 * phase all threads end and new ones begin, while some blocks survive. In each step a thread
 * allocates or frees one of its own, exchanges one with the common table, or keeps one for the
 * phases to come. Thread i does STEPS × (1 + i mod 4) / 2 steps.
 */
#include "bench.h"

enum { COMMON = 1000, KEPT = 2000, OWN_MAX = 4000, LARGE_ONE_IN = 100 };

struct item {
    size_t n_words;
    uintptr_t words[];
};

static _Atomic(struct item *) common[COMMON], kept[KEPT];
static long n_steps, phase;

static struct item *make(uint64_t *random)
{
    size_t n_words = (size_t)1 << bench_between(random, 0, 6);
    if (bench_between(random, 1, LARGE_ONE_IN) == 1)
        n_words *= (size_t)1 << bench_between(random, 3, 7);
    n_words += bench_between(random, 0, n_words / 4);
    struct item *item = bench_need(malloc(sizeof *item + n_words * sizeof(uintptr_t)));
    item->n_words = n_words;
    for (size_t i = 0; i < n_words; i++)
        item->words[i] = i ^ n_words;
    return item;
}

static void end(struct item *item)
{
    if (!item)
        return;
    for (size_t i = 0; i < item->n_words; i++)
        bench_check(item->words[i] == (i ^ item->n_words), "content of an item");
    free(item);
}

/* Acquire and release pair with each other: an item is whole when it is taken over. */
static struct item *exchange(_Atomic(struct item *) *place, struct item *item)
{
    return atomic_exchange_explicit(place, item, memory_order_acq_rel);
}

static void *work(void *argument)
{
    long i = (long)argument;
    uint64_t random = bench_seed((uint64_t)(phase * BENCH_THREADS_MAX + i));
    struct item **own = bench_need(calloc(OWN_MAX, sizeof *own));
    size_t n_own = 0;
    for (long left = n_steps * (1 + i % 4) / 2; left > 0; left--) {
        size_t dice = bench_between(&random, 1, 100);
        if (n_own == 0 || (dice <= 50 && n_own < OWN_MAX)) {
            own[n_own++] = make(&random);
            continue;
        }
        size_t at = bench_between(&random, 0, n_own - 1);
        if (dice <= 85) {
            end(own[at]);
            own[at] = own[--n_own];
        } else if (dice <= 98) {
            own[at] = exchange(&common[bench_between(&random, 0, COMMON - 1)], own[at]);
        } else {
            end(exchange(&kept[bench_between(&random, 0, KEPT - 1)], own[at]));
            own[at] = own[--n_own];
        }
        if (at < n_own && !own[at])
            own[at] = own[--n_own];
    }
    while (n_own > 0)
        end(own[--n_own]);
    free(own);
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1), n_phases = bench_arg(argc, argv, 2);
    n_steps = bench_arg(argc, argv, 3);
    for (phase = 0; phase < n_phases; phase++) {
        bench_threads(n_threads, work);
        for (int i = 0; i < COMMON; i++)
            end(exchange(&common[i], NULL));
    }
    for (int i = 0; i < KEPT; i++)
        end(exchange(&kept[i], NULL));
    return 0;
}
