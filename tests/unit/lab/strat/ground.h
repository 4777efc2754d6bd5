/* ground.h: one strategy on its own memory, and the accounting of what it does there. */
#ifndef ASH_TEST_GROUND_H
#define ASH_TEST_GROUND_H

#include "lab/memory.h"
#include "lab/strat.h"
#include "base/base.h"
#include "child.h"
#include <sys/mman.h>

#define GROUND_PARAMS 8

struct ground {
    const struct ash_lab_strategy *strategy;
    struct ash_lab_memory *memory;
    void *self;
    struct ash_lab_param params[GROUND_PARAMS];
};

static inline void ground_open(struct ground *ground, const struct ash_lab_strategy *strategy)
{
    const struct ash_lab_memory_options options = {.params = ground->params, .n_cpus = 2};
    ground->strategy = strategy;
    ground->memory = ash_lab_memory_new(&options);
    assert_non_null(ground->memory);
    ground->self = mmap(NULL, strategy->state_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(ground->self, MAP_FAILED);
    assert_true(strategy->open(ground->self, ground->memory));
    if (strategy->thread)
        strategy->thread(ground->self, ASH_LAB_CAME);
}

static inline void ground_close(struct ground *ground)
{
    assert_true(ground->strategy->check(ground->self));
    munmap(ground->self, ground->strategy->state_size);
    ash_lab_memory_end(ground->memory);
}

static inline char *ground_alloc(struct ground *ground, size_t size)
{
    char *p = ground->strategy->alloc(ground->self, size, 16);
    assert_non_null(p);
    return p;
}

static inline void ground_free(struct ground *ground, void *block)
{
    ground->strategy->free(ground->self, block);
}

static inline const char *ground_why(struct ground *ground)
{
    return ground->strategy->why(ground->self);
}

/* Bytes of one kind. */
struct ground_sum {
    enum ash_lab_kind kind;
    size_t bytes;
};

static inline bool ground_add(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct ground_sum *sum = arg;
    (void)start;
    sum->bytes += kind == sum->kind ? size : 0;
    return true;
}

static inline size_t ground_bytes(struct ground *ground, enum ash_lab_kind kind)
{
    struct ground_sum sum = {kind, 0};
    ground->strategy->each(ground->self, ground_add, &sum);
    return sum.bytes;
}

static inline size_t ground_mapped(const struct ground *ground)
{
    return ash_lab_memory_count(ground->memory)->mapped_bytes;
}

#endif
