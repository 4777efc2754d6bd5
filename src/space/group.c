/* group.c: choice of the group for a run, and runs longer than a group; see group.h. */
#include "space/group.h"
#include "base/check.h"
#include "space/purge.h"

#define CANDIDATES_MAX 64 /* groups compared before the best so far is taken */

struct choice {
    struct ash_group *group;
    unsigned rank; /* see rank_of; the least is best */
};

static struct ash_group *table_of(const struct ash_region *region)
{
    return (struct ash_group *)(region->base + ASH_GROUPS_OFFSET);
}

static uintptr_t slice_addr(const struct ash_group *group, unsigned slice_i)
{
    uintptr_t base = (uintptr_t)group & ~(ASH_REGION_BYTES - 1);
    uintptr_t group_i = ((uintptr_t)group - base - ASH_GROUPS_OFFSET) / sizeof(*group);
    return base + group_i * ASH_GROUP_BYTES + slice_i * ASH_SLICE_BYTES;
}

/* Clears the hint of a group that is full. A slice returned meanwhile sets it again: the
 * free word is read after the hint is cleared. */
static void drop_hint(struct ash_region *region, unsigned group_i)
{
    uint64_t bit = (uint64_t)1 << (group_i % 64);
    _Atomic uint64_t *word = &region->some_free[group_i / 64];
    atomic_fetch_and(word, ~bit); /* seq_cst; pairs with the one in set_hint */
    if (atomic_load(&table_of(region)[group_i].free) != 0)
        atomic_fetch_or(word, bit);
}

static void set_hint(const struct ash_group *group)
{
    uintptr_t base = (uintptr_t)group & ~(ASH_REGION_BYTES - 1);
    unsigned group_i = (unsigned)(((uintptr_t)group - base - ASH_GROUPS_OFFSET) / sizeof(*group));
    struct ash_region *region = ash_region_of(base);
    uint64_t bit = (uint64_t)1 << (group_i % 64);
    _Atomic uint64_t *word = &region->some_free[group_i / 64];
    if (!(atomic_load(word) & bit)) /* seq_cst; pairs with the one in drop_hint */
        atomic_fetch_or(word, bit);
}

/* Memory that was touched costs neither a fault nor resident size: a group that has a run of it
 * comes before all others; then the one whose longest run is the shortest. */
static unsigned rank_of(const struct ash_group *group, uint32_t free, unsigned n)
{
    uint32_t dirty = free & atomic_load_explicit(&group->touched, memory_order_relaxed);
    unsigned longest = ash_bitmap_longest(free);
    if (longest < n)
        return UINT32_MAX;
    return ash_bitmap_find_run(dirty, n) >= 0 ? longest : ASH_GROUP_SLICES + longest;
}

/* The group of this region that suits n slices best. */
static struct choice choose(struct ash_region *region, unsigned n)
{
    struct choice best = {NULL, UINT32_MAX};
    unsigned seen_n = 0;
    for (unsigned w = 0; w < ASH_COUNT_OF(region->some_free) && seen_n < CANDIDATES_MAX; w++) {
        /* acquire; pairs with set_open in region.c */
        uint64_t bits = atomic_load_explicit(&region->some_free[w], memory_order_acquire);
        for (; bits && seen_n < CANDIDATES_MAX; bits &= bits - 1) {
            unsigned group_i = w * 64 + (unsigned)__builtin_ctzll(bits);
            struct ash_group *group = &table_of(region)[group_i];
            uint32_t free = atomic_load_explicit(&group->free, memory_order_relaxed);
            if (free == 0) {
                drop_hint(region, group_i);
                continue;
            }
            unsigned rank = rank_of(group, free, n);
            seen_n++;
            if (rank < best.rank)
                best = (struct choice){group, rank};
            if (best.rank == n)
                return best;
        }
    }
    return best;
}

/* Asks for huge pages in a group that was never touched, if the budget allows. */
static void bear_huge(struct ash_group *group, uint32_t run)
{
    if (run == UINT32_MAX || !ash_purge_wants_huge())
        return;
    if (ash_os_huge(slice_addr(group, 0), ASH_GROUP_BYTES, true) != 0)
        return;
    atomic_store_explicit(&group->huge, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.huge_groups, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.huge_untouched, ASH_GROUP_SLICES,
                              memory_order_relaxed);
}

/* Notes a claimed run as touched (S6). Says whether all of it was untouched before. */
static bool touch(struct ash_group *group, uint32_t run)
{
    uint32_t touched = atomic_load_explicit(&group->touched, memory_order_relaxed);
    unsigned n = (unsigned)__builtin_popcount(run);
    unsigned fresh = (unsigned)__builtin_popcount(run & ~touched);
    if (touched == 0 && !atomic_load_explicit(&group->huge, memory_order_relaxed))
        bear_huge(group, run);
    if (fresh && atomic_load_explicit(&group->huge, memory_order_relaxed))
        atomic_fetch_sub_explicit(&ash_space_count.huge_untouched, fresh, memory_order_relaxed);
    atomic_fetch_or_explicit(&group->touched, run, memory_order_relaxed);
    ash_purge_note_claim(n, fresh);
    return fresh == n;
}

/* The part of a run that lies in one group, as a mask. */
static uint32_t part_in_group(unsigned first, unsigned n, unsigned group_i)
{
    unsigned group_first = group_i * ASH_GROUP_SLICES;
    unsigned from = first > group_first ? first - group_first : 0;
    unsigned end = first + n - group_first;
    if (end > ASH_GROUP_SLICES)
        end = ASH_GROUP_SLICES;
    return ash_bitmap_run(from, end - from);
}

static void return_run(const struct ash_region *region, unsigned first, unsigned n)
{
    for (unsigned g = first / ASH_GROUP_SLICES; g <= (first + n - 1) / ASH_GROUP_SLICES; g++) {
        struct ash_group *group = &table_of(region)[g];
        ash_slice_return(group, part_in_group(first, n, g));
        set_hint(group);
    }
}

/* Claims the slices [first, first + n) of a region, over group borders. All or nothing. */
static bool claim_exact(struct ash_region *region, unsigned first, unsigned n)
{
    unsigned last_g = (first + n - 1) / ASH_GROUP_SLICES;
    for (unsigned g = first / ASH_GROUP_SLICES; g <= last_g; g++) {
        if (ash_slice_claim_exact(&table_of(region)[g], part_in_group(first, n, g)))
            continue;
        unsigned done = g * ASH_GROUP_SLICES;
        if (done > first)
            return_run(region, first, done - first);
        return false;
    }
    return true;
}

/* The slices of [first, first + n) that were never touched. */
static unsigned count_fresh(const struct ash_region *region, unsigned first, unsigned n)
{
    unsigned fresh = 0;
    for (unsigned g = first / ASH_GROUP_SLICES; g <= (first + n - 1) / ASH_GROUP_SLICES; g++)
        fresh += (unsigned)__builtin_popcount(
            part_in_group(first, n, g) &
            ~atomic_load_explicit(&table_of(region)[g].touched, memory_order_relaxed));
    return fresh;
}

/* Where n slices fit, and how well: fewest untouched ones first, for those cost faults and
 * memory, then least left over. */
struct fit {
    unsigned first; /* 0: none yet */
    unsigned fresh, over;
};

static void try_fit(const struct ash_region *region, unsigned first, unsigned n, unsigned over,
                    struct fit *best)
{
    unsigned fresh = count_fresh(region, first, n);
    if (best->first == 0 || fresh < best->fresh || (fresh == best->fresh && over < best->over))
        *best = (struct fit){first, fresh, over};
}

/* Walks the free runs of a region in the order of their addresses. */
struct run_walk {
    const struct ash_region *region;
    unsigned n, align;
    unsigned first; /* of the run that reaches up to `end`; 0: none does */
    unsigned end;
    struct fit best;
};

/* The run of the walk is offered: its lower end, and its upper one. */
static void offer_run(struct run_walk *walk)
{
    unsigned n = walk->n;
    unsigned low = (unsigned)ash_align_up(walk->first, walk->align);
    if (walk->end - walk->first < n || low + n > walk->end)
        return;
    unsigned over = walk->end - walk->first - n;
    try_fit(walk->region, low, n, over, &walk->best);
}

static void end_run(struct run_walk *walk)
{
    if (walk->first)
        offer_run(walk);
    walk->first = 0;
}

static void walk_group(struct run_walk *walk, unsigned group_i)
{
    uint32_t free =
        atomic_load_explicit(&table_of(walk->region)[group_i].free, memory_order_relaxed);
    unsigned i = 0;
    if (walk->end != group_i * ASH_GROUP_SLICES)
        end_run(walk); /* the groups between are full */
    while (i < ASH_GROUP_SLICES) {
        /* the next slice at which the run ends, or one begins */
        uint32_t rest = (walk->first ? ~free : free) >> i;
        if (rest == 0)
            break;
        i += (unsigned)__builtin_ctz(rest);
        walk->end = group_i * ASH_GROUP_SLICES + i;
        if (walk->first)
            end_run(walk);
        else
            walk->first = walk->end;
    }
    walk->end = (group_i + 1) * ASH_GROUP_SLICES;
}

/* The position from which n slices look free, at a multiple of align, that suits best; 0 when
 * there is none. */
static unsigned find_fit(struct ash_region *region, unsigned n, unsigned align)
{
    struct run_walk walk = {.region = region, .n = n, .align = align};
    for (unsigned w = 0; w < ASH_COUNT_OF(region->some_free); w++) {
        /* acquire; pairs with set_open in region.c */
        uint64_t bits = atomic_load_explicit(&region->some_free[w], memory_order_acquire);
        for (; bits; bits &= bits - 1)
            walk_group(&walk, w * 64 + (unsigned)__builtin_ctzll(bits));
    }
    end_run(&walk);
    return walk.best.first;
}

/* Notes a claimed run over group borders as touched. false: the limit forbids it; the run is
 * given back. */
static bool touch_run(struct ash_region *region, unsigned first, unsigned n, bool *ret_zero)
{
    unsigned first_g = first / ASH_GROUP_SLICES;
    unsigned last_g = (first + n - 1) / ASH_GROUP_SLICES;
    unsigned fresh = count_fresh(region, first, n);
    if (fresh && !ash_purge_admits(fresh, 0)) {
        return_run(region, first, n);
        return false;
    }
    bool zero = true;
    for (unsigned g = first_g; g <= last_g; g++)
        zero &= touch(&table_of(region)[g], part_in_group(first, n, g));
    *ret_zero = zero;
    return true;
}

enum attempt { CLAIMED, NO_ROOM, REFUSED };

static enum attempt claim_in_group(unsigned n, struct ash_run *ret_run)
{
    for (struct ash_region *r = ash_region_first(); r;
         r = atomic_load_explicit(&r->next, memory_order_acquire)) { /* pairs with publish */
        for (;;) {
            struct choice best = choose(r, n);
            if (!best.group)
                break;
            int first_i = ash_slice_claim(best.group, n);
            if (first_i < 0)
                continue; /* another thread was faster */
            unsigned first = (unsigned)((slice_addr(best.group, (unsigned)first_i) - r->base) >>
                                        ASH_SLICE_SHIFT);
            bool zero;
            if (!touch_run(r, first, n, &zero))
                return REFUSED;
            *ret_run = (struct ash_run){r->base + (uintptr_t)first * ASH_SLICE_BYTES, n, zero};
            return CLAIMED;
        }
    }
    return NO_ROOM;
}

static enum attempt claim_anywhere(unsigned n, unsigned align, struct ash_run *ret_run)
{
    for (struct ash_region *r = ash_region_first(); r;
         r = atomic_load_explicit(&r->next, memory_order_acquire)) { /* pairs with publish */
        unsigned first;
        while ((first = find_fit(r, n, align)) != 0) {
            if (!claim_exact(r, first, n))
                continue; /* another thread was faster */
            bool zero;
            if (!touch_run(r, first, n, &zero))
                return REFUSED;
            *ret_run = (struct ash_run){r->base + (uintptr_t)first * ASH_SLICE_BYTES, n, zero};
            return CLAIMED;
        }
    }
    return NO_ROOM;
}

/* What is asked for: a run in one group, or one that may cross groups. */
struct request {
    unsigned n, align;
    bool in_group;
};

static enum attempt claim_once(const struct request *want, struct ash_run *ret_run)
{
    if (want->in_group)
        return claim_in_group(want->n, ret_run);
    return claim_anywhere(want->n, want->align, ret_run);
}

static bool claim(const struct request *want, struct ash_run *ret_run)
{
    /* Growth leaves room for the alignment: the end of what is open lies anywhere. */
    unsigned grow_n = want->n + (want->align - 1);
    for (;;) {
        uint64_t seen_open = ash_region_open_count();
        switch (claim_once(want, ret_run)) {
        case CLAIMED:
            return true;
        case REFUSED:
            return false;
        case NO_ROOM:
            break;
        }
        if (ash_region_grow(grow_n, seen_open))
            continue;
        /* In a sparse window giving memory back makes room under the address limit. */
        if (ash_purge_all() == 0 || !ash_region_grow(grow_n, seen_open))
            return claim_once(want, ret_run) == CLAIMED;
    }
}

bool ash_run_claim(unsigned n_slices, unsigned align_slices, struct ash_run *ret_run)
{
    ASH_CHECK(n_slices >= 1 && n_slices <= ASH_RUN_MAX);
    ASH_CHECK(ash_is_power_of_two(align_slices));
    /* One slice crosses nothing, and the choice of its group is cheaper. */
    struct request want = {n_slices, align_slices, n_slices == 1 && align_slices == 1};
    return claim(&want, ret_run);
}

bool ash_run_claim_in_group(unsigned n_slices, struct ash_run *ret_run)
{
    ASH_CHECK(n_slices >= 1 && n_slices <= ASH_GROUP_SLICES);
    struct request want = {n_slices, 1, true};
    return claim(&want, ret_run);
}

ASH_RARE bool ash_run_extend(uintptr_t end, unsigned n_slices, bool *ret_zero)
{
    uintptr_t base = end & ~(ASH_REGION_BYTES - 1);
    unsigned first = (unsigned)((end - base) >> ASH_SLICE_SHIFT);
    if (first == 0 || first + n_slices > ASH_REGION_SLICES)
        return false;
    struct ash_region *region = ash_region_of(end);
    return claim_exact(region, first, n_slices) && touch_run(region, first, n_slices, ret_zero);
}

void ash_run_return(uintptr_t addr, unsigned n_slices)
{
    if (n_slices == 0)
        return;
    struct ash_region *region = ash_region_of(addr);
    unsigned first = (unsigned)((addr - region->base) >> ASH_SLICE_SHIFT);
    uint32_t now = (uint32_t)ash_os_now_ms();
    for (unsigned g = first / ASH_GROUP_SLICES; g <= (first + n_slices - 1) / ASH_GROUP_SLICES; g++)
        atomic_store_explicit(&table_of(region)[g].freed_ms, now, memory_order_relaxed);
    return_run(region, first, n_slices);
    ash_purge_note_return(n_slices);
}
