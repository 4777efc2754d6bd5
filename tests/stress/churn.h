/* churn.h: threads that allocate, exchange, verify and free blocks until they are told to stop.
 *
 * A pool is a table of slots. A step makes a block, fills it, exchanges it with what a slot
 * holds, and verifies and frees that: so most blocks are freed by another thread than made
 * them, and a block that stands in a slot is always filled, also in the child of a fork.
 */
#ifndef STRESS_CHURN_H
#define STRESS_CHURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHURN_SLOTS 2048
#define CHURN_THREADS_MAX 64

/* The first bytes of a block say what the rest must hold. */
struct churn_block {
    uint32_t n_bytes; /* of bytes[] */
    uint32_t tag;
    unsigned char bytes[];
};

struct churn_pool {
    struct churn_block *_Atomic slots[CHURN_SLOTS];
    _Atomic bool stop;
    _Atomic uint64_t n_steps;
    _Atomic uint64_t n_refused; /* NULL with ENOMEM */
    size_t size_max;
    int niceness; /* of the threads, so that forks between them do not wait for a turn */
    unsigned n_threads;
    pthread_t threads[CHURN_THREADS_MAX];
};

/* A filled block of about n bytes from one of the allocating functions. NULL: refused, and
 * errno was ENOMEM. */
struct churn_block *churn_make(uint64_t *state, size_t n);
/* Verifies and frees; NULL is fine. */
void churn_drop(struct churn_block *block);
/* Grows or shrinks it, verifying what must stay. A refusal leaves it as it was. */
struct churn_block *churn_resize(struct churn_block *block, size_t n);

void churn_step(struct churn_pool *pool, uint64_t *state);
/* Starts threads; those that the system refuses are left out. Returns how many run. */
unsigned churn_start(struct churn_pool *pool, unsigned n_threads, size_t size_max);
/* Ends the threads; the blocks stay. */
void churn_stop(struct churn_pool *pool);
/* Verifies and frees all blocks; also in the child of a fork, where no thread of it is. */
void churn_empty(struct churn_pool *pool);

#endif
