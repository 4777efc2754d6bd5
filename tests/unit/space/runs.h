/* runs.h: words for tests of runs: claiming, filling, and the counts they must keep. */
#ifndef ASH_TEST_RUNS_H
#define ASH_TEST_RUNS_H

#include "apart.h"
#include "space/space.h"

static inline struct ash_run claim(unsigned n_slices)
{
    struct ash_run run = {0};
    assert_true(ash_run_claim(n_slices, 1, &run));
    assert_int_equal(run.n_slices, n_slices);
    return run;
}

static inline void give_back(struct ash_run run)
{
    ash_run_return(run.addr, run.n_slices);
}

static inline void fill(struct ash_run run)
{
    memset((void *)run.addr, 0xa5, run.n_slices * ASH_SLICE_BYTES);
}

static inline bool reads_zero(uintptr_t addr, size_t bytes)
{
    const uint64_t *words = (const uint64_t *)addr;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        if (words[i] != 0)
            return false;
    return true;
}

static inline int64_t live_slices(void)
{
    return ash_space_count.live;
}

static inline int64_t dirty_slices(void)
{
    return ash_space_count.dirty;
}

/* What the counters say, counted in the groups: slices free and touched, and slices taken. */
static inline void counts_must_agree_with_groups(void)
{
    int64_t dirty = 0, taken = 0;
    for (struct ash_region *r = ash_region_first(); r; r = r->next) {
        struct ash_group *table = (struct ash_group *)(r->base + ASH_GROUPS_OFFSET);
        for (unsigned g = ASH_FIRST_GROUP; g < r->open_end; g++) {
            if (table[g].state != ASH_GROUP_OPEN)
                continue;
            dirty += __builtin_popcount(table[g].free & table[g].touched);
            taken += __builtin_popcount(~table[g].free);
        }
    }
    assert_int_equal(dirty_slices(), dirty);
    assert_int_equal(live_slices(), taken);
}

#endif
