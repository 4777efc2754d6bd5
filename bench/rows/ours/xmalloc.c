/* xmalloc.c: producers allocate, consumers free.
 *
 *     xmalloc THREADS BATCHES
 *
 * After Lever and Boreham, Malloc() Performance in a Multithreaded Linux Environment, USENIX 2000,
 * in the asymmetric form that SuperMalloc's tests describe: half of the threads only allocate, the
 * other half only free. Blocks of 8 to 512 bytes travel in batches of 128, and the batch's own
 * table with them, through one queue of bounded length. BATCHES is the number of all batches.
 */
#include "bench.h"

enum { BATCH_BLOCKS = 128, SIZE_MIN = 8, SIZE_MAX_OF_BLOCK = 512, QUEUE_MAX = 256 };

struct batch {
    struct batch *next;
    void *blocks[BATCH_BLOCKS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects all below */
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER, not_empty = PTHREAD_COND_INITIALIZER;
static struct batch *first, **last = &first;
static long n_queued, n_to_make, n_to_take, n_producers;

static bool claim(long *left)
{
    pthread_mutex_lock(&lock);
    bool is_ours = *left > 0;
    *left -= is_ours;
    pthread_mutex_unlock(&lock);
    return is_ours;
}

static void put(struct batch *batch)
{
    pthread_mutex_lock(&lock);
    while (n_queued == QUEUE_MAX)
        pthread_cond_wait(&not_full, &lock);
    batch->next = NULL;
    *last = batch;
    last = &batch->next;
    n_queued++;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&lock);
}

static struct batch *take(void)
{
    pthread_mutex_lock(&lock);
    while (n_queued == 0)
        pthread_cond_wait(&not_empty, &lock);
    struct batch *batch = first;
    first = batch->next;
    if (!first)
        last = &first;
    n_queued--;
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&lock);
    return batch;
}

static void produce(uint64_t random)
{
    while (claim(&n_to_make)) {
        struct batch *batch = bench_need(malloc(sizeof *batch));
        for (int i = 0; i < BATCH_BLOCKS; i++) {
            size_t size = bench_between(&random, SIZE_MIN, SIZE_MAX_OF_BLOCK);
            batch->blocks[i] = bench_need(malloc(size));
            *(size_t *)batch->blocks[i] = size;
        }
        put(batch);
    }
}

static void consume(void)
{
    while (claim(&n_to_take)) {
        struct batch *batch = take();
        for (int i = 0; i < BATCH_BLOCKS; i++) {
            bench_check(*(size_t *)batch->blocks[i] <= SIZE_MAX_OF_BLOCK, "content of a block");
            free(batch->blocks[i]);
        }
        free(batch);
    }
}

static void *work(void *argument)
{
    long i = (long)argument;
    if (i < n_producers)
        produce(bench_seed((uint64_t)i));
    else
        consume();
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    n_to_make = n_to_take = bench_arg(argc, argv, 2);
    n_producers = n_threads / 2;
    bench_check(n_producers > 0, "two threads or more");
    bench_threads(n_threads, work);
    return 0;
}
