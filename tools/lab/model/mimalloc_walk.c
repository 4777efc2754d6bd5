/* mimalloc_walk.c: what lies where in all segments, and whether it is right; see mimalloc.h. */
#include "lab/model/mimalloc.h"

/* Where the program's pointer into this block is; 0: it is not live. */
static uintptr_t live_in(const struct ash_mi *mi, const struct ash_mi_page *page, uintptr_t block)
{
    if (ash_marks_get(&mi->marks, block) == ASH_MARK_LIVE)
        return block;
    if (!page->has_aligned || ash_marks_get(&mi->marks, block) == ASH_MARK_CACHED)
        return 0;
    for (uintptr_t at = block + 16; at < block + page->block_size; at += 16)
        if (ash_marks_get(&mi->marks, at) == ASH_MARK_LIVE)
            return at;
    return 0;
}

static bool show_block(const struct ash_mi *mi, const struct ash_mi_page *page, uintptr_t block,
                       ash_lab_visit *visit, void *arg)
{
    uintptr_t at = live_in(mi, page, block), end = block + page->block_size;
    if (!at)
        return visit(arg, block, page->block_size, ash_marks_kind(&mi->marks, block));
    return (at == block || visit(arg, block, at - block, ASH_LAB_HEADER)) &&
           visit(arg, at, end - at, ASH_LAB_BLOCK);
}

static bool show_page(const struct ash_mi *mi, const struct ash_mi_page *page, ash_lab_visit *visit,
                      void *arg)
{
    size_t bytes;
    uintptr_t start = ash_mi_page_start(page, &bytes);
    size_t front = page->slice_count * ASH_MI_SLICE - bytes;
    if (front && !visit(arg, start - front, front, ASH_LAB_FREE))
        return false;
    for (uint32_t i = 0; i < page->capacity; i++)
        if (!show_block(mi, page, start + i * page->block_size, visit, arg))
            return false;
    size_t carved = page->capacity * page->block_size;
    return carved == bytes || visit(arg, start + carved, bytes - carved, ASH_LAB_FRESH);
}

static bool show_segment(const struct ash_mi *mi, const struct ash_mi_segment *segment,
                         ash_lab_visit *visit, void *arg)
{
    uintptr_t start = (uintptr_t)segment;
    if (!visit(arg, start, sizeof *segment, ASH_LAB_META) ||
        !visit(arg, start + sizeof *segment, ASH_MI_SLICE - sizeof *segment, ASH_LAB_FRESH))
        return false;
    const struct ash_mi_page *slice = segment->slices + 1;
    for (; slice < segment->slices + segment->n_entries; slice += slice->slice_count) {
        uintptr_t at = start + (size_t)(slice - segment->slices) * ASH_MI_SLICE;
        bool goes_on = slice->block_size
                           ? show_page(mi, slice, visit, arg)
                           : visit(arg, at, slice->slice_count * ASH_MI_SLICE, ASH_LAB_FREE);
        if (!goes_on)
            return false;
    }
    return true;
}

void ash_mi_each(void *self, ash_lab_visit *visit, void *arg)
{
    struct ash_mi *mi = self;
    for (struct ash_mi_segment *segment = mi->segments; segment; segment = segment->next)
        if (!show_segment(mi, segment, visit, arg))
            return;
    for (unsigned i = 0; i < ASH_MI_CACHE_MAX; i++)
        if (mi->cache[i].start && !visit(arg, mi->cache[i].start, ASH_MI_SEGMENT, ASH_LAB_FREE))
            return;
    for (struct ash_mi_heap *heap = mi->heaps; heap; heap = heap->next)
        if (!visit(arg, (uintptr_t)heap, 4096, ASH_LAB_META))
            return;
}

/* --- check --- */

static size_t length_of(uintptr_t block)
{
    size_t n = 0;
    for (; block; block = *ash_mi_next(block))
        n++;
    return n;
}

/* MI3 */
static bool check_page(const struct ash_mi *mi, const struct ash_mi_page *page)
{
    size_t bytes, n_live = 0, n_pending = 0;
    uintptr_t start = ash_mi_page_start(page, &bytes);
    for (uint32_t i = 0; i < page->capacity; i++) {
        uintptr_t block = start + i * page->block_size;
        n_live += live_in(mi, page, block) != 0;
        n_pending += ash_marks_get(&mi->marks, block) == ASH_MARK_CACHED;
    }
    return n_live + n_pending == page->used && length_of(page->remote) <= n_pending &&
           length_of(page->free) + length_of(page->local) == page->capacity - page->used &&
           page->capacity <= page->reserved && page->reserved * page->block_size <= bytes;
}

static bool check_segment(const struct ash_mi *mi, const struct ash_mi_segment *segment)
{
    const struct ash_mi_page *end = segment->slices + segment->n_entries;
    size_t n_used = 0, n_abandoned = 0;
    bool before_is_free = false;
    const struct ash_mi_page *slice = segment->slices + 1;
    for (; slice < end; slice += slice->slice_count) {
        if (slice->slice_count == 0 || slice->slice_offset != 0) /* MI1 */
            return false;
        bool is_free = slice->block_size == 0;
        if (is_free && before_is_free) /* MI2 */
            return false;
        before_is_free = is_free;
        if (is_free)
            continue;
        n_used++;
        n_abandoned += slice->heap == NULL;
        if (!check_page(mi, slice))
            return false;
    }
    return n_used == segment->n_used && n_abandoned == segment->n_abandoned &&
           (slice == end || segment->is_huge);
}

static bool check_queue(const struct ash_mi_queue *queue, unsigned bin)
{
    const struct ash_mi_page *before = NULL;
    for (const struct ash_mi_page *page = queue->first; page; page = page->next) {
        if (page->prev != before || page->block_size == 0)
            return false;
        if (bin != ASH_MI_BIN_FULL && (page->is_full || ash_mi_bin_of(page->block_size) != bin))
            return false; /* MI4 */
        before = page;
    }
    return queue->last == before;
}

bool ash_mi_check(void *self)
{
    struct ash_mi *mi = self;
    for (struct ash_mi_segment *segment = mi->segments; segment; segment = segment->next)
        if (!check_segment(mi, segment))
            return false;
    for (struct ash_mi_heap *heap = mi->heaps; heap; heap = heap->next)
        for (unsigned bin = 0; bin <= ASH_MI_BIN_FULL; bin++)
            if (!check_queue(&heap->pages[bin], bin))
                return false;
    return true;
}
