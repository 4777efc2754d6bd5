/* purge.c: giving memory back, and the counters it is decided by; see purge.h. */
#include "space/purge.h"
#include "space/leftover.h"

struct ash_space_count ash_space_count;

#define KEEP_FLOOR_SLICES 64 /* 4 MiB */
#define BATCH_SLICES 16      /* surplus below 1 MiB waits for more */
#define WINDOW_MS 1000u      /* regrowth is remembered for one to two of these */
#define AGE_MS 1000u
#define HUGE_MIN_BYTES ((int64_t)16 << 20) /* below nothing is born huge (decision 2) */

/* The demand history. Races between threads blur it, and that is all they do. */
static struct {
    _Atomic int64_t peak; /* highest live of this window */
    _Atomic int64_t low;  /* lowest live since that peak */
    _Atomic int64_t regrowth, regrowth_before;
    _Atomic int64_t given; /* surplus given back in this window and not missed yet */
    _Atomic int64_t regret, regret_before;
    _Atomic uint64_t window_ms; /* when this window began */
} demand;

static bool no_huge;

static int64_t get(_Atomic int64_t *x)
{
    return atomic_load_explicit(x, memory_order_relaxed);
}

static void set(_Atomic int64_t *x, int64_t v)
{
    atomic_store_explicit(x, v, memory_order_relaxed);
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- demand history ---- */

static void turn_window(uint64_t now_ms)
{
    uint64_t began = atomic_load_explicit(&demand.window_ms, memory_order_relaxed);
    /* Another thread, that read the clock later, may have begun the window already. */
    if (now_ms < began + WINDOW_MS)
        return;
    atomic_store_explicit(&demand.window_ms, now_ms, memory_order_relaxed);
    bool stale = now_ms - began >= 2 * WINDOW_MS;
    set(&demand.regrowth_before, stale ? 0 : get(&demand.regrowth));
    set(&demand.regrowth, 0);
    set(&demand.regret_before, stale ? 0 : (get(&demand.regret) + get(&demand.regret_before)) / 2);
    set(&demand.regret, 0);
    set(&demand.given, 0);
}

/* Fresh slices are claimed: as many of those given back lately would have served. */
static void note_regret(int64_t fresh)
{
    int64_t given = get(&demand.given);
    int64_t back = fresh < given ? fresh : given;
    if (back <= 0)
        return;
    atomic_fetch_sub_explicit(&demand.given, back, memory_order_relaxed);
    atomic_fetch_add_explicit(&demand.regret, back, memory_order_relaxed);
}

static void note_rise(int64_t live)
{
    int64_t peak = get(&demand.peak);
    int64_t back = (live < peak ? live : peak) - get(&demand.low);
    if (back > get(&demand.regrowth))
        set(&demand.regrowth, back);
    if (live > peak) {
        set(&demand.peak, live);
        set(&demand.low, live);
    }
}

static int64_t keep_slices(void)
{
    int64_t regrowth = max_of(get(&demand.regrowth), get(&demand.regrowth_before));
    int64_t regret = get(&demand.regret) + get(&demand.regret_before);
    int64_t share = max_of(get(&ash_space_count.live) / 8, KEEP_FLOOR_SLICES);
    return max_of(max_of(regrowth, regret), share);
}

/* ---- releasing ---- */

/* Locked memory (mlock) is never released, and a kernel that is short of memory may refuse as
 * well. What was refused stays dirty, so it stays surplus: without a pause every return would
 * ask for all of it again. */
#define REFUSED_PAUSE_MS 100
static _Atomic uint64_t refused_ms; /* the last refusal; 0: none yet */

static bool was_refused_lately(uint64_t now_ms)
{
    uint64_t last_ms = atomic_load_explicit(&refused_ms, memory_order_relaxed);
    return last_ms != 0 && now_ms - last_ms < REFUSED_PAUSE_MS;
}

/* Releases the claimed slices of run (a mask); returns how many. They stay claimed. */
static unsigned release_run(uintptr_t group_addr, struct ash_group *group, uint32_t run)
{
    unsigned n = 0;
    for (uint32_t left = run; left;) {
        unsigned first_i = (unsigned)__builtin_ctz(left);
        unsigned len = (unsigned)__builtin_ctzll(~((uint64_t)left >> first_i));
        uint32_t part = ash_bitmap_run(first_i, len);
        left &= ~part;
        if (ash_os_release(group_addr + first_i * ASH_SLICE_BYTES, len * ASH_SLICE_BYTES) != 0) {
            /* stays touched: the count stays exact, a later purge tries again (F14) */
            atomic_store_explicit(&refused_ms, ash_os_now_ms(), memory_order_relaxed);
            continue;
        }
        atomic_fetch_and_explicit(&group->touched, ~part, memory_order_relaxed);
        atomic_fetch_add_explicit(&ash_space_count.purged_bytes, len * ASH_SLICE_BYTES,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&ash_space_count.purge_count, 1, memory_order_relaxed);
        n += len;
    }
    return n;
}

/* Takes the wish for huge pages back. Several threads may meet here: one exchange wins. */
static void demote(uintptr_t group_addr, struct ash_group *group)
{
    if (ash_os_huge(group_addr, ASH_GROUP_BYTES, false) != 0 ||
        !atomic_exchange_explicit(&group->huge, 0, memory_order_relaxed))
        return;
    uint32_t touched = atomic_load_explicit(&group->touched, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ash_space_count.huge_groups, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ash_space_count.huge_untouched,
                              (int)ASH_GROUP_SLICES - __builtin_popcount(touched),
                              memory_order_relaxed);
}

ASH_RARE int ash_purge_part(uintptr_t addr, size_t bytes)
{
    if (ash_os_release(addr, bytes) != 0)
        return -1;
    atomic_fetch_add_explicit(&ash_space_count.purged_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.purge_count, 1, memory_order_relaxed);
    struct ash_group *group = ash_group_of(addr);
    if (atomic_load_explicit(&group->huge, memory_order_relaxed))
        demote(ash_align_down(addr, ASH_GROUP_BYTES), group);
    return 0;
}

/* Splitting a huge page costs more than giving back 64 KiB of small ones: it comes last. */
static bool may_split(struct ash_group *group, uint32_t free, bool split)
{
    if (!atomic_load_explicit(&group->huge, memory_order_relaxed))
        return true;
    return split || free == UINT32_MAX || __builtin_popcount(free) >= 24;
}

/* Gives the dirty slices of one group back. Returns how many. */
static unsigned purge_group(struct ash_region *region, unsigned group_i, bool split)
{
    struct ash_group *group = (struct ash_group *)(region->base + ASH_GROUPS_OFFSET) + group_i;
    uintptr_t addr = region->base + (uintptr_t)group_i * ASH_GROUP_BYTES;
    uint32_t free = atomic_load_explicit(&group->free, memory_order_relaxed);
    uint32_t run = free & atomic_load_explicit(&group->touched, memory_order_relaxed);
    if (region->sparse && free == UINT32_MAX)
        run = free; /* the whole group may be unmapped */
    if (run == 0 || !may_split(group, free, split) || !ash_slice_claim_exact(group, run))
        return 0;
    /* S11: the slices are ours now, like any user's. */
    unsigned n = (unsigned)__builtin_popcount(
        run & atomic_load_explicit(&group->touched, memory_order_relaxed));
    atomic_fetch_sub_explicit(&ash_space_count.dirty, n, memory_order_relaxed);
    if (atomic_load_explicit(&group->huge, memory_order_relaxed))
        demote(addr, group);
    if (region->sparse && run == UINT32_MAX && ash_region_close_group(region, group)) {
        atomic_fetch_add_explicit(&ash_space_count.purged_bytes, n * ASH_SLICE_BYTES,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&ash_space_count.purge_count, 1, memory_order_relaxed);
        return n ? n : 1;
    }
    unsigned done = release_run(addr, group, run);
    atomic_fetch_add_explicit(&ash_space_count.dirty, (int64_t)n - done, memory_order_relaxed);
    ash_slice_return(group, run);
    return done;
}

struct sweep {
    int64_t want;   /* stop after this many slices */
    uint32_t older; /* only groups untouched for this many ms */
    uint32_t now_ms;
    bool whole_only, split; /* only wholly free groups; huge groups in use as well */
};

static ASH_RARE int64_t sweep_groups(const struct sweep *how)
{
    int64_t done = 0;
    for (struct ash_region *r = ash_region_first(); r;
         r = atomic_load_explicit(&r->next, memory_order_acquire)) { /* pairs with publish */
        unsigned end = atomic_load_explicit(&r->open_end, memory_order_relaxed);
        struct ash_group *table = (struct ash_group *)(r->base + ASH_GROUPS_OFFSET);
        /* From the top: what stays dirty lies low, where objects are placed and grow upwards. */
        for (unsigned g = end; g-- > ASH_FIRST_GROUP && done < how->want;) {
            uint32_t free = atomic_load_explicit(&table[g].free, memory_order_relaxed);
            if (free == 0 || (how->whole_only && free != UINT32_MAX))
                continue;
            uint32_t freed = atomic_load_explicit(&table[g].freed_ms, memory_order_relaxed);
            /* signed: another thread may have freed after our clock was read */
            if (how->older && (int32_t)(how->now_ms - freed) < (int32_t)how->older)
                continue;
            done += purge_group(r, g, how->split);
        }
    }
    return done;
}

/* Gives surplus back: groups that lie longer first, whole ones before parts. */
static void purge_surplus(int64_t surplus, uint32_t now_ms)
{
    static const struct {
        uint32_t older;
        bool whole_only, split;
    } order[] = {{100, true, false},
                 {0, true, false},
                 {100, false, false},
                 {0, false, false},
                 {0, false, true}};
    for (size_t i = 0; i < ASH_COUNT_OF(order) && surplus > 0; i++) {
        struct sweep how = {.want = surplus,
                            .older = order[i].older,
                            .now_ms = now_ms,
                            .whole_only = order[i].whole_only,
                            .split = order[i].split};
        int64_t done = sweep_groups(&how);
        atomic_fetch_add_explicit(&demand.given, done, memory_order_relaxed);
        surplus -= done;
    }
}

/* ---- what group.c and region.c report ---- */

void ash_purge_note_claim(unsigned n, unsigned fresh)
{
    atomic_fetch_sub_explicit(&ash_space_count.dirty, n - fresh, memory_order_relaxed);
    int64_t live = atomic_fetch_add_explicit(&ash_space_count.live, n, memory_order_relaxed) + n;
    note_rise(live);
    if (fresh == 0)
        return;
    note_regret(fresh);
    uint64_t committed = ash_purge_committed_bytes();
    if (committed > atomic_load_explicit(&ash_space_count.peak_bytes, memory_order_relaxed))
        atomic_store_explicit(&ash_space_count.peak_bytes, committed, memory_order_relaxed);
}

void ash_purge_note_return(unsigned n)
{
    int64_t live = atomic_fetch_sub_explicit(&ash_space_count.live, n, memory_order_relaxed) - n;
    int64_t dirty = atomic_fetch_add_explicit(&ash_space_count.dirty, n, memory_order_relaxed) + n;
    if (live < get(&demand.low))
        set(&demand.low, live);
    if (dirty < KEEP_FLOOR_SLICES + BATCH_SLICES)
        return;
    uint64_t now_ms = ash_os_now_ms();
    turn_window(now_ms);
    int64_t surplus = dirty - keep_slices();
    if (surplus >= BATCH_SLICES && !was_refused_lately(now_ms))
        purge_surplus(surplus, (uint32_t)now_ms);
}

void ash_purge_tick(uint64_t now_ms)
{
    turn_window(now_ms);
    if (now_ms - atomic_load_explicit(&demand.window_ms, memory_order_relaxed) < WINDOW_MS / 8) {
        /* A new window: the last peak is history. */
        set(&demand.peak, get(&ash_space_count.live));
        set(&demand.low, get(&ash_space_count.live));
    }
    if (get(&ash_space_count.dirty) == 0 || was_refused_lately(now_ms))
        return;
    struct sweep how = {
        .want = INT64_MAX, .older = AGE_MS, .now_ms = (uint32_t)now_ms, .whole_only = false};
    sweep_groups(&how);
}

ASH_RARE size_t ash_purge_all(void)
{
    ash_leftover_retry();
    struct sweep how = {.want = INT64_MAX, .older = 0, .now_ms = 0, .split = true};
    return (size_t)sweep_groups(&how) * ASH_SLICE_BYTES;
}

uint64_t ash_purge_committed_bytes(void)
{
    int64_t slices = get(&ash_space_count.live) + get(&ash_space_count.dirty);
    return (uint64_t)max_of(slices, 0) * ASH_SLICE_BYTES +
           (uint64_t)max_of(get(&ash_space_count.huge_bytes), 0) +
           (uint64_t)max_of(get(&ash_space_count.leftover_bytes), 0);
}

uint64_t ash_purge_peak_bytes(void)
{
    uint64_t peak = atomic_load_explicit(&ash_space_count.peak_bytes, memory_order_relaxed);
    uint64_t now = ash_purge_committed_bytes();
    return now > peak ? now : peak;
}

bool ash_purge_admits(unsigned slices, size_t bytes)
{
    int64_t limit = get(&ash_space_count.limit_bytes);
    if (limit == 0)
        return true;
    uint64_t more = slices * (uint64_t)ASH_SLICE_BYTES + bytes;
    if (ash_purge_committed_bytes() + more <= (uint64_t)limit)
        return true;
    ash_purge_all();
    return ash_purge_committed_bytes() + more <= (uint64_t)limit;
}

/* ---- huge pages ---- */

void ash_purge_no_huge(void)
{
    no_huge = true;
}

bool ash_purge_wants_huge(void)
{
    /* Used bytes, not slices: many threads with a page each for every class have many slices
     * and few bytes in them. */
    int64_t used = get(&ash_space_count.used_bytes);
    if (no_huge || used < HUGE_MIN_BYTES || ash_os_thp() == ASH_THP_NEVER)
        return false;
    int64_t untouched = get(&ash_space_count.huge_untouched) + (int64_t)ASH_GROUP_SLICES;
    /* S10; and only while little lies dirty: a heap that grows because it is full, not because
     * it is broken up. */
    return untouched * (int64_t)ASH_SLICE_BYTES <= used / 8 &&
           get(&ash_space_count.dirty) * 10 <= get(&ash_space_count.live);
}
