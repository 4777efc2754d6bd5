/* mimalloc.c: a model of mimalloc 2.0.9 (Leijen, Zorn, de Moura, APLAS 2019).
 *
 * Faithful: block sizes; pages of 64 KiB, 512 KiB and of single blocks in segments of 32 MiB owned
 * by threads; the three lists of a page; lazy linking, 4 KiB at a time; full pages, and the delayed
 * list that tells their owner; retired pages; spans of slices; purge of free spans after 25 ms, put
 * off by 1 ms at each further one; the cache of segments, purged after 500 ms; abandoned segments
 * and their reclaiming, 8 per try; alignment inside a larger block. One thread gets sizes and
 * addresses that are the real library's, relative to each other: the test compares.
 * Left out: arenas and huge OS pages, secure and debug modes, commit on demand (all is committed),
 * NUMA, heaps of the program. A heap's record is mapped, also that of the first thread.
 * Different: where the search in the cache of segments begins is drawn from the time.
 * Parameters: purge_delay=25, segment_delay=500 (ms), reclaim=8.
 *
 * Invariants: model/mimalloc.h.
 */
#include "base/check.h"
#include "lab/model/mimalloc.h"
#include "lab/store.h"
#include <string.h>

#define EXTEND_BYTES ((size_t)4096)
#define EXTEND_LEAST 4
#define RETIRE_CYCLES 8
#define DIRECT_MAX ((size_t)1024)
#define GUARANTEE ((size_t)128) /* block sizes up to here are aligned as far as they can be */
#define HEAP_BYTES ((size_t)4096)
#define SIZE_MOST ((size_t)1 << 46)

static_assert(sizeof(struct ash_mi_heap) <= HEAP_BYTES, "a heap has one OS page");

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct ash_mi *mi = self;
    mi->memory = memory;
    mi->purge_delay_ms = ash_store_number(memory, "purge_delay", 25);
    mi->segment_delay_ms = ash_store_number(memory, "segment_delay", 500);
    mi->reclaim_max = ash_store_number(memory, "reclaim", 8);
    return ash_marks_open(&mi->marks, memory);
}

/* --- sizes --- */

unsigned ash_mi_bin_of(size_t size)
{
    size_t words = (size + 7) / 8;
    if (words <= 8)
        return (unsigned)ash_size_max((words + 1) & ~(size_t)1, 2);
    if (size > ASH_MI_MEDIUM_MAX)
        return ASH_MI_BIN_HUGE;
    words--;
    unsigned log2 = 63 - (unsigned)__builtin_clzll(words);
    return (log2 << 2) + (unsigned)(words >> (log2 - 2) & 3) - 3;
}

size_t ash_mi_bin_size(unsigned bin)
{
    if (bin <= 8)
        return bin * 8;
    size_t quarter = (bin + 3) & 3, log2 = (bin + 3) >> 2;
    return ((4 + quarter + 1) << (log2 - 2)) * 8;
}

/* What the original asks of the system for a large size. */
static size_t good_size(size_t size)
{
    size_t align = size < ((size_t)512 << 10)  ? (size_t)4 << 10
                   : size < ((size_t)2 << 20)  ? (size_t)64 << 10
                   : size < ((size_t)8 << 20)  ? (size_t)256 << 10
                   : size < ((size_t)32 << 20) ? (size_t)1 << 20
                                               : (size_t)4 << 20;
    return ash_align_up(size, align);
}

/* --- heaps --- */

static struct ash_mi_heap *heap_of(struct ash_mi *mi)
{
    void **slot = ash_lab_slot(mi->memory);
    struct ash_mi_heap *heap = *slot;
    if (heap)
        return heap;
    heap = mi->unused;
    if (heap) {
        mi->unused = heap->unused;
        heap->unused = NULL;
    } else {
        heap = ash_lab_map(mi->memory, HEAP_BYTES, 0);
        if (!heap)
            return NULL;
        heap->next = mi->heaps;
        mi->heaps = heap;
    }
    heap->retired_min = ASH_MI_BIN_FULL;
    heap->retired_max = 0;
    *slot = heap;
    return heap;
}

static struct ash_mi_queue *queue_of(struct ash_mi_page *page)
{
    unsigned bin = page->is_full ? ASH_MI_BIN_FULL : ash_mi_bin_of(page->block_size);
    return &page->heap->pages[bin];
}

/* --- pages --- */

/* Takes in what other threads have freed, and own frees when `free` is empty, or all. */
void ash_mi_collect(struct ash_mi_page *page, bool all, struct ash_marks *marks)
{
    while (page->remote) {
        uintptr_t block = page->remote;
        page->remote = *ash_mi_next(block);
        *ash_mi_next(block) = page->local;
        page->local = block;
        page->used--;
        ash_marks_set(marks, block, ASH_MARK_NONE);
    }
    if (page->local && page->free && all) {
        uintptr_t last = page->local;
        while (*ash_mi_next(last))
            last = *ash_mi_next(last);
        *ash_mi_next(last) = page->free;
        page->free = 0;
    }
    if (page->local && !page->free) {
        page->free = page->local;
        page->local = 0;
    }
}

static void extend(struct ash_mi_page *page)
{
    size_t bytes, size = page->block_size;
    uintptr_t start = ash_mi_page_start(page, &bytes) + page->capacity * size;
    size_t most = ash_size_max(EXTEND_BYTES / size, EXTEND_LEAST);
    size_t n = ash_size_min(page->reserved - page->capacity, most);
    for (size_t i = 0; i + 1 < n; i++)
        *ash_mi_next(start + i * size) = start + (i + 1) * size;
    *ash_mi_next(start + (n - 1) * size) = 0;
    page->free = start;
    page->capacity += (uint32_t)n;
}

static struct ash_mi_page *fresh_page(struct ash_mi *mi, struct ash_mi_heap *heap, size_t size,
                                      bool *ret_reclaimed)
{
    struct ash_mi_page *page = ash_mi_page_new(mi, heap, size, ret_reclaimed);
    if (!page)
        return NULL;
    size_t bytes;
    ash_mi_page_start(page, &bytes);
    if (size > ASH_MI_MEDIUM_MAX) /* a block has all of its page */
        page->block_size = size = bytes;
    page->reserved = (uint32_t)(bytes / size);
    extend(page);
    ash_mi_queue_push(queue_of(page), page);
    return page;
}

static void delete_page(struct ash_mi *mi, struct ash_mi_page *page)
{
    ash_mi_queue_remove(queue_of(page), page);
    ash_mi_page_delete(mi, page);
}

/* An empty page that is alone in its queue stays for a while. */
static void retire(struct ash_mi *mi, struct ash_mi_page *page)
{
    struct ash_mi_heap *heap = page->heap;
    struct ash_mi_queue *queue = queue_of(page);
    unsigned bin = (unsigned)(queue - heap->pages);
    page->has_aligned = false;
    if (bin >= ASH_MI_BIN_HUGE || queue->first != page || queue->last != page) {
        delete_page(mi, page);
        return;
    }
    int cycles = page->block_size <= ASH_MI_SMALL_MAX ? RETIRE_CYCLES : RETIRE_CYCLES / 4;
    page->retire = (uint8_t)(1 + cycles);
    heap->retired_min = bin < heap->retired_min ? bin : heap->retired_min;
    heap->retired_max = bin > heap->retired_max ? bin : heap->retired_max;
}

static void collect_retired(struct ash_mi *mi, struct ash_mi_heap *heap, bool all)
{
    unsigned min = ASH_MI_BIN_FULL, max = 0;
    for (unsigned bin = heap->retired_min; bin <= heap->retired_max; bin++) {
        struct ash_mi_page *page = heap->pages[bin].first;
        if (!page || !page->retire)
            continue;
        if (page->used > 0) {
            page->retire = 0;
        } else if (--page->retire == 0 || all) {
            delete_page(mi, page);
        } else {
            min = bin < min ? bin : min;
            max = bin > max ? bin : max;
        }
    }
    heap->retired_min = min;
    heap->retired_max = max;
}

/* --- frees --- */

static void free_local(struct ash_mi *mi, struct ash_mi_page *page, uintptr_t block)
{
    *ash_mi_next(block) = page->local;
    page->local = block;
    if (--page->used == 0) {
        retire(mi, page);
    } else if (page->is_full) {
        ash_mi_queue_remove(queue_of(page), page);
        page->is_full = false;
        ash_mi_queue_append(queue_of(page), page);
    }
}

static void free_delayed(struct ash_mi *mi, struct ash_mi_heap *heap)
{
    uintptr_t block = heap->delayed;
    heap->delayed = 0;
    while (block) {
        uintptr_t next = *ash_mi_next(block);
        struct ash_mi_page *page = ash_mi_page_of(block + 1);
        if (page->delay != ASH_MI_NEVER_DELAYED)
            page->delay = ASH_MI_USE_DELAYED;
        ash_mi_collect(page, false, &mi->marks);
        ash_marks_set(&mi->marks, block, ASH_MARK_NONE);
        free_local(mi, page, block);
        block = next;
    }
}

static void free_remote(struct ash_mi *mi, struct ash_mi_page *page, uintptr_t block)
{
    size_t bytes;
    ash_marks_set(&mi->marks, block, ASH_MARK_CACHED);
    if (ash_mi_segment_of((uintptr_t)page)->is_huge) {
        uintptr_t start = ash_mi_page_start(page, &bytes);
        ash_lab_purge(mi->memory, (void *)start, bytes);
    }
    if (page->delay == ASH_MI_USE_DELAYED) {
        *ash_mi_next(block) = page->heap->delayed;
        page->heap->delayed = block;
        page->delay = ASH_MI_NO_DELAYED;
        return;
    }
    *ash_mi_next(block) = page->remote;
    page->remote = block;
}

static uintptr_t block_of(const struct ash_mi_page *page, uintptr_t at)
{
    if (!page->has_aligned)
        return at;
    size_t bytes;
    uintptr_t start = ash_mi_page_start(page, &bytes);
    return start + (at - start) / page->block_size * page->block_size;
}

static void free_block(void *self, void *p)
{
    struct ash_mi *mi = self;
    uintptr_t at = (uintptr_t)p;
    struct ash_mi_page *page = ash_mi_page_of(at);
    struct ash_mi_heap *owner = ash_mi_segment_of(at)->heap;
    uintptr_t block = block_of(page, at);
    ash_marks_set(&mi->marks, at, ASH_MARK_NONE);
    if (owner && owner == *ash_lab_slot(mi->memory))
        free_local(mi, page, block);
    else
        free_remote(mi, page, block);
}

/* --- allocation --- */

static void *take(struct ash_mi *mi, struct ash_mi_page *page)
{
    uintptr_t block = page->free;
    page->free = *ash_mi_next(block);
    page->used++;
    ash_marks_set(&mi->marks, block, ASH_MARK_LIVE);
    return (void *)block;
}

static struct ash_mi_page *search(struct ash_mi *mi, struct ash_mi_heap *heap, size_t size)
{
    unsigned bin = ash_mi_bin_of(size);
    bool reclaimed = true;
    for (unsigned tries = 0; tries < 2 && reclaimed; tries++) {
        for (struct ash_mi_page *page = heap->pages[bin].first, *next; page; page = next) {
            next = page->next;
            ash_lab_step(mi->memory, 1);
            ash_mi_collect(page, false, &mi->marks);
            if (!page->free && page->capacity < page->reserved)
                extend(page);
            if (page->free) {
                page->retire = 0;
                return page;
            }
            ash_mi_queue_remove(&heap->pages[bin], page);
            page->is_full = true;
            ash_mi_queue_append(&heap->pages[ASH_MI_BIN_FULL], page);
        }
        collect_retired(mi, heap, false);
        struct ash_mi_page *page = fresh_page(mi, heap, ash_mi_bin_size(bin), &reclaimed);
        if (page)
            return page;
    }
    return NULL;
}

static struct ash_mi_page *large_page(struct ash_mi *mi, struct ash_mi_heap *heap, size_t size,
                                      size_t align)
{
    bool reclaimed;
    size = good_size(size);
    if (size <= ASH_MI_LARGE_MAX && !align)
        return fresh_page(mi, heap, size, &reclaimed);
    struct ash_mi_page *page = ash_mi_huge_new(mi, heap, size, align);
    if (!page)
        return NULL;
    page->reserved = 1;
    extend(page);
    ash_mi_queue_push(&heap->pages[ASH_MI_BIN_HUGE], page);
    return page;
}

static void *malloc_block(struct ash_mi *mi, struct ash_mi_heap *heap, size_t size)
{
    struct ash_mi_page *page = NULL;
    if (size <= ASH_MI_MEDIUM_MAX)
        page = heap->pages[ash_mi_bin_of(size)].first;
    if (!page || !page->free || size > DIRECT_MAX) {
        free_delayed(mi, heap);
        page = size > ASH_MI_MEDIUM_MAX ? large_page(mi, heap, size, 0) : search(mi, heap, size);
    }
    return page ? take(mi, page) : NULL;
}

/* Moves a live block's mark to where the program's pointer is. */
static void *aligned_in(struct ash_mi *mi, struct ash_mi_page *page, uintptr_t block, size_t align)
{
    uintptr_t at = ash_align_up(block, align);
    if (at == block)
        return (void *)at;
    page->has_aligned = true;
    ash_marks_set(&mi->marks, block, ASH_MARK_NONE);
    ash_marks_set(&mi->marks, at, ASH_MARK_LIVE);
    return (void *)at;
}

static void *malloc_aligned(struct ash_mi *mi, struct ash_mi_heap *heap, size_t size, size_t align)
{
    if (align > ASH_MI_SEGMENT / 2) {
        struct ash_mi_page *page = large_page(mi, heap, size, align);
        return page ? aligned_in(mi, page, (uintptr_t)take(mi, page), align) : NULL;
    }
    if (size <= DIRECT_MAX && align <= size) {
        struct ash_mi_page *page = heap->pages[ash_mi_bin_of(size)].first;
        if (page && page->free && page->free % align == 0)
            return take(mi, page);
    }
    if (align <= size && size <= GUARANTEE && size % align == 0)
        return malloc_block(mi, heap, size);
    uintptr_t block = (uintptr_t)malloc_block(mi, heap, size + align - 1);
    return block ? aligned_in(mi, ash_mi_page_of(block + 1), block, align) : NULL;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct ash_mi *mi = self;
    struct ash_mi_heap *heap = heap_of(mi);
    if (!heap || size > SIZE_MOST || align > SIZE_MOST)
        return NULL;
    return align > 16 ? malloc_aligned(mi, heap, size, align) : malloc_block(mi, heap, size);
}

static size_t usable(void *self, void *p)
{
    (void)self;
    struct ash_mi_page *page = ash_mi_page_of((uintptr_t)p);
    return page->block_size - ((uintptr_t)p - block_of(page, (uintptr_t)p));
}

static void *resize(void *self, void *p, size_t size)
{
    size_t has = usable(self, p);
    return size <= has && size >= has / 2 ? p : NULL;
}

/* --- the end of a thread --- */

static void leave(struct ash_mi *mi, struct ash_mi_heap *heap)
{
    free_delayed(mi, heap);
    collect_retired(mi, heap, true);
    for (unsigned bin = 0; bin <= ASH_MI_BIN_FULL; bin++)
        for (struct ash_mi_page *page = heap->pages[bin].first, *next; page; page = next) {
            next = page->next;
            page->delay = ASH_MI_NEVER_DELAYED;
            ash_mi_collect(page, true, &mi->marks);
            ash_mi_queue_remove(&heap->pages[bin], page);
            if (page->used == 0)
                ash_mi_page_delete(mi, page);
            else
                ash_mi_page_abandon(mi, page);
        }
}

static void thread_event(void *self, enum ash_lab_event event)
{
    struct ash_mi *mi = self;
    void **slot = ash_lab_slot(mi->memory);
    struct ash_mi_heap *heap = *slot;
    if (event != ASH_LAB_WENT || !heap)
        return;
    leave(mi, heap);
    heap->unused = mi->unused;
    mi->unused = heap;
    *slot = NULL;
}

const struct ash_lab_strategy ash_lab_mimalloc = {
    .name = "mimalloc",
    .about = "A model of mimalloc 2.0.9 (Leijen, Zorn, de Moura, APLAS 2019)",
    .flags = ASH_LAB_THREADS | ASH_LAB_MODEL,
    .state_size = sizeof(struct ash_mi),
    .open = open,
    .alloc = alloc,
    .free = free_block,
    .usable = usable,
    .each = ash_mi_each,
    .check = ash_mi_check,
    .thread = thread_event,
    .resize = resize,
};
