/* worker.h: what one thread of the property test does: random calls on a table of blocks.
 *
 * A worker's table outlives its threads: each round has new threads, so blocks are freed long after
 * the thread that asked for them has ended. A third of all blocks goes to another worker, which
 * frees them, grows them first, or keeps them.
 *
 * Threads   A worker is run by one thread at a time; rings between workers have one writer and one
 *           reader.
 */
#ifndef WORKER_H
#define WORKER_H

#include "checked.h"
#include <stdatomic.h>

#define WORKERS_MAX 16u
#define WORKER_SLOTS 4096u
#define NAMED_SLOTS 128u
#define RING_SLOTS 2048u

enum count {
    COUNT_ALLOC,
    COUNT_CALLOC,
    COUNT_ALIGNED,
    COUNT_REALLOC,
    COUNT_FREE_OWN,
    COUNT_FREE_REMOTE,
    COUNT_LOOK,
    COUNT_REFUSE,
    COUNT_NAMED,
    COUNT_OTHER,
    N_COUNTS
};

struct ring {
    struct block blocks[RING_SLOTS];
    _Atomic uint32_t written, read;
};

struct worker {
    uint32_t index, n_workers;
    uint32_t life; /* which thread this is; blocks carry it */
    uint64_t rng;
    uint64_t n_calls[N_COUNTS];
    uint64_t n_done;
    size_t live_bytes, live_bytes_max;
    bool is_shrinking;
    void *named;
    struct block named_slots[NAMED_SLOTS];
    struct block slots[WORKER_SLOTS];
    struct ring inbox[WORKERS_MAX]; /* by sender */
};

/* Makes n_calls random calls; `all` are all workers. */
void worker_run(struct worker *worker, struct worker *all, uint64_t n_calls);
/* Frees what the worker holds and what came for it. */
void worker_free_all(struct worker *worker);
/* Calls each for every block that the worker holds, or that is on its way to it. */
void worker_each(struct worker *worker, void (*each)(const struct block *));

#endif
