/* heap.c: the statistics of another process, from its metas, heaps and counters; see live.h. */
#include "live/live.h"
#include <stdlib.h>
#include <string.h>

/* Reads of one survey. A heap of 64 GiB needs some 40,000; damaged memory ends here. */
#define READS_MAX 2000000u
#define LINE_BYTES 4096u

/* The parts of a heap that pages refer to. */
struct heap_row {
    uint64_t addr;
    uint64_t tls; /* of the thread that holds it, or 0 */
    bool starter, held;
};

/* Some bytes of the process, kept because the next read is likely close. */
struct near_copy {
    uint64_t start; /* 0: nothing kept */
    char bytes[LINE_BYTES];
};

struct survey {
    const struct ash_live *live;
    const struct ash_anchor *anchor;
    struct heap_row *heaps;
    size_t heap_n;
    unsigned reads; /* so far */
    struct near_copy near;
    struct ash_stat_values values;
};

static bool read_at(struct survey *survey, uint64_t addr, void *ret_bytes, size_t n)
{
    return survey->reads++ < READS_MAX && ash_live_read(survey->live, addr, ret_bytes, n);
}

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

static bool read_pointer(struct survey *survey, uint64_t addr, uint64_t *ret_pointer)
{
    return read_at(survey, addr, ret_pointer, sizeof(*ret_pointer));
}

/* 8 aligned bytes, through the copy. */
static bool read_near(struct survey *survey, uint64_t addr, uint64_t *ret_word)
{
    uint64_t start = addr & ~(uint64_t)(LINE_BYTES - 1);
    if (start == 0 || addr % sizeof(*ret_word) != 0)
        return false;
    if (survey->near.start != start) {
        survey->near.start = 0;
        if (!read_at(survey, start, survey->near.bytes, LINE_BYTES))
            return false;
        survey->near.start = start;
    }
    *ret_word = u64_at(survey->near.bytes, (uint32_t)(addr - start));
    return true;
}

/* A list that is followed. Damaged ones may run in a circle (Brent, 1980: the mark moves on when
 * the steps since it have doubled). */
struct walk {
    uint64_t mark;
    unsigned steps, steps_max;
};

static bool comes_back(struct walk *walk, uint64_t addr)
{
    if (addr == walk->mark)
        return true;
    if (walk->steps++ == walk->steps_max) {
        walk->mark = addr;
        walk->steps = 0;
        walk->steps_max = 2 * walk->steps_max + 1;
    }
    return false;
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
    uint64_t tls = kind == anchor->heap_kind_thread ? u64_at(heap, anchor->heap_tls) : 0;
    survey->heaps[survey->heap_n++] =
        (struct heap_row){addr, tls, kind == anchor->heap_kind_starter, tls != 0};
    return true;
}

static bool read_heaps(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    char *heap = malloc(anchor->heap_bytes);
    uint64_t addr = 0;
    bool ok = heap && read_pointer(survey, anchor->heaps, &addr);
    struct walk walk = {0};
    for (unsigned i = 0; ok && addr && i < ASH_ANCHOR_HEAPS_MAX; i++) {
        ok = !comes_back(&walk, addr) && read_at(survey, addr, heap, anchor->heap_bytes) &&
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
    if (survey->heap_n == 0)
        return NULL;
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
    if (!read_at(survey, base + first, metas, slices * anchor->meta_bytes))
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
    bool ok =
        groups && metas &&
        read_at(survey, base + anchor->groups_offset, groups, (size_t)all * anchor->group_bytes);
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
    struct walk walk = {0};
    for (unsigned i = 0; ok && addr && i < ASH_ANCHOR_REGIONS_MAX; i++) {
        ok = !comes_back(&walk, addr) && read_at(survey, addr, region, n + 8) &&
             read_region(survey, region);
        if (ok)
            addr = u64_at(region, anchor->region_next);
    }
    return ok;
}

/* ---- bins ---- */

/* Blocks in one list, which all lie in one page. The thread may take from it meanwhile: what
 * does not look like a block ends the list. */
static uint64_t list_length(struct survey *survey, uint64_t first)
{
    uint64_t around = survey->anchor->page_bytes_max;
    uint64_t n = 0;
    for (uint64_t p = first; p && p % 16 == 0 && n < around / 16; n++) {
        bool in_page = p - first < around || first - p < around;
        if (!in_page || !read_near(survey, p, &p))
            break;
    }
    return n;
}

static uint64_t less(uint64_t from, uint64_t n)
{
    return from > n ? from - n : 0;
}

/* Takes off what a thread's lists hold. A thread that has just ended has none. */
static void take_bins_off(struct survey *survey, uint64_t tls, const uint32_t *class_bytes)
{
    uint64_t bins[ASH_ANCHOR_BINS_MAX];
    unsigned bin_n = survey->anchor->bin_count;
    if (!read_at(survey, tls + survey->anchor->tls_bins, bins, bin_n * sizeof(bins[0])))
        return;
    for (unsigned c = 1; c < bin_n; c++) {
        uint64_t n = bins[c] ? list_length(survey, bins[c]) : 0;
        survey->values.malloc_count = less(survey->values.malloc_count, n);
        survey->values.live_blocks = less(survey->values.live_blocks, n);
        survey->values.live_bytes = less(survey->values.live_bytes, n * class_bytes[c]);
    }
}

static bool read_bins(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    uint32_t class_bytes[ASH_ANCHOR_BINS_MAX];
    if (anchor->bin_count == 0)
        return true;
    if (!read_at(survey, anchor->class_bytes, class_bytes,
                 anchor->bin_count * sizeof(class_bytes[0])))
        return false;
    for (size_t i = 0; i < survey->heap_n; i++)
        if (survey->heaps[i].held)
            take_bins_off(survey, survey->heaps[i].tls, class_bytes);
    return true;
}

/* ---- counters ---- */

/* Counters that threads change without an order may be below zero for a moment. */
static uint64_t at_least_zero(int64_t n)
{
    return n > 0 ? (uint64_t)n : 0;
}

static bool read_counters(struct survey *survey)
{
    const struct ash_anchor *anchor = survey->anchor;
    struct {
#define X(name) int64_t name;
        ASH_ANCHOR_COUNTERS(X)
#undef X
    } count;
    bool ok = true;
#define X(name) ok &= read_at(survey, anchor->name, &count.name, sizeof(count.name));
    ASH_ANCHOR_COUNTERS(X)
#undef X
    if (!ok)
        return false;
    struct ash_stat_values *to = &survey->values;
    uint64_t slices = at_least_zero(count.live_slices) + at_least_zero(count.dirty_slices);
    to->committed_bytes = (slices << anchor->slice_shift) + (uint64_t)count.huge_bytes;
    to->peak_committed_bytes = (uint64_t)count.peak_bytes > to->committed_bytes
                                   ? (uint64_t)count.peak_bytes
                                   : to->committed_bytes;
    to->mapped_bytes = (uint64_t)count.window_count << anchor->region_shift;
    to->dirty_bytes = at_least_zero(count.dirty_slices) << anchor->slice_shift;
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
    ok = ok && read_regions(&survey) && read_bins(&survey) && read_counters(&survey);
    free(survey.heaps);
    if (!ok)
        return ASH_LIVE_GONE;
    *ret_values = survey.values;
    return ASH_LIVE_OK;
}
