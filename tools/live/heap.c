/* heap.c: the statistics of another process, from its metas, heaps and counters; see live.h. */
#include "live/live.h"
#include <stdlib.h>
#include <string.h>

/* The parts of a heap that pages refer to. */
struct heap_row {
    uint64_t addr;
    bool starter, held;
};

struct survey {
    const struct ash_live *live;
    const struct ash_anchor *anchor;
    struct heap_row *heaps;
    size_t heap_n;
    struct ash_stat_values values;
};

static uint64_t u64_at(const char *bytes, uint32_t offset)
{
    uint64_t x;
    memcpy(&x, bytes + offset, sizeof(x));
    return x;
}

static uint32_t u32_at(const char *bytes, uint32_t offset)
{
    uint32_t x;
    memcpy(&x, bytes + offset, sizeof(x));
    return x;
}

static uint16_t u16_at(const char *bytes, uint32_t offset)
{
    uint16_t x;
    memcpy(&x, bytes + offset, sizeof(x));
    return x;
}

static bool read_pointer(const struct survey *survey, uint64_t addr, uint64_t *ret_pointer)
{
    return ash_live_read(survey->live, addr, ret_pointer, sizeof(*ret_pointer));
}

/* ---- heaps ---- */

static bool add_heap(struct survey *survey, uint64_t addr, const char *heap)
{
    const struct ash_anchor *anchor = survey->anchor;
    uint8_t kind = (uint8_t)heap[anchor->heap_kind];
    bool orphan = u64_at(heap, anchor->heap_inbox) & anchor->inbox_orphan;
    survey->values.malloc_count += u64_at(heap, anchor->heap_handed);
    survey->values.remote_free_count += u64_at(heap, anchor->heap_remote);
    if (kind == anchor->heap_kind_thread && orphan)
        survey->values.orphan_count++;
    if ((survey->heap_n & (survey->heap_n - 1)) == 0) {
        size_t room = survey->heap_n ? survey->heap_n * 2 : 1;
        struct heap_row *more = realloc(survey->heaps, room * sizeof(*more));
        if (!more)
            return false;
        survey->heaps = more;
    }
    survey->heaps[survey->heap_n++] =
        (struct heap_row){addr, kind == anchor->heap_kind_starter,
                          kind == anchor->heap_kind_thread && u64_at(heap, anchor->heap_tls) != 0};
    return true;
}

static bool read_heaps(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    char *heap = malloc(anchor->heap_bytes);
    uint64_t addr = 0;
    bool ok = heap && read_pointer(survey, anchor->heaps, &addr);
    for (unsigned i = 0; ok && addr && i < ASH_ANCHOR_HEAPS_MAX; i++) {
        ok = ash_live_read(survey->live, addr, heap, anchor->heap_bytes) &&
             add_heap(survey, addr, heap);
        if (ok)
            addr = u64_at(heap, anchor->heap_next);
    }
    free(heap);
    return ok;
}

static int by_addr(const void *a, const void *b)
{
    uint64_t x = ((const struct heap_row *)a)->addr, y = ((const struct heap_row *)b)->addr;
    return x < y ? -1 : x > y;
}

static const struct heap_row *heap_of(const struct survey *survey, uint64_t owner)
{
    struct heap_row key = {.addr = owner};
    return bsearch(&key, survey->heaps, survey->heap_n, sizeof(key), by_addr);
}

/* ---- pages ---- */

static void add_page(struct survey *survey, const char *meta)
{
    const struct ash_anchor *anchor = survey->anchor;
    const struct heap_row *heap = heap_of(survey, u64_at(meta, anchor->meta_owner));
    if (!heap)
        return;
    uint64_t bsize = u32_at(meta, anchor->meta_bsize);
    uint32_t freed = u32_at(meta, anchor->meta_attn0) - u32_at(meta, anchor->meta_attn);
    uint64_t back = freed + (u64_at(meta, anchor->meta_xfree) >> 48);
    uint64_t out = u16_at(meta, anchor->meta_out);
    uint64_t live = out > back ? out - back : 0;
    uint64_t carved = u16_at(meta, anchor->meta_carved) * bsize;
    uint64_t idle = carved > live * bsize ? carved - live * bsize : 0;
    survey->values.page_count++;
    survey->values.live_blocks += live;
    survey->values.live_bytes += live * bsize;
    if (heap->starter)
        survey->values.starter_bytes += (uint64_t)u32_at(meta, anchor->meta_n_slices)
                                        << anchor->slice_shift;
    else if (heap->held)
        survey->values.blocked_bytes += idle;
    if ((uint8_t)meta[anchor->meta_state] == anchor->state_empty)
        survey->values.retained_bytes += carved;
}

/* One group: its metas in one read. */
static bool read_group(struct survey *survey, uint64_t base, unsigned group_i, char *metas)
{
    const struct ash_anchor *anchor = survey->anchor;
    size_t slices = (size_t)1 << (anchor->group_shift - anchor->slice_shift);
    uint64_t first = (uint64_t)group_i * slices * anchor->meta_bytes;
    if (!ash_live_read(survey->live, base + first, metas, slices * anchor->meta_bytes))
        return false;
    for (size_t i = 0; i < slices; i++) {
        const char *meta = metas + i * anchor->meta_bytes;
        uint8_t kind = (uint8_t)meta[anchor->meta_kind];
        if (kind == anchor->kind_small || kind == anchor->kind_medium)
            add_page(survey, meta);
    }
    return true;
}

static bool read_region(struct survey *survey, const char *region)
{
    const struct ash_anchor *anchor = survey->anchor;
    uint64_t base = u64_at(region, anchor->region_base);
    unsigned all = 1u << (anchor->region_shift - anchor->group_shift);
    unsigned end = u32_at(region, anchor->region_open_end);
    size_t slices = (size_t)1 << (anchor->group_shift - anchor->slice_shift);
    uint32_t none_used = slices >= 32 ? UINT32_MAX : ((uint32_t)1 << slices) - 1;
    if (end > all)
        end = all;
    char *groups = malloc((size_t)all * anchor->group_bytes);
    char *metas = malloc(slices * anchor->meta_bytes);
    bool ok = groups && metas &&
              ash_live_read(survey->live, base + anchor->groups_offset, groups,
                            (size_t)all * anchor->group_bytes);
    for (unsigned g = anchor->first_group; ok && g < end; g++) {
        const char *group = groups + (size_t)g * anchor->group_bytes;
        if (u32_at(group, anchor->group_free) != none_used && !u32_at(group, anchor->group_span))
            ok = read_group(survey, base, g, metas);
    }
    free(groups);
    free(metas);
    survey->values.region_count++;
    return ok;
}

static bool read_regions(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    char region[4096 + 8];
    size_t n =
        anchor->region_next > anchor->region_base ? anchor->region_next : anchor->region_base;
    if (anchor->region_open_end > n)
        n = anchor->region_open_end;
    uint64_t addr = 0;
    bool ok = read_pointer(survey, anchor->regions, &addr);
    for (unsigned i = 0; ok && addr && i < ASH_ANCHOR_REGIONS_MAX; i++) {
        ok = ash_live_read(survey->live, addr, region, n + 8) && read_region(survey, region);
        addr = u64_at(region, anchor->region_next);
    }
    return ok;
}

/* ---- counters ---- */

static bool read_counters(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    struct {
#define X(name) int64_t name;
        ASH_ANCHOR_COUNTERS(X)
#undef X
    } count;
    bool ok = true;
#define X(name) ok &= ash_live_read(survey->live, anchor->name, &count.name, sizeof(count.name));
    ASH_ANCHOR_COUNTERS(X)
#undef X
    if (!ok)
        return false;
    struct ash_stat_values *to = &survey->values;
    int64_t slices = count.live_slices + count.dirty_slices;
    to->committed_bytes =
        ((uint64_t)(slices > 0 ? slices : 0) << anchor->slice_shift) + (uint64_t)count.huge_bytes;
    to->peak_committed_bytes = (uint64_t)count.peak_bytes > to->committed_bytes
                                   ? (uint64_t)count.peak_bytes
                                   : to->committed_bytes;
    to->mapped_bytes = (uint64_t)count.window_count << anchor->region_shift;
    to->dirty_bytes = (uint64_t)(count.dirty_slices > 0 ? count.dirty_slices : 0)
                      << anchor->slice_shift;
    to->purged_bytes = (uint64_t)count.purged_bytes;
    to->purge_count = (uint64_t)count.purge_count;
    to->large_count = (uint64_t)count.large_count;
    to->large_bytes = (uint64_t)count.large_bytes;
    to->huge_count = (uint64_t)count.huge_count;
    to->huge_bytes = (uint64_t)count.huge_bytes;
    to->huge_page_bytes = (uint64_t)count.huge_groups << anchor->group_shift;
    to->thread_count = (uint64_t)count.thread_count;
    to->misuse_count = (uint64_t)count.misuse_count;
    to->fail_count = (uint64_t)count.fail_count;
    to->fail_injected_count = (uint64_t)count.fail_injected_count;
    to->limit_bytes = (uint64_t)count.limit_bytes;
    to->malloc_count += (uint64_t)count.large_ever;
    to->live_blocks += to->large_count + to->huge_count;
    to->live_bytes += to->large_bytes + to->huge_bytes;
    to->free_count = to->malloc_count > to->live_blocks ? to->malloc_count - to->live_blocks : 0;
    return true;
}

enum ash_live_error ash_live_stats(const struct ash_live *live, struct ash_stat_values *ret_values)
{
    struct survey survey = {.live = live, .anchor = &live->anchor};
    bool ok = read_heaps(&survey);
    if (ok && survey.heap_n)
        qsort(survey.heaps, survey.heap_n, sizeof(*survey.heaps), by_addr);
    ok = ok && read_regions(&survey) && read_counters(&survey);
    free(survey.heaps);
    if (!ok)
        return ASH_LIVE_GONE;
    *ret_values = survey.values;
    return ASH_LIVE_OK;
}
