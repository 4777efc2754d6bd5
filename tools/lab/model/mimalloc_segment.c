/* mimalloc_segment.c: segments, spans of slices, purge, abandoned segments; see mimalloc.h. */
#include "lab/model/mimalloc.h"
#include "base/check.h"
#include <string.h>

#define OS_PAGE ((size_t)4096)
#define MEDIUM_PAGE (8 * ASH_MI_SLICE)
#define COMMIT_SLICES 16 /* least that the original commits: 1 MiB */
#define EXTEND_MS 1
#define N_PROBES 16
#define N_PURGES 4

static_assert(sizeof(struct ash_mi_segment) <= ASH_MI_SLICE, "the table has one slice");

struct ash_mi_segment *ash_mi_segment_of(uintptr_t at)
{
    return (struct ash_mi_segment *)ash_align_down(at - 1, ASH_MI_SEGMENT);
}

static size_t index_of(const struct ash_mi_page *page)
{
    return (size_t)(page - ash_mi_segment_of((uintptr_t)page)->slices);
}

struct ash_mi_page *ash_mi_page_of(uintptr_t at)
{
    struct ash_mi_segment *segment = ash_mi_segment_of(at);
    size_t i = ash_size_min((at - (uintptr_t)segment) / ASH_MI_SLICE, segment->n_entries - 1);
    struct ash_mi_page *slice = &segment->slices[segment->is_huge ? 1 : i];
    return slice - slice->slice_offset;
}

uintptr_t ash_mi_page_start(const struct ash_mi_page *page, size_t *ret_bytes)
{
    size_t front = page->block_size <= 1024 ? 3 * 128 : 0; /* against equal cache sets */
    *ret_bytes = page->slice_count * ASH_MI_SLICE - front;
    return (uintptr_t)ash_mi_segment_of((uintptr_t)page) + index_of(page) * ASH_MI_SLICE + front;
}

static uint64_t now_ms(struct ash_mi *mi)
{
    return ash_lab_now(mi->memory) / 1000000 + 1; /* never 0, which means no time */
}

/* --- queues --- */

void ash_mi_queue_push(struct ash_mi_queue *queue, struct ash_mi_page *page)
{
    page->prev = NULL;
    page->next = queue->first;
    *(queue->first ? &queue->first->prev : &queue->last) = page;
    queue->first = page;
}

void ash_mi_queue_append(struct ash_mi_queue *queue, struct ash_mi_page *page)
{
    page->next = NULL;
    page->prev = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = page;
    queue->last = page;
}

void ash_mi_queue_remove(struct ash_mi_queue *queue, struct ash_mi_page *page)
{
    *(page->prev ? &page->prev->next : &queue->first) = page->next;
    *(page->next ? &page->next->prev : &queue->last) = page->prev;
    page->next = page->prev = NULL;
}

static struct ash_mi_queue *span_queue(struct ash_mi_heap *heap, size_t count)
{
    if (count <= 1)
        return &heap->spans[count];
    size_t n = count - 1, log2 = 63 - (size_t)__builtin_clzll(n);
    return &heap->spans[log2 <= 2 ? n + 1 : (log2 << 2 | (n >> (log2 - 2) & 3)) - 4];
}

/* --- purge --- */

static void purge(struct ash_mi *mi, struct ash_mi_segment *segment)
{
    segment->expire_ms = 0;
    for (size_t i = 0; i < ASH_MI_SLICES;) {
        size_t n = 0;
        while (i + n < ASH_MI_SLICES && (segment->purge_mask[(i + n) / 64] >> (i + n) % 64 & 1))
            n++;
        if (n)
            ash_lab_purge(mi->memory, (char *)segment + i * ASH_MI_SLICE, n * ASH_MI_SLICE);
        i += n + 1;
    }
    memset(segment->purge_mask, 0, sizeof segment->purge_mask);
}

static void mark(struct ash_mi_segment *segment, size_t first, size_t n, bool purges)
{
    for (size_t i = first; i < first + n; i++) {
        uint64_t bit = (uint64_t)1 << i % 64;
        uint64_t *word = &segment->purge_mask[i / 64];
        *word = purges ? *word | bit : *word & ~bit;
    }
}

/* A span is free: it is purged later, and later still when others follow. */
static void schedule(struct ash_mi *mi, struct ash_mi_segment *segment, size_t first, size_t n)
{
    uint64_t now = now_ms(mi);
    mark(segment, first, n, true);
    if (mi->purge_delay_ms == 0)
        purge(mi, segment);
    else if (segment->expire_ms == 0)
        segment->expire_ms = now + mi->purge_delay_ms;
    else if (segment->expire_ms > now)
        segment->expire_ms += EXTEND_MS;
    else if (segment->expire_ms + EXTEND_MS <= now)
        purge(mi, segment);
    else
        segment->expire_ms = now + EXTEND_MS;
}

static void purge_if_due(struct ash_mi *mi, struct ash_mi_segment *segment)
{
    if (segment->expire_ms && segment->expire_ms <= now_ms(mi))
        purge(mi, segment);
}

static bool has_marks(const struct ash_mi_segment *segment, size_t first, size_t end)
{
    uint64_t any = 0;
    for (size_t i = first; i < end; i++)
        any |= segment->purge_mask[i / 64] >> i % 64 & 1;
    return any != 0;
}

/* --- spans --- */

static void free_span(struct ash_mi_segment *segment, size_t first, size_t n)
{
    struct ash_mi_page *slice = &segment->slices[first], *last = slice + n - 1;
    memset(slice, 0, sizeof *slice);
    slice->slice_count = (uint32_t)n;
    if (n > 1) {
        last->slice_count = 0;
        last->block_size = 0;
        last->slice_offset = (uint32_t)(n - 1); /* MI1 */
    }
    if (segment->heap)
        ash_mi_queue_push(span_queue(segment->heap, n), slice);
}

static void take_span(struct ash_mi_page *slice)
{
    struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)slice);
    if (segment->heap)
        ash_mi_queue_remove(span_queue(segment->heap, slice->slice_count), slice);
}

/* Makes a page or span free, joined with its neighbours (MI2). Returns the span. */
static struct ash_mi_page *join(struct ash_mi *mi, struct ash_mi_page *slice, bool purges)
{
    struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)slice);
    size_t n = slice->slice_count;
    struct ash_mi_page *next = slice + n;
    if (next < &segment->slices[segment->n_entries] && next->block_size == 0) {
        n += next->slice_count;
        take_span(next);
    }
    struct ash_mi_page *prev = slice - 1 - (slice - 1)->slice_offset;
    if (prev->block_size == 0) {
        n += prev->slice_count;
        take_span(prev);
        slice = prev;
    }
    free_span(segment, index_of(slice), n);
    if (purges)
        schedule(mi, segment, index_of(slice), n);
    return slice;
}

/* Makes slices that are in no queue a page. */
static struct ash_mi_page *use_span(struct ash_mi *mi, struct ash_mi_segment *segment, size_t first,
                                    size_t n)
{
    struct ash_mi_page *page = &segment->slices[first];
    size_t low = ash_size_max(ash_align_down(first, COMMIT_SLICES), 1);
    size_t high = ash_size_min(ash_align_up(first + n, COMMIT_SLICES), segment->n_entries);
    if (!segment->is_huge && has_marks(segment, low, high)) {
        mark(segment, low, high - low, false);
        segment->expire_ms = now_ms(mi) + mi->purge_delay_ms;
    }
    memset(page, 0, sizeof *page);
    page->slice_count = (uint32_t)n;
    page->block_size = n * ASH_MI_SLICE;
    size_t entries = ash_size_min(n, segment->n_entries - first);
    for (size_t i = 1; i < entries; i++) {
        page[i].slice_count = 0;
        page[i].block_size = 1;
        page[i].slice_offset = (uint32_t)i; /* MI1 */
    }
    segment->n_used++;
    return page;
}

static struct ash_mi_page *find_span(struct ash_mi *mi, struct ash_mi_heap *heap, size_t n)
{
    for (struct ash_mi_queue *queue = span_queue(heap, n); queue < &heap->spans[ASH_MI_SPAN_BINS];
         queue++)
        for (struct ash_mi_page *slice = queue->first; slice; slice = slice->next) {
            ash_lab_step(mi->memory, 1);
            if (slice->slice_count < n)
                continue;
            struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)slice);
            size_t first = index_of(slice), all = slice->slice_count;
            ash_mi_queue_remove(queue, slice);
            if (all > n)
                free_span(segment, first + n, all - n);
            return use_span(mi, segment, first, n);
        }
    return NULL;
}

/* --- segments --- */

static struct ash_mi_segment *begin(struct ash_mi *mi, struct ash_mi_heap *heap, uintptr_t start,
                                    size_t bytes)
{
    struct ash_mi_segment *segment = (struct ash_mi_segment *)start;
    memset(segment, 0, sizeof *segment);
    segment->heap = heap;
    segment->bytes = bytes;
    segment->n_slices = (uint32_t)(bytes / ASH_MI_SLICE);
    segment->n_entries = (uint32_t)ash_size_min(segment->n_slices, ASH_MI_SLICES);
    segment->next = mi->segments;
    if (mi->segments)
        mi->segments->prev = segment;
    mi->segments = segment;
    use_span(mi, segment, 0, 1);
    segment->n_used = 0; /* the table does not count */
    return segment;
}

static uintptr_t pop_cached(struct ash_mi *mi)
{
    for (unsigned i = 0; i < ASH_MI_CACHE_MAX; i++)
        if (mi->cache[i].start) {
            uintptr_t start = mi->cache[i].start;
            mi->cache[i].start = 0;
            return start;
        }
    return 0;
}

/* The original begins at a random slot; here the time decides (LC10). */
static void purge_cache(struct ash_mi *mi)
{
    uint64_t now = now_ms(mi);
    size_t slot = now * 0x9e3779b97f4a7c15u >> 54;
    for (unsigned i = 0, n = 0; i < N_PROBES && n < N_PURGES; i++) {
        struct ash_mi_cached *cached = &mi->cache[(slot + i) % ASH_MI_CACHE_MAX];
        if (!cached->start || !cached->expire_ms || cached->expire_ms > now)
            continue;
        ash_lab_purge(mi->memory, (void *)cached->start, ASH_MI_SEGMENT);
        cached->expire_ms = 0;
        n++;
    }
}

static bool push_cached(struct ash_mi *mi, uintptr_t start)
{
    purge_cache(mi);
    for (unsigned i = 0; i < ASH_MI_CACHE_MAX; i++)
        if (!mi->cache[i].start) {
            mi->cache[i].start = start;
            mi->cache[i].expire_ms = now_ms(mi) + mi->segment_delay_ms;
            if (mi->segment_delay_ms == 0)
                ash_lab_purge(mi->memory, (void *)start, ASH_MI_SEGMENT);
            return true;
        }
    return false;
}

static struct ash_mi_segment *new_segment(struct ash_mi *mi, struct ash_mi_heap *heap)
{
    uintptr_t start = pop_cached(mi);
    if (!start)
        start = (uintptr_t)ash_lab_map(mi->memory, ASH_MI_SEGMENT, ASH_MI_SEGMENT);
    if (!start)
        return NULL;
    struct ash_mi_segment *segment = begin(mi, heap, start, ASH_MI_SEGMENT);
    free_span(segment, 1, ASH_MI_SLICES - 1);
    return segment;
}

static void delete_segment(struct ash_mi *mi, struct ash_mi_segment *segment)
{
    struct ash_mi_page *end = &segment->slices[segment->n_entries];
    for (struct ash_mi_page *slice = segment->slices; slice < end && !segment->is_huge;
         slice += slice->slice_count)
        if (slice->block_size == 0)
            take_span(slice);
    *(segment->prev ? &segment->prev->next : &mi->segments) = segment->next;
    if (segment->next)
        segment->next->prev = segment->prev;
    if (segment->is_huge || !push_cached(mi, (uintptr_t)segment))
        ash_lab_unmap(mi->memory, segment, segment->bytes);
}

/* --- abandoned segments --- */

static void abandon(struct ash_mi *mi, struct ash_mi_segment *segment)
{
    struct ash_mi_page *end = &segment->slices[segment->n_entries];
    for (struct ash_mi_page *slice = segment->slices; slice < end && !segment->is_huge;
         slice += slice->slice_count)
        if (slice->block_size == 0)
            take_span(slice);
    purge_if_due(mi, segment);
    segment->heap = NULL;
    segment->n_visits = 1;
    segment->abandoned_next = mi->abandoned;
    mi->abandoned = segment;
}

void ash_mi_page_abandon(struct ash_mi *mi, struct ash_mi_page *page)
{
    struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)page);
    page->heap = NULL;
    if (++segment->n_abandoned == segment->n_used)
        abandon(mi, segment);
}

static struct ash_mi_page *clear_page(struct ash_mi *mi, struct ash_mi_page *page)
{
    struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)page);
    segment->n_used--;
    if (segment->is_huge) {
        page->block_size = 0;
        return page;
    }
    return join(mi, page, true);
}

void ash_mi_page_delete(struct ash_mi *mi, struct ash_mi_page *page)
{
    struct ash_mi_segment *segment = ash_mi_segment_of((uintptr_t)page);
    clear_page(mi, page);
    if (segment->n_used == 0)
        delete_segment(mi, segment);
    else if (segment->n_used == segment->n_abandoned)
        abandon(mi, segment);
}

static bool has_available(const struct ash_mi_page *page)
{
    return page->used < page->reserved;
}

/* Frees what its pages no longer need; whether there is a page or room for what is wanted. */
static bool look_through(struct ash_mi *mi, struct ash_mi_segment *segment, size_t n, size_t size)
{
    bool found = false;
    struct ash_mi_page *slice = segment->slices + 1, *end = segment->slices + segment->n_entries;
    while (slice < end) {
        if (slice->block_size == 0) {
            found |= slice->slice_count >= n && !segment->is_huge;
        } else {
            ash_mi_collect(slice, false, &mi->marks);
            if (slice->used == 0) {
                segment->n_abandoned--;
                slice = clear_page(mi, slice);
                found |= slice->slice_count >= n && !segment->is_huge;
            } else {
                found |= slice->block_size == size && has_available(slice);
            }
        }
        slice += slice->slice_count;
    }
    return found;
}

/* The segment becomes the heap's. NULL: it was empty, and is gone. */
static struct ash_mi_segment *reclaim(struct ash_mi *mi, struct ash_mi_segment *segment,
                                      struct ash_mi_heap *heap, size_t size, bool *ret_reclaimed)
{
    struct ash_mi_page *slice = segment->slices + 1, *end = segment->slices + segment->n_entries;
    segment->heap = heap;
    segment->n_visits = 0;
    /* All spans first: pages that are cleared below join with queued ones only. */
    for (struct ash_mi_page *x = slice; x < end && !segment->is_huge; x += x->slice_count)
        if (x->block_size == 0)
            ash_mi_queue_push(span_queue(heap, x->slice_count), x);
    for (; slice < end; slice += slice->slice_count) {
        if (slice->block_size == 0)
            continue;
        segment->n_abandoned--;
        slice->heap = heap;
        slice->delay = ASH_MI_USE_DELAYED;
        ash_mi_collect(slice, false, &mi->marks);
        if (slice->used == 0) {
            slice = clear_page(mi, slice);
            continue;
        }
        slice->is_full = false;
        ash_mi_queue_push(&heap->pages[ash_mi_bin_of(slice->block_size)], slice);
        *ret_reclaimed |= slice->block_size == size && has_available(slice);
    }
    if (segment->n_used > 0)
        return segment;
    delete_segment(mi, segment);
    return NULL;
}

static struct ash_mi_segment *pop_abandoned(struct ash_mi *mi)
{
    if (!mi->abandoned) {
        mi->abandoned = mi->visited;
        mi->visited = NULL;
    }
    struct ash_mi_segment *segment = mi->abandoned;
    if (segment)
        mi->abandoned = segment->abandoned_next;
    return segment;
}

static struct ash_mi_segment *try_reclaim(struct ash_mi *mi, struct ash_mi_heap *heap, size_t n,
                                          size_t size, bool *ret_reclaimed)
{
    struct ash_mi_segment *segment;
    for (size_t i = 0; i < mi->reclaim_max && (segment = pop_abandoned(mi)) != NULL; i++) {
        bool ignored = false;
        segment->n_visits++;
        bool has_page = look_through(mi, segment, n, size);
        if (segment->n_used == 0) {
            reclaim(mi, segment, heap, 0, &ignored);
        } else if (has_page) {
            return reclaim(mi, segment, heap, size, ret_reclaimed);
        } else if (segment->n_visits > 3) {
            reclaim(mi, segment, heap, 0, &ignored);
        } else {
            purge_if_due(mi, segment);
            segment->abandoned_next = mi->visited;
            mi->visited = segment;
        }
    }
    return NULL;
}

/* --- pages --- */

struct ash_mi_page *ash_mi_page_new(struct ash_mi *mi, struct ash_mi_heap *heap, size_t block_size,
                                    bool *ret_reclaimed)
{
    size_t bytes = block_size <= ASH_MI_SMALL_MAX    ? ASH_MI_SLICE
                   : block_size <= ASH_MI_MEDIUM_MAX ? MEDIUM_PAGE
                                                     : block_size;
    bytes = ash_align_up(bytes, bytes > MEDIUM_PAGE ? MEDIUM_PAGE : ASH_MI_SLICE);
    size_t n = bytes / ASH_MI_SLICE;
    *ret_reclaimed = false;
    for (;;) {
        struct ash_mi_page *page = find_span(mi, heap, n);
        if (page) {
            page->heap = heap;
            page->block_size = block_size;
            purge_if_due(mi, ash_mi_segment_of((uintptr_t)page));
            return page;
        }
        struct ash_mi_segment *segment = try_reclaim(mi, heap, n, block_size, ret_reclaimed);
        if (*ret_reclaimed || (!segment && !new_segment(mi, heap)))
            return NULL;
    }
}

struct ash_mi_page *ash_mi_huge_new(struct ash_mi *mi, struct ash_mi_heap *heap, size_t block_size,
                                    size_t align)
{
    /* An alignment above half a segment needs the table one segment below the block. */
    size_t front = align > ASH_MI_SEGMENT / 2 ? ash_size_max(align, ASH_MI_SEGMENT) : 0;
    size_t bytes = ash_align_up(block_size + ASH_MI_SLICE, ASH_MI_SLICE);
    char *p = ash_lab_map(mi->memory, front + bytes, ash_size_max(front, ASH_MI_SEGMENT));
    if (!p)
        return NULL;
    size_t unused = front ? front - ASH_MI_SEGMENT : 0;
    if (unused)
        ash_lab_unmap(mi->memory, p, unused);
    struct ash_mi_segment *segment = begin(mi, heap, (uintptr_t)p + unused, front + bytes - unused);
    segment->is_huge = true;
    struct ash_mi_page *page = use_span(mi, segment, 1, segment->n_slices - 1);
    page->heap = heap;
    return page;
}
