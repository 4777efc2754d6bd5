/* metric.c: the accounting over a strategy's runs and its resident pages; see metric.h. */
#include "lab/metric.h"
#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A mapped range; cell i stands for its i-th page. */
struct range {
    uintptr_t start, end;
    size_t cell;
};

struct cell {
    uint32_t resident_before; /* resident pages of all ranges before this one */
    uint16_t live;            /* bytes of BLOCK runs */
    uint16_t cached;
    uint16_t covered; /* BLOCK, HEADER and META */
    uint16_t meta;
};

struct span {
    uintptr_t start, end;
};

struct ash_lab_metric {
    struct ash_lab_metric_subject subject;
    struct range *ranges;
    size_t n_ranges, range_room;
    struct cell *cells; /* one more than pages */
    size_t n_cells, cell_room;
    unsigned char *core;
    size_t core_room;
    struct span *spans; /* what `each` covered */
    size_t n_spans, span_room;
    struct range *last; /* of the last look-up */
    uint64_t n_blocks, usable, free_max;
    bool is_short_of_memory;
    char why[ASH_LAB_WHY_MAX];
};

static bool reserve(void **at, size_t *room, size_t want, size_t unit)
{
    if (want <= *room)
        return true;
    size_t n = want + want / 2 + 64;
    void *more = realloc(*at, n * unit);
    if (!more)
        return false;
    *at = more;
    *room = n;
    return true;
}

struct ash_lab_metric *ash_lab_metric_new(const struct ash_lab_metric_subject *subject)
{
    struct ash_lab_metric *metric = calloc(1, sizeof(*metric));
    if (metric)
        metric->subject = *subject;
    return metric;
}

void ash_lab_metric_free(struct ash_lab_metric *metric)
{
    if (!metric)
        return;
    free(metric->ranges);
    free(metric->cells);
    free(metric->core);
    free(metric->spans);
    free(metric);
}

/* --- pages --- */

static void add_range(void *arg, uintptr_t start, size_t size)
{
    struct ash_lab_metric *metric = arg;
    if (!reserve((void **)&metric->ranges, &metric->range_room, metric->n_ranges + 1,
                 sizeof(*metric->ranges))) {
        metric->is_short_of_memory = true;
        return;
    }
    metric->ranges[metric->n_ranges++] = (struct range){start, start + size, metric->n_cells};
    metric->n_cells += size / ASH_LAB_PAGE;
}

/* Fills the cells; returns resident pages. */
static bool look_at_pages(struct ash_lab_metric *metric, size_t *ret_resident)
{
    metric->n_ranges = metric->n_cells = 0;
    metric->last = NULL;
    ash_lab_memory_each(metric->subject.memory, add_range, metric);
    if (metric->is_short_of_memory || !reserve((void **)&metric->cells, &metric->cell_room,
                                               metric->n_cells + 1, sizeof(*metric->cells)))
        return false;
    size_t resident = 0;
    for (size_t r = 0; r < metric->n_ranges; r++) {
        const struct range *range = &metric->ranges[r];
        size_t n = (range->end - range->start) / ASH_LAB_PAGE;
        if (!reserve((void **)&metric->core, &metric->core_room, n, 1) ||
            mincore((void *)range->start, range->end - range->start, metric->core) != 0)
            return false;
        struct cell *cells = metric->cells + range->cell;
        for (size_t i = 0; i < n; i++) {
            cells[i] = (struct cell){.resident_before = (uint32_t)resident};
            resident += metric->core[i] & 1;
        }
    }
    metric->cells[metric->n_cells] = (struct cell){.resident_before = (uint32_t)resident};
    *ret_resident = resident;
    return true;
}

static struct range *range_of(struct ash_lab_metric *metric, uintptr_t addr)
{
    struct range *last = metric->last;
    if (last && addr >= last->start && addr < last->end)
        return last;
    size_t low = 0, high = metric->n_ranges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (metric->ranges[middle].end <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == metric->n_ranges || metric->ranges[low].start > addr)
        return NULL;
    return metric->last = &metric->ranges[low];
}

static bool is_resident(const struct cell *cell)
{
    return cell[1].resident_before != cell[0].resident_before;
}

/* Resident bytes of a part of one range. */
static size_t resident_in(const struct ash_lab_metric *metric, const struct range *range,
                          uintptr_t start, size_t size)
{
    if (size == 0)
        return 0;
    const struct cell *first = metric->cells + range->cell + (start - range->start) / ASH_LAB_PAGE;
    const struct cell *last =
        metric->cells + range->cell + (start + size - 1 - range->start) / ASH_LAB_PAGE;
    if (first == last)
        return is_resident(first) ? size : 0;
    size_t bytes = (last->resident_before - first[1].resident_before) * ASH_LAB_PAGE;
    if (is_resident(first))
        bytes += ASH_LAB_PAGE - start % ASH_LAB_PAGE;
    if (is_resident(last))
        bytes += (start + size - 1) % ASH_LAB_PAGE + 1;
    return bytes;
}

size_t ash_lab_metric_resident(const struct ash_lab_metric *metric, uintptr_t start, size_t size)
{
    const struct range *range = range_of((struct ash_lab_metric *)metric, start);
    if (!range || size > range->end - start)
        return 0;
    return resident_in(metric, range, start, size);
}

size_t ash_lab_metric_page_live(const struct ash_lab_metric *metric, uintptr_t addr)
{
    const struct range *range = range_of((struct ash_lab_metric *)metric, addr);
    if (!range)
        return 0;
    return metric->cells[range->cell + (addr - range->start) / ASH_LAB_PAGE].live;
}

void ash_lab_metric_ranges(const struct ash_lab_metric *metric, ash_lab_visit_mapping *visit,
                           void *arg)
{
    for (size_t i = 0; i < metric->n_ranges; i++)
        visit(arg, metric->ranges[i].start, metric->ranges[i].end - metric->ranges[i].start);
}

/* --- runs --- */

static bool wrong(struct ash_lab_metric *metric, const char *what, uintptr_t addr, size_t size)
{
    snprintf(metric->why, sizeof(metric->why), "each (LC7) %s: %zu bytes at %p", what, size,
             (void *)addr);
    return false;
}

static bool cover(struct ash_lab_metric *metric, uintptr_t start, size_t size)
{
    struct span *last = metric->n_spans ? &metric->spans[metric->n_spans - 1] : NULL;
    if (last && last->end == start) {
        last->end += size;
        return true;
    }
    if (!reserve((void **)&metric->spans, &metric->span_room, metric->n_spans + 1,
                 sizeof(*metric->spans)) ||
        !metric->spans) {
        metric->is_short_of_memory = true;
        return false;
    }
    metric->spans[metric->n_spans++] = (struct span){start, start + size};
    return true;
}

static void add_to_cell(struct cell *cell, size_t n, enum ash_lab_kind kind)
{
    uint16_t bytes = (uint16_t)n;
    if (kind == ASH_LAB_CACHED)
        cell->cached = (uint16_t)(cell->cached + bytes);
    if (kind == ASH_LAB_META)
        cell->meta = (uint16_t)(cell->meta + bytes);
    if (kind == ASH_LAB_BLOCK)
        cell->live = (uint16_t)(cell->live + bytes);
    if (kind == ASH_LAB_BLOCK || kind == ASH_LAB_HEADER || kind == ASH_LAB_META)
        cell->covered = (uint16_t)(cell->covered + bytes);
}

static bool see_run(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct ash_lab_metric *metric = arg;
    if (size == 0)
        return true;
    struct range *range = range_of(metric, start);
    if (!range || size > range->end - start)
        return wrong(metric, "names what is not mapped", start, size);
    if (kind > ASH_LAB_FRESH)
        return wrong(metric, "names a kind that there is not", start, size);
    if (!cover(metric, start, size))
        return false;
    metric->n_blocks += kind == ASH_LAB_BLOCK;
    metric->usable += kind == ASH_LAB_BLOCK ? size : 0;
    if (kind == ASH_LAB_FREE || kind == ASH_LAB_FRESH) {
        metric->free_max = ash_size_max(metric->free_max, size);
        return true;
    }
    struct cell *cell = metric->cells + range->cell + (start - range->start) / ASH_LAB_PAGE;
    while (size > 0) {
        size_t part = ash_size_min(size, ASH_LAB_PAGE - start % ASH_LAB_PAGE);
        add_to_cell(cell++, part, kind);
        start += part;
        size -= part;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    uintptr_t x = ((const struct span *)a)->start, y = ((const struct span *)b)->start;
    return x < y ? -1 : x > y;
}

/* Every mapped byte once: the sorted spans must be the ranges. */
static bool spans_are_ranges(struct ash_lab_metric *metric)
{
    if (metric->n_spans > 0)
        qsort(metric->spans, metric->n_spans, sizeof(*metric->spans), by_start);
    size_t s = 0;
    for (size_t r = 0; r < metric->n_ranges; r++) {
        uintptr_t at = metric->ranges[r].start, end = metric->ranges[r].end;
        while (at < end) {
            if (s == metric->n_spans || metric->spans[s].start > at) {
                uintptr_t to = s < metric->n_spans && metric->spans[s].start < end
                                   ? metric->spans[s].start
                                   : end;
                return wrong(metric, "leaves out", at, to - at);
            }
            if (metric->spans[s].start < at)
                return wrong(metric, "names twice", metric->spans[s].start,
                             at - metric->spans[s].start);
            at = metric->spans[s++].end;
        }
    }
    return s == metric->n_spans || wrong(metric, "names twice", metric->spans[s].start,
                                         metric->spans[s].end - metric->spans[s].start);
}

static bool look_at_runs(struct ash_lab_metric *metric)
{
    const struct ash_lab_blocks *blocks = metric->subject.blocks;
    metric->n_spans = 0;
    metric->n_blocks = metric->usable = metric->free_max = 0;
    metric->why[0] = 0;
    metric->subject.strategy->each(metric->subject.self, see_run, metric);
    if (metric->is_short_of_memory || metric->why[0])
        return false;
    if (!spans_are_ranges(metric))
        return false;
    if (metric->n_blocks != blocks->n_live || metric->usable != blocks->usable_bytes) {
        snprintf(metric->why, sizeof(metric->why),
                 "each (LC7) shows %llu live blocks with %llu usable bytes, but there are %llu "
                 "with %llu",
                 (unsigned long long)metric->n_blocks, (unsigned long long)metric->usable,
                 (unsigned long long)blocks->n_live, (unsigned long long)blocks->usable_bytes);
        return false;
    }
    return true;
}

/* --- the sum --- */

static void add_pages(const struct ash_lab_metric *metric, struct ash_lab_sample *sample)
{
    uint64_t usable = 0;
    for (size_t i = 0; i < metric->n_cells; i++) {
        const struct cell *cell = &metric->cells[i];
        if (!is_resident(cell))
            continue;
        uint64_t rest = ASH_LAB_PAGE - cell->covered;
        bool is_live = cell->covered > cell->meta;
        usable += cell->live;
        sample->headers += (uint64_t)cell->covered - cell->meta - cell->live;
        sample->meta += cell->meta;
        sample->cached += cell->cached;
        *(is_live ? &sample->holes : &sample->kept) += rest;
        size_t tenth = ((size_t)cell->live * 10 + ASH_LAB_PAGE - 1) / ASH_LAB_PAGE;
        sample->n_pages[is_live ? (tenth ? tenth : 1) : 0]++;
    }
    sample->rounding = usable - sample->asked;
}

static void add_blocks(struct ash_lab_metric *metric, struct ash_lab_sample *sample)
{
    const struct ash_lab_blocks *blocks = metric->subject.blocks;
    for (size_t i = 0; i < blocks->n_slots; i++) {
        const struct ash_lab_block *block = &blocks->slots[i];
        if (!block->at)
            continue;
        struct range *range = range_of(metric, (uintptr_t)block->at);
        if (range && block->size <= range->end - (uintptr_t)block->at)
            sample->asked += resident_in(metric, range, (uintptr_t)block->at, block->size);
    }
    sample->untouched = sample->live - sample->asked;
}

static void add_self(const struct ash_lab_metric *metric, struct ash_lab_sample *sample)
{
    unsigned char core[64];
    size_t size = ash_align_up(metric->subject.strategy->state_size, ASH_LAB_PAGE), resident = 0;
    uintptr_t at = ash_align_down((uintptr_t)metric->subject.self, ASH_LAB_PAGE);
    for (size_t done = 0; done < size; done += sizeof(core) * ASH_LAB_PAGE) {
        size_t part = ash_size_min(size - done, sizeof(core) * ASH_LAB_PAGE);
        if (mincore((void *)(at + done), part, core) != 0)
            continue;
        for (size_t i = 0; i < part / ASH_LAB_PAGE; i++)
            resident += core[i] & 1;
    }
    sample->mapped += size;
    sample->resident += resident * ASH_LAB_PAGE;
    sample->meta += resident * ASH_LAB_PAGE;
}

bool ash_lab_metric_take(struct ash_lab_metric *metric, struct ash_lab_sample *ret_sample,
                         char ret_why[ASH_LAB_WHY_MAX])
{
    const struct ash_lab_blocks *blocks = metric->subject.blocks;
    struct ash_lab_sample sample = {.entry = ret_sample->entry,
                                    .ns = ret_sample->ns,
                                    .allocated_bytes = ret_sample->allocated_bytes,
                                    .live = blocks->live_bytes,
                                    .oracle = blocks->oracle_bytes,
                                    .n_live = blocks->n_live};
    size_t resident = 0;
    if (!look_at_pages(metric, &resident) || !look_at_runs(metric)) {
        snprintf(ret_why, ASH_LAB_WHY_MAX, "%s",
                 metric->why[0] ? metric->why : "no memory for the accounting");
        return false;
    }
    sample.mapped = metric->n_cells * ASH_LAB_PAGE;
    sample.resident = resident * ASH_LAB_PAGE;
    sample.free_max = metric->free_max;
    add_blocks(metric, &sample);
    add_pages(metric, &sample);
    if (!metric->subject.is_self_aside)
        add_self(metric, &sample);
    uint64_t sum =
        sample.asked + sample.rounding + sample.headers + sample.holes + sample.kept + sample.meta;
    if (sum != sample.resident || sample.rounding > sample.resident) { /* LA1 */
        snprintf(ret_why, ASH_LAB_WHY_MAX, "the accounting does not add up: %llu of %llu bytes",
                 (unsigned long long)sum, (unsigned long long)sample.resident);
        return false;
    }
    *ret_sample = sample;
    return true;
}
