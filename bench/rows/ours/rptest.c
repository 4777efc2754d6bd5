/* rptest.c: threads with tables of blocks of 16 to 8000 bytes that pass a part to their neighbour.
 *
 *     rptest THREADS LOOPS
 *
 * After the description in the README of rpmalloc-benchmark: each thread keeps a set of random
 * blocks, sizes falling linearly in frequency; in each loop it frees some by a stride through the
 * set and allocates others in their place; and every few loops it hands a list of blocks over to be
 * freed by another thread.
 */
#include "bench.h"

enum { SLOTS = 4000, PER_LOOP = 1000, HAND_OVER = 200, HAND_OVER_EVERY = 2, LISTS_MAX = 4 };
enum { SIZE_MIN = 16, SIZE_MAX_OF_BLOCK = 8000 };

struct list {
    struct list *next;
};

static _Atomic(struct list *) inbox[BENCH_THREADS_MAX];
static atomic_int n_lists[BENCH_THREADS_MAX]; /* about how many wait in the inbox */
static long n_threads, n_loops;

static size_t falling(uint64_t *random)
{
    size_t a = bench_between(random, SIZE_MIN, SIZE_MAX_OF_BLOCK);
    size_t b = bench_between(random, SIZE_MIN, SIZE_MAX_OF_BLOCK);
    return a < b ? a : b;
}

static void *fresh(uint64_t *random)
{
    size_t size = falling(random);
    char *block = bench_need(malloc(size));
    block[0] = block[size / 2] = block[size - 1] = 1;
    return block;
}

/* Acquire pairs with the release in hand_over: links are seen before the head. */
static void empty_inbox(long i)
{
    atomic_store_explicit(&n_lists[i], 0, memory_order_relaxed);
    struct list *at = atomic_exchange_explicit(&inbox[i], NULL, memory_order_acquire);
    while (at) {
        struct list *next = at->next;
        free(at);
        at = next;
    }
}

/* A neighbour that lags behind gets no more: what waits would grow with the scheduler's mood. */
static bool is_behind(long i)
{
    return atomic_fetch_add_explicit(&n_lists[i], 1, memory_order_relaxed) >= LISTS_MAX;
}

static void replace(void **slots, size_t begin, uint64_t *random)
{
    for (size_t k = 0; k < HAND_OVER; k++) {
        free(slots[(begin + k) % SLOTS]);
        slots[(begin + k) % SLOTS] = fresh(random);
    }
}

static void hand_over(void **slots, size_t begin, long to, uint64_t *random)
{
    if (is_behind(to)) {
        replace(slots, begin, random);
        return;
    }
    struct list *head = NULL, *tail = NULL;
    for (size_t k = 0; k < HAND_OVER; k++) {
        struct list *item = slots[(begin + k) % SLOTS];
        item->next = head;
        head = item;
        tail = tail ? tail : item;
        slots[(begin + k) % SLOTS] = fresh(random);
    }
    struct list *old = atomic_load_explicit(&inbox[to], memory_order_relaxed);
    do
        tail->next = old;
    while (!atomic_compare_exchange_weak_explicit(&inbox[to], &old, head, memory_order_release,
                                                  memory_order_relaxed));
}

static void *work(void *argument)
{
    long i = (long)argument;
    uint64_t random = bench_seed((uint64_t)i);
    void **slots = bench_need(malloc(SLOTS * sizeof *slots));
    for (size_t k = 0; k < SLOTS; k++)
        slots[k] = fresh(&random);
    for (long loop = 0; loop < n_loops; loop++) {
        size_t at = bench_between(&random, 0, SLOTS - 1);
        size_t stride = 2 * bench_between(&random, 0, 50) + 1;
        for (int k = 0; k < PER_LOOP; k++, at = (at + stride) % SLOTS) {
            free(slots[at]);
            slots[at] = fresh(&random);
        }
        if (loop % HAND_OVER_EVERY == 0)
            hand_over(slots, at, (i + 1) % n_threads, &random);
        empty_inbox(i);
    }
    for (size_t k = 0; k < SLOTS; k++)
        free(slots[k]);
    free(slots);
    return NULL;
}

int main(int argc, char **argv)
{
    n_threads = bench_arg(argc, argv, 1);
    n_loops = bench_arg(argc, argv, 2);
    bench_threads(n_threads, work);
    for (long i = 0; i < n_threads; i++)
        empty_inbox(i);
    return 0;
}
