/* page.c: carving, lists and states of pages; see page.h. */
#include "heap/page.h"
#include "base/check.h"
#include "heap/holes.h"
#include "heap/misuse.h"
#include "heap/remote.h"
#include "heap/threads.h"

#define PARTIALS_COMPARED 4
#define RETAIN_MIN ((size_t)64 << 10)
#define RETAIN_MAX ((size_t)1 << 20)

static void set_attn(struct ash_meta *page, int32_t attn)
{
    page->attn = page->attn0 = attn;
}

static bool has_uncarved(const struct ash_meta *page)
{
    return ash_meta_carved(page) < page->cap;
}

/* How many blocks must be back before a FULL page is looked at: an eighth, and where that would be
 * a few blocks only, so that each free and each refill took the slow path, a quarter. */
static int32_t full_attn(const struct ash_meta *page)
{
    return (int32_t)(page->cap >= 64 ? page->cap / 8 : page->cap >= 8 ? page->cap / 4 : 1);
}

static uint64_t xfree_load(struct ash_meta *page)
{
    /* Relaxed: without NOTIFIED it is what our own exchange left, which acquired; with it
     * nobody touches the blocks before the drain. */
    return atomic_load_explicit(&page->xfree, memory_order_relaxed);
}

void ash_page_fold(struct ash_meta *page)
{
    unsigned freed = (unsigned)(page->attn0 - page->attn);
    if (ASH_UNLIKELY(freed > page->out)) {
        ash_misuse_overfreed(page); /* sets the counts anew */
        return;
    }
    page->lcnt = (uint16_t)(page->lcnt + freed);
    page->out = (uint16_t)(page->out - freed);
    page->attn0 = page->attn;
}

unsigned ash_page_live(struct ash_meta *page)
{
    unsigned waiting = ash_xfree_count(xfree_load(page));
    if (ASH_UNLIKELY(waiting > page->out)) { /* R4: freed here and by another thread */
        ash_misuse_overfreed(page);
        waiting = ash_xfree_count(xfree_load(page));
    }
    return waiting < page->out ? page->out - waiting : 0;
}

/* ---- lists of pages ---- */

/* Memory that is, or may be, touched: the measure for huge pages (S10). */
static void count_used(int64_t bytes)
{
    atomic_fetch_add_explicit(&ash_space_count.used_bytes, bytes, memory_order_relaxed);
}

static void owned_link(struct ash_heap *heap, struct ash_meta *page)
{
    page->owned_prev = NULL;
    page->owned_next = heap->pages;
    if (heap->pages)
        heap->pages->owned_prev = page;
    heap->pages = page;
    heap->page_bytes += ash_meta_slices(page) * ASH_SLICE_BYTES;
    ash_count_add(&heap->page_count, 1);
}

static void owned_unlink(struct ash_heap *heap, struct ash_meta *page)
{
    if (page->owned_prev)
        page->owned_prev->owned_next = page->owned_next;
    else
        heap->pages = page->owned_next;
    if (page->owned_next)
        page->owned_next->owned_prev = page->owned_prev;
    heap->page_bytes -= ash_meta_slices(page) * ASH_SLICE_BYTES;
    ash_count_add(&heap->page_count, (uint64_t)-1);
}

/* part[c] is a list whose head's prev is its tail. In front lie pages with listed blocks, behind
 * them those that have nothing but uncarved or purged memory: that is touched last. */
static void part_append(struct ash_heap *heap, struct ash_meta *page)
{
    struct ash_meta *head = heap->part[page->cls];
    page->next = NULL;
    page->prev = head ? head->prev : page;
    if (head) {
        head->prev->next = page;
        head->prev = page;
    } else {
        heap->part[page->cls] = page;
    }
}

static void part_push(struct ash_heap *heap, struct ash_meta *page)
{
    struct ash_meta *head = heap->part[page->cls];
    part_append(heap, page);
    if (!head)
        return;
    page->prev->next = NULL; /* the tail becomes the head; its prev is the tail already */
    page->next = head;
    heap->part[page->cls] = page;
    head->prev = page;
}

static void part_unlink(struct ash_heap *heap, struct ash_meta *page)
{
    struct ash_meta *head = heap->part[page->cls];
    if (page == head)
        heap->part[page->cls] = page->next;
    else
        page->prev->next = page->next;
    if (page->next)
        page->next->prev = page->prev;
    else if (page != head)
        head->prev = page->prev;
    page->next = page->prev = NULL;
}

static size_t carved_bytes(const struct ash_meta *page)
{
    return (size_t)ash_meta_carved(page) * ash_meta_bsize(page);
}

static void leave_empty(struct ash_heap *heap, struct ash_meta *page)
{
    heap->retained_bytes -= carved_bytes(page);
    page->state = ASH_PAGE_PARTIAL;
}

/* ---- making and releasing ---- */

static void init_interior(struct ash_meta *page)
{
    for (uint32_t i = 1; i < ash_meta_slices(page); i++) {
        struct ash_meta *meta = page + i;
        meta->head = (uintptr_t)page;
        meta->purged = 0;
        atomic_store_explicit(&meta->owner, ASH_TAG_INTERIOR, memory_order_relaxed);
        /* release: whoever sees the kind sees the head (S5) */
        atomic_store_explicit(&meta->kind, ASH_KIND_INTERIOR, memory_order_release);
    }
}

static struct ash_meta *page_new(struct ash_heap *heap, unsigned cls)
{
    uint32_t bsize = ash_class_bytes[cls];
    unsigned n = ash_class_slices(cls);
    struct ash_run run;
    if (!ash_run_claim_in_group(n, &run))
        return NULL;
    struct ash_meta *page = ash_meta_of(run.addr);
    page->recip = (((uint64_t)1 << 40) + bsize - 1) / bsize;
    atomic_store_explicit(&page->bsize, bsize, memory_order_relaxed);
    page->cls = (uint16_t)cls;
    page->flags = ash_heap_kind_of(heap) == ASH_HEAP_THREAD ? 0 : ASH_META_SHARED;
    page->zero = run.zero;
    atomic_store_explicit(&page->n_slices, run.n_slices, memory_order_relaxed);
    page->cap = (uint16_t)(run.n_slices * ASH_SLICE_BYTES / bsize);
    page->start = run.addr;
    page->lfree = NULL;
    page->out = page->lcnt = 0;
    atomic_store_explicit(&page->carved, 0, memory_order_relaxed);
    page->age = 0;
    page->next = page->prev = NULL;
    page->purged = 0;
    page->state = ASH_PAGE_CURRENT;
    set_attn(page, ASH_ATTN_NEVER);
    atomic_store_explicit(&page->xfree, 0, memory_order_relaxed); /* R3 */
    owned_link(heap, page);
    init_interior(page);
    atomic_store_explicit(&page->owner, (uintptr_t)heap, memory_order_relaxed);
    /* release: whoever sees the kind sees the whole line (S9) */
    atomic_store_explicit(&page->kind, n == 1 ? ASH_KIND_SMALL : ASH_KIND_MEDIUM,
                          memory_order_release);
    return page;
}

void ash_page_release(struct ash_heap *heap, struct ash_meta *page)
{
    ASH_CHECK(!(xfree_load(page) & ASH_XFREE_NOTIFIED)); /* R3 */
    owned_unlink(heap, page);
    count_used(-(int64_t)carved_bytes(page));
    uint32_t n_slices = ash_meta_slices(page);
    for (uint32_t i = n_slices; i-- > 0;) { /* S4: kind and owner before the slices */
        atomic_store_explicit(&page[i].kind, ASH_KIND_NONE, memory_order_relaxed);
        atomic_store_explicit(&page[i].owner, ASH_TAG_RELEASED, memory_order_relaxed);
    }
    ash_run_return(page->start, n_slices);
}

static size_t retain_cap(const struct ash_heap *heap)
{
    return ash_size_max(RETAIN_MIN, ash_size_min(RETAIN_MAX, heap->page_bytes / 8));
}

static bool may_retain(const struct ash_heap *heap, const struct ash_meta *page)
{
    if (ash_heap_kind_of(heap) == ASH_HEAP_THREAD && heap->tls == NULL)
        return false; /* an orphan keeps nothing */
    const struct ash_meta *first = heap->part[page->cls];
    if (first && first->state == ASH_PAGE_EMPTY)
        return false;
    return heap->retained_bytes + carved_bytes(page) <= retain_cap(heap);
}

/* No block is out. The page is on no list. */
static void to_empty(struct ash_heap *heap, struct ash_meta *page)
{
    set_attn(page, ASH_ATTN_NEVER);
    if (xfree_load(page) & ASH_XFREE_NOTIFIED) {
        page->state = ASH_PAGE_ZOMBIE;
        return;
    }
    if (!may_retain(heap, page)) {
        ash_page_release(heap, page);
        return;
    }
    page->state = ASH_PAGE_EMPTY;
    heap->retained_bytes += carved_bytes(page);
    part_push(heap, page);
}

static void to_partial(struct ash_heap *heap, struct ash_meta *page, unsigned live)
{
    page->state = ASH_PAGE_PARTIAL;
    set_attn(page, (int32_t)live);
    part_push(heap, page);
}

/* ---- state changes ---- */

void ash_page_watch(const struct ash_heap *heap, struct ash_meta *page)
{
    uint32_t frees = ash_thread_watch_frees(heap);
    ash_page_fold(page);
    set_attn(page, frees ? (int32_t)frees : ASH_ATTN_NEVER);
}

void ash_page_settle(struct ash_heap *heap, struct ash_meta *page)
{
    ash_page_fold(page);
    unsigned live = ash_page_live(page);
    switch ((enum ash_page_state)page->state) {
    case ASH_PAGE_CURRENT: /* cur[c] would dangle: it stays, whatever its counts */
        ash_page_watch(heap, page);
        break;
    case ASH_PAGE_EMPTY:
        set_attn(page, ASH_ATTN_NEVER);
        break;
    case ASH_PAGE_PARTIAL:
        if (live == 0) {
            part_unlink(heap, page);
            to_empty(heap, page);
        } else {
            set_attn(page, (int32_t)live);
        }
        break;
    case ASH_PAGE_ZOMBIE:
        to_empty(heap, page);
        break;
    case ASH_PAGE_FULL: {
        int32_t back = (int32_t)(page->lcnt + page->out - live);
        if (live == 0)
            to_empty(heap, page);
        else if (back >= full_attn(page))
            to_partial(heap, page, live);
        else
            set_attn(page, full_attn(page) - back);
        break;
    }
    }
}

void ash_page_attention(struct ash_heap *heap, struct ash_meta *page)
{
    heap->unsettled = true;
    if (page->state == ASH_PAGE_FULL) {
        /* Enough is back (H5, full_attn): the page is worth a look again. */
        ash_page_fold(page);
        unsigned live = ash_page_live(page);
        if (live == 0)
            to_empty(heap, page);
        else
            to_partial(heap, page, live);
        return;
    }
    if (page->state == ASH_PAGE_CURRENT)
        ash_thread_watched(heap);
    ash_page_settle(heap, page);
}

bool ash_page_put(struct ash_meta *page, void *p)
{
    *(void **)p = page->lfree;
    bool attention = ash_count_down((uintptr_t)page, 0, offsetof(struct ash_meta, attn)); /* H6 */
    page->lfree = p;
    return attention;
}

void ash_page_push(struct ash_heap *heap, struct ash_meta *page, void *p)
{
    if (ash_page_put(page, p))
        ash_page_attention(heap, page);
}

void ash_page_retire(struct ash_heap *heap, unsigned cls)
{
    struct ash_meta *page = heap->cur[cls];
    if (!page)
        return;
    heap->cur[cls] = NULL;
    ash_page_fold(page);
    unsigned live = ash_page_live(page);
    if (live == 0) {
        to_empty(heap, page);
        return;
    }
    if (page->lfree || has_uncarved(page) || ash_holes_some(page)) {
        page->state = ASH_PAGE_PARTIAL;
        set_attn(page, (int32_t)live);
        part_append(heap, page);
        return;
    }
    page->state = ASH_PAGE_FULL;
    set_attn(page, full_attn(page));
}

/* ---- refill ---- */

/* Puts blocks that were given back within reach: the page's own list, else its mailbox. */
static bool collect(struct ash_heap *heap, struct ash_meta *page)
{
    ash_page_fold(page);
    if (page->lfree) {
        ash_misuse_check_list(page); /* which may leave nothing of it */
        if (page->lfree)
            return true;
    }
    uint64_t seen = atomic_load_explicit(&page->xfree, memory_order_relaxed);
    if (ash_xfree_count(seen) == 0)
        return false;
    /* acquire; pairs with the sender's CAS. NOTIFIED stays: membership is the drain's (R1). */
    uint64_t x = atomic_fetch_and_explicit(&page->xfree, ASH_XFREE_NOTIFIED, memory_order_acquire);
    ash_remote_accept(heap, page, x);
    return true;
}

/* Links up to one OS page of blocks that were never used. */
static bool carve(struct ash_meta *page, bool *ret_zero)
{
    unsigned left = page->cap - ash_meta_carved(page);
    if (left == 0)
        return false;
    unsigned n = ASH_PAGE_CARVE_BYTES / ash_meta_bsize(page);
    n = n == 0 ? 1 : n > left ? left : n;
    uintptr_t first = page->start + (uintptr_t)ash_meta_carved(page) * ash_meta_bsize(page);
    uintptr_t at = first;
    for (unsigned i = 1; i < n; i++, at += ash_meta_bsize(page))
        *(uintptr_t *)at = at + ash_meta_bsize(page);
    *(uintptr_t *)at = 0;
    atomic_store_explicit(&page->carved, (uint16_t)(ash_meta_carved(page) + n),
                          memory_order_relaxed);
    page->lcnt = (uint16_t)n;
    page->lfree = (void *)first;
    count_used((int64_t)n * page->bsize);
    *ret_zero = page->zero;
    return true;
}

static bool has_listed(struct ash_meta *page)
{
    return page->lfree || ash_xfree_count(xfree_load(page)) > 0;
}

/* Of the first few PARTIAL pages the fullest that has listed blocks; else the fullest. */
static struct ash_meta *fullest_partial(const struct ash_heap *heap, unsigned cls)
{
    struct ash_meta *best = heap->part[cls];
    if (!best)
        return NULL;
    bool best_listed = has_listed(best);
    struct ash_meta *page = best->next;
    for (int i = 1; i < PARTIALS_COMPARED && page; i++, page = page->next) {
        bool listed = has_listed(page);
        if (listed < best_listed || (listed == best_listed && page->out <= best->out))
            continue;
        best = page;
        best_listed = listed;
    }
    return best;
}

static void make_current(struct ash_heap *heap, struct ash_meta *page)
{
    part_unlink(heap, page);
    if (page->state == ASH_PAGE_EMPTY)
        leave_empty(heap, page);
    ash_page_fold(page);
    page->state = ASH_PAGE_CURRENT;
    page->age = 0;
    set_attn(page, ASH_ATTN_NEVER);
    heap->cur[page->cls] = page;
}

static bool refill_current(struct ash_heap *heap, struct ash_meta *page, bool *ret_zero)
{
    return collect(heap, page) || carve(page, ret_zero) || ash_holes_recarve(page);
}

bool ash_page_collect(struct ash_heap *heap, unsigned cls)
{
    struct ash_meta *page = heap->cur[cls];
    if (page && collect(heap, page))
        return true;
    return ash_remote_drain(heap) && page && collect(heap, page);
}

bool ash_page_advance(struct ash_heap *heap, unsigned cls, bool *ret_zero)
{
    *ret_zero = false;
    struct ash_meta *page = heap->cur[cls];
    /* While no other page has blocks, fresh memory of the current one. */
    struct ash_meta *other = heap->part[cls];
    if (page && !(other && has_listed(other)) && refill_current(heap, page, ret_zero))
        return true;
    ash_page_retire(heap, cls);
    while ((page = fullest_partial(heap, cls)) != NULL) {
        make_current(heap, page);
        if (refill_current(heap, page, ret_zero))
            return true;
        ash_page_retire(heap, cls);
    }
    page = page_new(heap, cls);
    if (!page && heap->retained_bytes > 0) { /* F13: what other classes keep */
        ash_page_release_empty(heap, 0);
        page = page_new(heap, cls);
    }
    if (!page)
        return false;
    heap->cur[cls] = page;
    return carve(page, ret_zero);
}

void *ash_page_take_list(struct ash_heap *heap, unsigned cls)
{
    struct ash_meta *page = heap->cur[cls];
    void *list = page->lfree;
    unsigned n = page->lcnt;
    page->lfree = NULL;
    page->out = (uint16_t)(page->out + n);
    page->lcnt = 0;
    ash_page_watch(heap, page);
    ash_count_add(&heap->handed_count, n);
    ash_count_add(&heap->handed_bytes, (uint64_t)n * ash_meta_bsize(page));
    return list;
}

void *ash_page_pop(struct ash_heap *heap, unsigned cls, bool *ret_zero)
{
    *ret_zero = false;
    if (!ash_page_collect(heap, cls) && !ash_page_advance(heap, cls, ret_zero))
        return NULL;
    struct ash_meta *page = heap->cur[cls];
    void *p = page->lfree;
    page->lfree = *(void **)p;
    page->lcnt--;
    page->out++;
    ash_count_add(&heap->handed_count, 1);
    ash_count_add(&heap->handed_bytes, ash_meta_bsize(page));
    return p;
}

/* ---- giving back ---- */

void ash_page_release_empty(struct ash_heap *heap, size_t keep_bytes)
{
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++) {
        if (keep_bytes == 0 && heap->cur[c]) {
            ash_page_fold(heap->cur[c]);
            if (ash_page_live(heap->cur[c]) == 0)
                ash_page_retire(heap, c);
        }
        struct ash_meta *next;
        for (struct ash_meta *page = heap->part[c]; page; page = next) {
            if (heap->retained_bytes <= keep_bytes)
                break;
            next = page->next;
            if (page->state != ASH_PAGE_EMPTY)
                continue;
            part_unlink(heap, page);
            leave_empty(heap, page);
            if (xfree_load(page) & ASH_XFREE_NOTIFIED)
                page->state = ASH_PAGE_ZOMBIE;
            else
                ash_page_release(heap, page);
        }
    }
}

static unsigned list_length(const struct ash_meta *page, const void *first, unsigned max)
{
    unsigned n = 0;
    for (const void *p = first; p && n < max; p = *(void *const *)p) {
        uintptr_t at = (uintptr_t)p;
        if (at < page->start || at >= page->start + ash_meta_slices(page) * ASH_SLICE_BYTES)
            break;
        n++;
    }
    return n;
}

ASH_RARE void ash_page_recount(struct ash_heap *heap, struct ash_meta *page)
{
    unsigned lost = ash_holes_dropped(page);
    page->lcnt = (uint16_t)list_length(page, page->lfree, page->cap);
    page->out = (uint16_t)(ash_meta_carved(page) - lost - page->lcnt);
    page->attn0 = page->attn;
    ash_page_settle(heap, page);
}

ASH_RARE bool ash_page_check(struct ash_meta *page, const char **ret_why)
{
    /* acquire; pairs with the sender's CAS: the list is walked below */
    uint64_t x = atomic_load_explicit(&page->xfree, memory_order_acquire);
    unsigned freed = (unsigned)(page->attn0 - page->attn);
    unsigned listed = page->lcnt + freed;
    *ret_why = NULL;
    if (ash_meta_carved(page) > page->cap)
        *ret_why = "H4: more blocks carved than fit";
    else if (freed > page->out)
        *ret_why = "H4: more blocks freed than were out";
    else if (listed + (page->out - freed) + ash_holes_dropped(page) != ash_meta_carved(page))
        *ret_why = "H4: blocks are missing";
    else if (list_length(page, page->lfree, page->cap + 1) != listed)
        *ret_why = "H2: the owner's list is damaged";
    else if (list_length(page, ash_xfree_first(x), page->cap + 1) < ash_xfree_count(x))
        *ret_why = "R4: the mailbox is damaged";
    else if (page->attn <= 0)
        *ret_why = "H5: attention was missed";
    return *ret_why == NULL;
}
