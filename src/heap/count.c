/* count.c: gathering what pages and space count; see count.h. */
#include "heap/count.h"
#include "heap/large.h"
#include "heap/page.h"
#include "heap/remote.h"
#include "heap/threads.h"
#include "heap/watch.h"

_Atomic uint64_t ash_count_fails;

static uint64_t get(_Atomic uint64_t *x)
{
    return atomic_load_explicit(x, memory_order_relaxed);
}

static uint64_t slices_bytes(_Atomic int64_t *slices)
{
    int64_t n = atomic_load_explicit(slices, memory_order_relaxed);
    return n > 0 ? (uint64_t)n * ASH_SLICE_BYTES : 0;
}

/* What another thread counts without atomics, because its fast paths do: read as it may be.
 * Only here is that let pass; each value is compared before it is believed. */
struct glance {
    int32_t freed;
    uint16_t out;
    uint8_t state;
};

__attribute__((noinline, no_sanitize("thread"))) static struct glance
glance_at(const volatile struct ash_meta *page)
{
    return (struct glance){page->attn0 - page->attn, page->out, page->state};
}

__attribute__((noinline, no_sanitize("thread"))) static bool
has_thread(const volatile struct ash_heap *heap)
{
    return heap->tls != NULL;
}

/* Counts of a page may change while we read; what makes no sense is read as nothing. */
static void add_page(struct ash_count *count, const struct ash_heap *own, struct ash_meta *page)
{
    uintptr_t owner = atomic_load_explicit(&page->owner, memory_order_relaxed);
    if (owner & 1 || owner == 0)
        return;
    struct glance seen = glance_at(page);
    unsigned back = (unsigned)seen.freed + ash_xfree_count(get(&page->xfree));
    unsigned live = seen.out > back ? seen.out - back : 0;
    uint64_t used = (uint64_t)live * ash_meta_bsize(page);
    uint64_t carved = (uint64_t)ash_meta_carved(page) * ash_meta_bsize(page);
    uint64_t idle = carved > used ? carved - used : 0;
    count->page_count++;
    count->live_blocks += live;
    count->live_bytes += used;
    const struct ash_heap *heap = (const struct ash_heap *)owner;
    if (ash_heap_kind_of(heap) == ASH_HEAP_STARTER)
        count->starter_bytes += ash_meta_slices(page) * ASH_SLICE_BYTES;
    else if (heap != own && has_thread(heap))
        count->blocked_bytes += idle;
    if (seen.state == ASH_PAGE_EMPTY)
        count->retained_bytes += carved;
}

static void add_region(struct ash_count *count, const struct ash_heap *own,
                       struct ash_region *region)
{
    unsigned end = atomic_load_explicit(&region->open_end, memory_order_relaxed);
    struct ash_group *groups = (struct ash_group *)(region->base + ASH_GROUPS_OFFSET);
    struct ash_meta *metas = (struct ash_meta *)region->base;
    for (unsigned g = ASH_FIRST_GROUP; g < end; g++) {
        if (atomic_load_explicit(&groups[g].free, memory_order_relaxed) == UINT32_MAX ||
            atomic_load_explicit(&groups[g].span, memory_order_relaxed) != 0)
            continue;
        for (unsigned i = 0; i < ASH_GROUP_SLICES; i++) {
            struct ash_meta *meta = &metas[g * ASH_GROUP_SLICES + i];
            /* acquire; pairs with the release that published the page (S9) */
            uint8_t kind = atomic_load_explicit(&meta->kind, memory_order_acquire);
            if (kind == ASH_KIND_SMALL || kind == ASH_KIND_MEDIUM)
                add_page(count, own, meta);
        }
    }
}

static void add_heaps(struct ash_count *count)
{
    for (struct ash_heap *heap = ash_heap_first(); heap;
         heap = atomic_load_explicit(&heap->all_next, memory_order_relaxed)) {
        count->malloc_count += get(&heap->handed_count);
        count->remote_free_count += get(&heap->remote_count);
        if (ash_heap_kind_of(heap) == ASH_HEAP_THREAD &&
            (atomic_load_explicit(&heap->inbox, memory_order_relaxed) & ASH_INBOX_ORPHAN))
            count->orphan_count++;
    }
}

/* Blocks in the caller's bins count as handed out in their pages, but nobody has them. */
static void take_bins_off(struct ash_count *count)
{
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        for (void *p = ash_tls.bin[c]; p; p = *(void **)p) {
            count->malloc_count--;
            count->live_blocks--;
            count->live_bytes -= ash_class_bytes[c];
        }
}

void ash_count_all(struct ash_count *ret_count)
{
    struct ash_count count = {0};
    add_heaps(&count);
    for (struct ash_region *region = ash_region_first(); region;
         /* acquire; pairs with the release that published the region */
         region = atomic_load_explicit(&region->next, memory_order_acquire))
        add_region(&count, ash_watch_home(&ash_tls), region);
    take_bins_off(&count);
    count.large_count = get(&ash_large_count);
    count.large_bytes = get(&ash_large_bytes);
    count.huge_count = get(&ash_huge_count);
    count.huge_bytes =
        (uint64_t)atomic_load_explicit(&ash_space_count.huge_bytes, memory_order_relaxed);
    count.malloc_count += get(&ash_large_ever);
    count.live_blocks += count.large_count + count.huge_count;
    count.live_bytes += count.large_bytes + count.huge_bytes;
    count.free_count =
        count.malloc_count > count.live_blocks ? count.malloc_count - count.live_blocks : 0;
    count.fail_count = get(&ash_count_fails);
    count.mapped_bytes = ash_region_mapped_bytes();
    count.committed_bytes = ash_purge_committed_bytes();
    count.peak_committed_bytes = ash_purge_peak_bytes();
    count.dirty_bytes = slices_bytes(&ash_space_count.dirty);
    count.purged_bytes = get(&ash_space_count.purged_bytes);
    count.purge_count = get(&ash_space_count.purge_count);
    count.region_count = ash_region_count();
    count.huge_page_bytes =
        (uint64_t)atomic_load_explicit(&ash_space_count.huge_groups, memory_order_relaxed) *
        ASH_GROUP_BYTES;
    count.thread_count = get(&ash_thread_count);
    count.limit_bytes =
        (uint64_t)atomic_load_explicit(&ash_space_count.limit_bytes, memory_order_relaxed);
    *ret_count = count;
}
