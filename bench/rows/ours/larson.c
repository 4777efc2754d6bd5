/* larson.c: a server whose threads hand their blocks to successors.
 *
 *     larson THREADS BLOCKS GENERATIONS REPLACEMENTS
 *
 * After Larson and Krishnan, Memory Allocation for Long-Running Server Applications, ISMM 1998.
 * Each chain of threads owns a table of BLOCKS blocks of 10 to 500 bytes. A thread replaces
 * REPLACEMENTS blocks at random places, creates a successor that gets the table, and ends. So most
 * blocks are freed by a thread that did not allocate them, as in a server that passes requests on.
 */
#include "bench.h"

enum { SIZE_MIN = 10, SIZE_MAX_OF_BLOCK = 500 };

struct chain {
    char **blocks;
    uint64_t random;
    long generations_left;
    pthread_mutex_t lock; /* protects ended */
    pthread_cond_t end;
    bool ended;
};

static long n_blocks, n_replacements;

static char *fresh(struct chain *chain)
{
    size_t size = bench_between(&chain->random, SIZE_MIN, SIZE_MAX_OF_BLOCK);
    char *block = bench_need(malloc(size));
    block[0] = 'a';
    block[size - 1] = 'z';
    return block;
}

static void *serve(void *argument)
{
    struct chain *chain = argument;
    for (long i = 0; i < n_replacements; i++) {
        size_t at = bench_between(&chain->random, 0, (size_t)n_blocks - 1);
        bench_check(chain->blocks[at][0] == 'a', "a block kept its content");
        free(chain->blocks[at]);
        chain->blocks[at] = fresh(chain);
    }
    if (--chain->generations_left > 0) {
        pthread_t successor;
        bench_check(pthread_create(&successor, NULL, serve, chain) == 0, "pthread_create");
        pthread_detach(successor);
        return NULL;
    }
    pthread_mutex_lock(&chain->lock);
    chain->ended = true;
    pthread_cond_signal(&chain->end);
    pthread_mutex_unlock(&chain->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    long n_threads = bench_arg(argc, argv, 1);
    n_blocks = bench_arg(argc, argv, 2);
    long n_generations = bench_arg(argc, argv, 3);
    n_replacements = bench_arg(argc, argv, 4);

    struct chain *chains = bench_need(calloc((size_t)n_threads, sizeof *chains));
    for (long i = 0; i < n_threads; i++) {
        struct chain *chain = &chains[i];
        pthread_mutex_init(&chain->lock, NULL);
        pthread_cond_init(&chain->end, NULL);
        chain->random = bench_seed((uint64_t)i);
        chain->generations_left = n_generations;
        chain->blocks = bench_need(malloc((size_t)n_blocks * sizeof *chain->blocks));
        for (long k = 0; k < n_blocks; k++)
            chain->blocks[k] = fresh(chain);
    }
    for (long i = 0; i < n_threads; i++) {
        pthread_t first;
        bench_check(pthread_create(&first, NULL, serve, &chains[i]) == 0, "pthread_create");
        pthread_detach(first);
    }
    for (long i = 0; i < n_threads; i++) {
        pthread_mutex_lock(&chains[i].lock);
        while (!chains[i].ended)
            pthread_cond_wait(&chains[i].end, &chains[i].lock);
        pthread_mutex_unlock(&chains[i].lock);
        for (long k = 0; k < n_blocks; k++)
            free(chains[i].blocks[k]);
        free(chains[i].blocks);
    }
    free(chains);
    return 0;
}
