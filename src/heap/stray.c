/* stray.c: blocks of other heaps, kept or sent; see stray.h. */
#include "heap/stray.h"
#include "heap/misuse.h"
#include "heap/remote.h"
#include "heap/threads.h"

/* ---- sending ---- */

#define SHARES 8u

/* The share of one page in a list that is being sorted. */
struct share {
    struct ash_meta *page; /* NULL: unused */
    void *first, *last;
    unsigned n;
};

static unsigned share_of(const struct ash_meta *page)
{
    return (unsigned)(((uintptr_t)page >> 7) * 0x9E3779B97F4A7C15u >> 61);
}
static_assert(SHARES == 8, "share_of yields three bits");

/* The page of a block that is out; NULL if the program freed it twice and it is no block now. */
static struct ash_meta *page_of(const void *p, unsigned cls)
{
    struct ash_meta *meta = ash_meta_of((uintptr_t)p);
    /* acquire; pairs with the release that published the page (S9) */
    uint8_t kind = atomic_load_explicit(&meta->kind, memory_order_acquire);
    if (kind == ASH_KIND_INTERIOR) {
        meta = (struct ash_meta *)meta->head;
        kind = ASH_KIND_MEDIUM;
    }
    bool is_page = kind == ASH_KIND_SMALL || kind == ASH_KIND_MEDIUM;
    return is_page && meta->cls == cls ? meta : NULL;
}

static void send_share(struct share *share)
{
    if (share->page)
        ash_remote_send(share->page, share->first, share->last, share->n);
    share->page = NULL;
}

/* Blocks of one page mostly follow each other: the share of the last one is tried first. */
static bool is_of_share(const struct share *share, const void *p)
{
    return (uintptr_t)p - share->page->start <
           ash_meta_slices(share->page) * (uintptr_t)ASH_SLICE_BYTES;
}

/* The share to which the block belongs, with no block yet if it is the first of its page. */
static struct share *find_share(struct share *shares, void *p, unsigned cls)
{
    struct ash_meta *page = page_of(p, cls);
    if (!page)
        return NULL;
    struct share *share = &shares[share_of(page)];
    if (share->page != page) {
        send_share(share);
        *share = (struct share){page, NULL, p, 0};
    }
    return share;
}

static void send_list(void *list, unsigned cls)
{
    struct share shares[SHARES] = {{0}};
    struct share *share = NULL;
    void *next;
    for (void *p = list; p; p = next) {
        next = *(void **)p;
        if (!share || !is_of_share(share, p))
            share = find_share(shares, p, cls);
        if (!share) {
            ash_misuse_report(ASH_MISUSE_FREE, p, ASH_PLACE_RELEASED);
            continue;
        }
        *(void **)p = share->first;
        share->first = p;
        share->n++;
    }
    for (unsigned i = 0; i < SHARES; i++)
        send_share(&shares[i]);
}

/* Takes the list of a class. NULL: it is empty. */
static void *take_class(struct ash_strays *strays, unsigned cls)
{
    void *list = strays->first[cls];
    strays->room += (int64_t)strays->n[cls] * ash_class_bytes[cls];
    strays->first[cls] = NULL;
    strays->n[cls] = 0;
    return list;
}

void ash_stray_send(struct ash_heap *heap)
{
    struct ash_strays *strays = &heap->strays;
    for (unsigned c = 1; c < ASH_STRAY_CLASSES; c++)
        if (strays->n[c])
            send_list(take_class(strays, c), c);
    strays->room = (int64_t)ash_size_max(ASH_STRAY_ALL_BYTES, heap->page_bytes / 16);
}

void ash_stray_full(struct ash_tls *tls, unsigned cls)
{
    ash_thread_check_fork();
    struct ash_heap *heap = ash_thread_reenter(tls, NULL);
    if (!heap)
        return;
    if (heap->strays.room < 0)
        ash_stray_send(heap);
    else
        send_list(take_class(&heap->strays, cls), cls);
    ash_thread_end(heap);
    ash_thread_tick();
}

/* A bin that was filled from the strays: H3. */
static void send_bin(struct ash_tls *tls, struct ash_heap *heap, unsigned cls)
{
    void *list = tls->bin[cls];
    const struct ash_meta *page = list ? page_of(list, cls) : NULL;
    if (!page || page == heap->cur[cls])
        return;
    tls->bin[cls] = NULL;
    uint64_t n = 0;
    for (void *p = list; p; p = *(void **)p)
        n++;
    ash_count_add(&heap->handed_count, 0 - n);
    ash_count_add(&heap->handed_bytes, 0 - n * ash_class_bytes[cls]);
    send_list(list, cls);
}

void ash_stray_send_own(struct ash_tls *tls)
{
    ash_thread_check_fork();
    struct ash_heap *heap = ash_thread_reenter(tls, NULL);
    if (!heap)
        return;
    ash_stray_send(heap);
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        send_bin(tls, heap, c);
    ash_thread_end(heap);
}

void ash_stray_drop(struct ash_heap *heap)
{
    heap->strays = (struct ash_strays){.room = ASH_STRAY_ALL_BYTES};
}

/* ---- keeping ---- */

/* A thread without a heap is a short or a quiet one: it gets one when it has freed much. */
static bool earns_heap(struct ash_tls *tls)
{
    return tls->self != &ash_heap_none || ++tls->credit[0] >= ASH_STRAY_CREDIT;
}

/* The heap that keeps strays of the page, busy; NULL: none does. */
static struct ash_heap *keeper(struct ash_tls *tls, const struct ash_meta *page)
{
    if (page->cls >= ASH_STRAY_CLASSES || !earns_heap(tls))
        return NULL;
    ash_thread_need_exit(tls); /* else strays would die with their thread */
    return tls->state == ASH_TLS_KEYED ? ash_thread_enter(tls, 0) : NULL;
}

void ash_stray_free(struct ash_tls *tls, struct ash_meta *page, void *p)
{
    struct ash_heap *heap = keeper(tls, page);
    if (!heap) {
        ash_remote_send(page, p, p, 1);
        return;
    }
    enum ash_stray_result result = ash_stray_add(heap, page, p);
    ash_thread_leave(heap);
    if (result == ASH_STRAY_FULL)
        ash_stray_full(tls, page->cls);
    else if (result == ASH_STRAY_AGAIN)
        ash_misuse_report(ASH_MISUSE_FREE, p, ASH_PLACE_RELEASED);
}

void *ash_stray_take(struct ash_tls *tls, struct ash_heap *heap, unsigned cls)
{
    struct ash_strays *strays = &heap->strays;
    unsigned n = strays->n[cls];
    if (n == 0 || ash_class_bytes[cls] < ASH_STRAY_REUSED_MIN)
        return NULL;
    void *p = take_class(strays, cls);
    tls->zero[cls / 64] &= ~((uint64_t)1 << (cls % 64)); /* H8 */
    ash_count_add(&heap->handed_count, n);
    ash_count_add(&heap->handed_bytes, (uint64_t)n * ash_class_bytes[cls]);
    tls->bin[cls] = *(void **)p;
    return p;
}
