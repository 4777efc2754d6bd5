/* walk.c: visiting and verifying pages and objects; see walk.h. */
#include "heap/walk.h"
#include "heap/find.h"
#include "heap/large.h"
#include "heap/page.h"
#include "heap/remote.h"
#include "heap/threads.h"
#include "heap/watch.h"
#include <string.h>

#define CAP_MAX (ASH_SLICE_BYTES / 16)

/* The free blocks of one page, by index. */
struct page_map {
    uint64_t free[CAP_MAX / 64];
    unsigned carved;
    bool exact;
};

/* The right to read a page's lists, and how to give it back. */
struct grip {
    struct ash_heap *heap;
    struct ash_held held;
    bool sweeping, exact;
};

static struct grip take_grip(struct ash_heap *heap)
{
    struct grip grip = {.heap = heap};
    switch (ash_heap_kind_of(heap)) {
    case ASH_HEAP_STARTER:
    case ASH_HEAP_NAMED:
        grip.held = ash_lock_take(&heap->lock);
        grip.exact = !grip.held.owner_died;
        break;
    case ASH_HEAP_THREAD: {
        uintptr_t seen = ASH_INBOX_ORPHAN;
        if (heap == ash_watch_home(&ash_tls)) {
            grip.exact = true;
            break;
        }
        /* acquire; pairs with the release of exit or sweep (R7) */
        grip.sweeping = atomic_compare_exchange_strong_explicit(
            &heap->inbox, &seen, ASH_INBOX_ORPHAN | ASH_INBOX_HELD, memory_order_acquire,
            memory_order_relaxed);
        grip.exact = grip.sweeping;
        break;
    }
    default:
        break;
    }
    return grip;
}

static void drop_grip(const struct grip *grip)
{
    if (grip->held.token)
        ash_lock_drop(&grip->heap->lock, grip->held);
    if (grip->sweeping)
        ash_remote_sweep(grip->heap);
}

static void mark_free(struct page_map *map, const struct ash_meta *page, const void *first)
{
    unsigned n = 0;
    for (const void *p = first; p && n <= map->carved; p = *(void *const *)p, n++) {
        uintptr_t at = (uintptr_t)p;
        if (at < page->start || at >= page->start + ash_meta_slices(page) * ASH_SLICE_BYTES)
            return;
        unsigned i = ash_page_index(page, at);
        map->free[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void mark_purged(struct page_map *map, const struct ash_meta *page)
{
    for (unsigned i = 0; i < map->carved; i++) {
        size_t offset = (size_t)i * ash_meta_bsize(page);
        const struct ash_meta *slice = page + (offset >> ASH_SLICE_SHIFT);
        if (slice->purged >> ((offset >> 12) % 16) & 1)
            map->free[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

/* false: the page does not belong to the heap any more. */
static bool read_page(struct page_map *map, struct ash_heap *heap, struct ash_meta *page)
{
    memset(map, 0, sizeof(*map));
    struct grip grip = take_grip(heap);
    bool same = atomic_load_explicit(&page->owner, memory_order_relaxed) == (uintptr_t)heap;
    map->carved = same ? ash_meta_carved(page) : 0;
    map->exact = grip.exact;
    if (same && grip.exact) {
        mark_free(map, page, page->lfree);
        /* acquire; pairs with the senders' CAS */
        mark_free(map, page,
                  ash_xfree_first(atomic_load_explicit(&page->xfree, memory_order_acquire)));
        mark_purged(map, page);
        if (heap == ash_tls.self && page->state == ASH_PAGE_CURRENT && page->cls < ASH_BIN_COUNT)
            mark_free(map, page, ash_tls.bin[page->cls]);
    }
    drop_grip(&grip);
    return same;
}

static bool visit_page(struct ash_heap *heap, struct ash_meta *page, ash_walk_visit *visit,
                       void *arg)
{
    struct page_map map;
    uint32_t bsize = ash_meta_bsize(page);
    uintptr_t start = ash_meta_slice(page);
    if (!read_page(&map, heap, page))
        return true;
    for (unsigned i = 0; i < map.carved; i++) {
        enum ash_block_state state = !map.exact                         ? ASH_BLOCK_UNKNOWN
                                     : map.free[i / 64] >> (i % 64) & 1 ? ASH_BLOCK_FREE
                                                                        : ASH_BLOCK_LIVE;
        if (!visit(arg, (void *)(start + (uintptr_t)i * bsize), bsize, state))
            return false;
    }
    return true;
}

static bool is_of(const struct ash_meta *head, const struct ash_heap *heap)
{
    return (head->flags & ASH_META_OF_NAMED) && (const struct ash_heap *)head->next == heap;
}

/* One meta of a region. `only` NULL: any heap. */
static bool visit_meta(struct ash_meta *meta, struct ash_heap *only, ash_walk_visit *visit,
                       void *arg)
{
    /* acquire; pairs with the release that published the page (S9) */
    uint8_t kind = atomic_load_explicit(&meta->kind, memory_order_acquire);
    uintptr_t owner = atomic_load_explicit(&meta->owner, memory_order_relaxed);
    if (kind == ASH_KIND_LARGE)
        return (only && !is_of(meta, only)) ||
               visit(arg, (void *)ash_meta_slice(meta), ash_large_usable(meta), ASH_BLOCK_LIVE);
    if ((kind != ASH_KIND_SMALL && kind != ASH_KIND_MEDIUM) || owner == 0 || (owner & 1))
        return true;
    struct ash_heap *heap = (struct ash_heap *)owner;
    return only && heap != only ? true : visit_page(heap, meta, visit, arg);
}

static bool walk_region(struct ash_region *region, struct ash_heap *only, ash_walk_visit *visit,
                        void *arg)
{
    unsigned end = atomic_load_explicit(&region->open_end, memory_order_relaxed);
    struct ash_group *groups = (struct ash_group *)(region->base + ASH_GROUPS_OFFSET);
    struct ash_meta *metas = (struct ash_meta *)region->base;
    for (unsigned g = ASH_FIRST_GROUP; g < end; g++) {
        if (atomic_load_explicit(&groups[g].free, memory_order_relaxed) == UINT32_MAX)
            continue;
        if (atomic_load_explicit(&groups[g].span, memory_order_relaxed) != 0)
            continue; /* inside a large object, which its head reports */
        for (unsigned i = 0; i < ASH_GROUP_SLICES; i++)
            if (!visit_meta(&metas[g * ASH_GROUP_SLICES + i], only, visit, arg))
                return false;
    }
    return true;
}

/* Another thread may unmap the object at any time, metas and all: they are read under the
 * lock, and the visitor is called without it. */
static bool visit_huge(uintptr_t window_end, struct ash_heap *only, ash_walk_visit *visit,
                       void *arg)
{
    struct ash_held held = ash_region_hold_huge();
    struct ash_found found = ash_page_find(window_end);
    const struct ash_meta *head = found.head;
    bool wanted = head && (only == NULL || is_of(head, only));
    void *start = wanted ? (void *)head->start : NULL;
    size_t bytes = wanted ? ash_large_usable(head) : 0;
    ash_region_let_huge(held);
    return !wanted || visit(arg, start, bytes, ASH_BLOCK_LIVE);
}

static bool walk_huge(struct ash_heap *only, ash_walk_visit *visit, void *arg)
{
    if (atomic_load_explicit(&ash_huge_count, memory_order_relaxed) == 0)
        return true;
    for (size_t w = 0; w < ASH_WINDOW_COUNT; w++) {
        uintptr_t end = ((uintptr_t)w << ASH_REGION_SHIFT) + ASH_REGION_BYTES - 1;
        if (ash_window_of(end) == ASH_WINDOW_HUGE && !visit_huge(end, only, visit, arg))
            return false;
    }
    return true;
}

bool ash_walk(struct ash_heap *heap, ash_walk_visit *visit, void *arg)
{
    ash_thread_check_fork();
    ash_remote_flush_all(&ash_tls);
    for (struct ash_region *region = ash_region_first(); region;
         /* acquire; pairs with the release that published the region */
         region = atomic_load_explicit(&region->next, memory_order_acquire))
        if (!walk_region(region, heap, visit, arg))
            return false;
    return walk_huge(heap, visit, arg);
}

/* ---- verify ---- */

static const char *check_bin(struct ash_meta *page)
{
    unsigned n = 0;
    for (void *p = ash_tls.bin[page->cls]; p; p = *(void **)p) {
        uintptr_t at = (uintptr_t)p;
        if (at < page->start || at >= page->start + ash_meta_slices(page) * ASH_SLICE_BYTES)
            return "H3: the bin holds a block of another page";
        if (++n > page->out)
            return "H2: the bin is longer than what its page gave out";
    }
    return NULL;
}

static size_t verify_heap(struct ash_heap *heap, ash_verify_fault *fault, void *arg)
{
    size_t n = 0;
    struct grip grip = take_grip(heap);
    for (struct ash_meta *page = grip.exact ? heap->pages : NULL; page; page = page->owned_next) {
        const char *why;
        bool good = ash_page_check(page, &why);
        if (good && heap == ash_tls.self && page->state == ASH_PAGE_CURRENT &&
            page->cls < ASH_BIN_COUNT)
            why = check_bin(page);
        if (!why && atomic_load_explicit(&page->owner, memory_order_relaxed) != (uintptr_t)heap)
            why = "H1: a page is on the list of another heap";
        if (!why)
            continue;
        n++;
        if (fault)
            fault(arg, (void *)page->start, why);
    }
    drop_grip(&grip);
    return n;
}

size_t ash_verify_all(ash_verify_fault *fault, void *arg)
{
    ash_thread_check_fork();
    ash_remote_flush_all(&ash_tls);
    size_t n = 0;
    for (struct ash_heap *heap = ash_heap_first(); heap;
         heap = atomic_load_explicit(&heap->all_next, memory_order_relaxed))
        n += verify_heap(heap, fault, arg);
    return n;
}
