/* holes.c: purge inside live pages; see holes.h. */
#include "heap/holes.h"
#include "heap/page.h"
#include "heap/remote.h"

#define OS_SHIFT 12 /* holes are counted in 4 KiB; systems with larger OS pages have none */
#define OS_BYTES ((size_t)1 << OS_SHIFT)
#define OS_PER_SLICE (unsigned)(ASH_SLICE_BYTES / OS_BYTES)
#define CAP_MAX (ASH_SLICE_BYTES / 16)
#define AGE_DONE 200          /* looked at and purged; activity sets it back to 0 */
#define PURGED_PER_SCAN 4096u /* pages: 256 MiB in some 20 ms; the rest at the next scan */

static bool purged_bit(const struct ash_meta *page, unsigned os_i)
{
    return page[os_i / OS_PER_SLICE].purged >> (os_i % OS_PER_SLICE) & 1;
}

static void set_purged(struct ash_meta *page, unsigned os_i, bool on)
{
    uint64_t bit = (uint64_t)1 << (os_i % OS_PER_SLICE);
    uint64_t *word = &page[os_i / OS_PER_SLICE].purged;
    *word = on ? *word | bit : *word & ~bit;
}

/* Carved blocks that start in an OS page: indexes [first, end). */
static void starts_in(const struct ash_meta *page, unsigned os_i, unsigned *ret_first,
                      unsigned *ret_end)
{
    size_t from = (size_t)os_i << OS_SHIFT;
    size_t first = (from + ash_meta_bsize(page) - 1) / ash_meta_bsize(page);
    size_t end = (from + OS_BYTES + ash_meta_bsize(page) - 1) / ash_meta_bsize(page);
    *ret_end = end < ash_meta_carved(page) ? (unsigned)end : ash_meta_carved(page);
    *ret_first = first < *ret_end ? (unsigned)first : *ret_end;
}

bool ash_holes_some(const struct ash_meta *page)
{
    for (unsigned i = 0; i < ash_meta_slices(page); i++)
        if (page[i].purged)
            return true;
    return false;
}

unsigned ash_holes_dropped(const struct ash_meta *page)
{
    unsigned n = 0;
    for (unsigned os_i = 0; os_i < ash_meta_slices(page) * OS_PER_SLICE; os_i++) {
        if (!purged_bit(page, os_i))
            continue;
        unsigned first, end;
        starts_in(page, os_i, &first, &end);
        n += end - first;
    }
    return n;
}

bool ash_holes_recarve(struct ash_meta *page)
{
    if (!ash_holes_some(page))
        return false;
    for (unsigned os_i = 0; os_i < ash_meta_slices(page) * OS_PER_SLICE; os_i++) {
        if (!purged_bit(page, os_i))
            continue;
        set_purged(page, os_i, false);
        unsigned first, end;
        starts_in(page, os_i, &first, &end);
        for (unsigned i = end; i-- > first;) {
            void **block = (void **)(page->start + (size_t)i * ash_meta_bsize(page));
            *block = page->lfree;
            page->lfree = block;
        }
        page->lcnt = (uint16_t)(page->lcnt + (end - first));
        if (end > first)
            return true;
    }
    return false;
}

/* ---- finding ---- */

struct free_set {
    uint64_t bits[CAP_MAX / 64];
};

static bool is_free(const struct free_set *set, unsigned i)
{
    return set->bits[i / 64] >> (i % 64) & 1;
}

/* Everything free into lfree, and its bits into the set. */
static void gather(struct ash_heap *heap, struct ash_meta *page, struct free_set *set)
{
    for (unsigned i = 0; i < ASH_COUNT_OF(set->bits); i++)
        set->bits[i] = 0;
    void *mine = page->lfree;
    /* acquire; pairs with the senders' CAS; NOTIFIED stays (R1) */
    uint64_t x = atomic_fetch_and_explicit(&page->xfree, ASH_XFREE_NOTIFIED, memory_order_acquire);
    if (ash_xfree_count(x)) {
        page->lfree = NULL;
        ash_remote_accept(heap, page, x);
        void *last = page->lfree;
        while (*(void **)last)
            last = *(void **)last;
        *(void **)last = mine;
    }
    unsigned n = 0;
    for (void *p = page->lfree; p && n < page->cap; p = *(void **)p, n++) {
        unsigned i = ash_page_index(page, (uintptr_t)p);
        set->bits[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static bool is_hole(const struct ash_meta *page, const struct free_set *set, unsigned os_i)
{
    uintptr_t from = page->start + ((uintptr_t)os_i << OS_SHIFT);
    unsigned first = ash_page_index(page, from);
    unsigned last = ash_page_index(page, from + OS_BYTES - 1);
    if (first >= ash_meta_carved(page) || purged_bit(page, os_i))
        return false; /* never touched, or given back before */
    if (last >= ash_meta_carved(page) && ash_meta_carved(page) < page->cap)
        return false; /* carving goes on in it, and lists what starts there (H9) */
    for (unsigned i = first; i <= last && i < ash_meta_carved(page); i++) {
        unsigned start_os = (unsigned)(((size_t)i * ash_meta_bsize(page)) >> OS_SHIFT);
        if (!is_free(set, i) && !purged_bit(page, start_os))
            return false;
    }
    return true;
}

/* Takes the blocks that start in purged OS pages off the list (H9). */
static void drop_purged(struct ash_meta *page)
{
    void **link = &page->lfree;
    while (*link) {
        size_t offset = (uintptr_t)*link - page->start;
        if (purged_bit(page, (unsigned)(offset >> OS_SHIFT))) {
            *link = *(void **)*link;
            page->lcnt--;
        } else {
            link = (void **)*link;
        }
    }
}

static void release_run(const struct ash_meta *page, unsigned first, unsigned n)
{
    if (n == 0)
        return;
    /* Refused: the memory stays; carving anew does not need zeros (F14). */
    (void)ash_purge_part(page->start + ((uintptr_t)first << OS_SHIFT), (size_t)n << OS_SHIFT);
}

/* false: too little is free. */
static ASH_RARE bool purge_page(struct ash_heap *heap, struct ash_meta *page)
{
    unsigned free_n =
        page->lcnt + ash_xfree_count(atomic_load_explicit(&page->xfree, memory_order_relaxed));
    if ((size_t)free_n * ash_meta_bsize(page) < OS_BYTES)
        return false;
    struct free_set set;
    gather(heap, page, &set);
    unsigned os_n = ash_meta_slices(page) * OS_PER_SLICE;
    uint64_t holes[8 * OS_PER_SLICE / 64] = {0};
    for (unsigned os_i = 0; os_i < os_n; os_i++)
        if (is_hole(page, &set, os_i))
            holes[os_i / 64] |= (uint64_t)1 << (os_i % 64);
    for (unsigned os_i = 0; os_i < os_n; os_i++) {
        unsigned first, end;
        starts_in(page, os_i, &first, &end);
        if ((holes[os_i / 64] >> (os_i % 64) & 1) && end > first)
            set_purged(page, os_i, true);
    }
    drop_purged(page);
    page->zero = false;
    unsigned run = 0;
    for (unsigned os_i = 0; os_i < os_n; os_i++) {
        if (holes[os_i / 64] >> (os_i % 64) & 1) {
            run++;
            continue;
        }
        release_run(page, os_i - run, run);
        run = 0;
    }
    release_run(page, os_n - run, run);
    return true;
}

static bool was_active(struct ash_meta *page)
{
    bool active = page->attn != page->attn0;
    ash_page_fold(page);
    return active;
}

/* Is it time to look into the page? Ages it. */
static bool is_due(struct ash_meta *page, bool force)
{
    if (was_active(page))
        page->age = 0;
    else if (page->age < AGE_DONE)
        page->age++;
    if (page->state == ASH_PAGE_PARTIAL && page->attn == 0)
        page->attn0 = page->attn = 1;
    return page->age < AGE_DONE && (force || page->age >= 1);
}

bool ash_holes_scan(struct ash_heap *heap, bool force)
{
    if (ash_os_page_bytes() != OS_BYTES)
        return false;
    unsigned left = force ? UINT32_MAX : PURGED_PER_SCAN;
    bool pending = false;
    for (struct ash_meta *page = heap->pages; page; page = page->owned_next) {
        if (page->state == ASH_PAGE_ZOMBIE || page->state == ASH_PAGE_EMPTY ||
            (page->state == ASH_PAGE_CURRENT && !force))
            continue;
        if (is_due(page, force) && left > 0) {
            left -= purge_page(heap, page);
            page->age = AGE_DONE;
        }
        pending |= page->age < AGE_DONE;
    }
    return pending;
}
