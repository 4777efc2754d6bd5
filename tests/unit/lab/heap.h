/* heap.h: a first-fit heap with a table of blocks and a metric, for tests that look at pages. */
#ifndef ASH_TEST_HEAP_H
#define ASH_TEST_HEAP_H

#include "child.h"
#include "lab/metric.h"
#include <sys/mman.h>

enum { HEAP_SLOTS = 256, HEAP_SELF = 1 << 20 };

static struct ash_lab_memory *memory;
static struct ash_lab_blocks blocks;
static struct ash_lab_metric *metric;
static void *self;

static inline void heap_open(void)
{
    static const struct ash_lab_param params[] = {{NULL, NULL}};
    const struct ash_lab_memory_options options = {.params = params};
    memory = ash_lab_memory_new(&options);
    self = mmap(NULL, HEAP_SELF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(ash_lab_blocks_init(&blocks, HEAP_SLOTS));
    const struct ash_lab_metric_subject subject = {&ash_lab_first_fit, self, true, memory, &blocks};
    metric = ash_lab_metric_new(&subject);
    assert_true(ash_lab_first_fit.open(self, memory));
}

static inline void heap_close(void)
{
    ash_lab_metric_free(metric);
    ash_lab_blocks_end(&blocks);
    ash_lab_memory_end(memory);
    munmap(self, HEAP_SELF);
}

static inline void heap_birth(size_t slot, size_t size, uint32_t stack)
{
    char why[ASH_LAB_WHY_MAX];
    uint8_t *at = ash_lab_first_fit.alloc(self, size, 16);
    blocks.slots[slot] = (struct ash_lab_block){.at = at,
                                                .number = slot + 1,
                                                .size = size,
                                                .usable = ash_lab_first_fit.usable(self, at),
                                                .stack = stack};
    assert_true(ash_lab_blocks_enter(&blocks, slot, why));
    ash_lab_blocks_mark(&blocks, slot);
}

static inline void heap_death(size_t slot)
{
    ash_lab_blocks_leave(&blocks, slot);
    ash_lab_first_fit.free(self, blocks.slots[slot].at);
    blocks.slots[slot] = (struct ash_lab_block){0};
}

static inline struct ash_lab_sample heap_sample(void)
{
    struct ash_lab_sample sample = {0};
    char why[ASH_LAB_WHY_MAX] = "";
    ash_lab_metric_take(metric, &sample, why);
    assert_string_equal(why, "");
    return sample;
}

#endif
