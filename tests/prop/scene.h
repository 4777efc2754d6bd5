/* scene.h: one strategy on its own memory, with threads, and a shadow of what must be true of it.
 *
 * Every block is known with its address, size, usable bytes and contents. Whatever the strategy
 * does is judged at once: a wrong answer ends the program with a sentence, seed and operation.
 */
#ifndef ASH_TEST_SCENE_H
#define ASH_TEST_SCENE_H

#include "lab/memory.h"
#include "lab/strat.h"

#define SCENE_BLOCKS 4096
#define SCENE_THREADS 5

struct scene_block {
    unsigned char *p;
    size_t size, usable;
    uint64_t seed;
};

struct scene {
    const struct ash_lab_strategy *strategy;
    struct ash_lab_memory *memory;
    void *self;
    struct scene_block blocks[SCENE_BLOCKS]; /* in no order */
    unsigned order[SCENE_BLOCKS];            /* numbers of blocks, by address */
    unsigned n_blocks;
    void *slots[SCENE_THREADS];
    bool is_alive[SCENE_THREADS];
    unsigned thread;
    uint64_t hash; /* of all addresses and answers (LC10) */
    size_t live_bytes, live_peak_bytes;
    uint64_t op_i;
};

/* What a failure says besides its sentence. */
extern char scene_where[256];

_Noreturn void scene_fail(const struct scene *scene, const char *sentence, ...);
/* Starts a strategy; the parameters end with key NULL. */
void scene_open(struct scene *scene, const struct ash_lab_strategy *strategy,
                const struct ash_lab_param *params);
void scene_close(struct scene *scene);
/* false: refused, and a refusal by the memory is the reason. */
bool scene_alloc(struct scene *scene, size_t size, size_t align, uint64_t seed);
void scene_free(struct scene *scene, unsigned block_i);
/* In place or moved by the strategy, else a new block, a copy, a free. false: refused. */
bool scene_resize(struct scene *scene, unsigned block_i, size_t size);
/* Goes on as this thread, which comes if it is not there. */
void scene_switch(struct scene *scene, unsigned thread);
void scene_end_thread(struct scene *scene);
/* LC7, LC8: all bytes, all blocks, all invariants. */
void scene_check(struct scene *scene);

#endif
