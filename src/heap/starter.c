/* starter.c: heaps shared by young threads; see starter.h. */
#include "heap/starter.h"
#include "heap/holes.h"
#include "heap/page.h"
#include "heap/remote.h"
#include "heap/threads.h"

#define STARTERS_MAX 256u
#define CREDIT_BLOCKS 8u
#define CREDIT_BYTES 32768u
#define SPINS 64u

static struct ash_heap
    *_Atomic starters[STARTERS_MAX]; /* by CPU; set once, replaced after a fork */
static _Atomic unsigned next_visited;

bool ash_starter_credit(struct ash_tls *tls, unsigned cls)
{
    if (cls >= ASH_BIN_COUNT)
        return true;
    unsigned by_bytes = CREDIT_BYTES / ash_class_bytes[cls];
    unsigned limit = by_bytes < 1 ? 1 : by_bytes > CREDIT_BLOCKS ? CREDIT_BLOCKS : by_bytes;
    if (tls->credit[cls] >= limit)
        return false;
    tls->credit[cls]++;
    return true;
}

static unsigned starter_count(void)
{
    static _Atomic unsigned known; /* asked once: the answer costs a system call */
    unsigned n = atomic_load_explicit(&known, memory_order_relaxed);
    if (n == 0) {
        n = ash_os_cpu_count();
        n = n < STARTERS_MAX ? n : STARTERS_MAX;
        atomic_store_explicit(&known, n, memory_order_relaxed);
    }
    return n;
}

/* The starter of a slot, made when it is needed first. NULL: no memory. */
static struct ash_heap *starter_at(unsigned slot)
{
    /* acquire; pairs with the release below */
    struct ash_heap *heap = atomic_load_explicit(&starters[slot], memory_order_acquire);
    if (heap && ash_heap_kind_of(heap) == ASH_HEAP_STARTER)
        return heap;
    struct ash_heap *fresh = ash_heap_new(ASH_HEAP_STARTER);
    if (!fresh)
        return NULL;
    /* release; pairs with the acquire above. The loser's heap stays in the registry, empty:
     * this happens at most once for each CPU. */
    if (atomic_compare_exchange_strong_explicit(&starters[slot], &heap, fresh, memory_order_acq_rel,
                                                memory_order_acquire))
        return fresh;
    return heap;
}

/* Locks the starter, unless it is gone or (with spins) busy. Token 0: not locked. */
static struct ash_held lock_starter(struct ash_heap *heap, unsigned spins)
{
    struct ash_held held = spins ? ash_lock_spin(&heap->lock, spins) : ash_lock_take(&heap->lock);
    if (held.token && (held.owner_died || ash_heap_kind_of(heap) != ASH_HEAP_STARTER)) {
        ash_heap_quarantine(heap);
        ash_lock_drop(&heap->lock, held);
        held.token = 0;
    }
    return held;
}

void *ash_starter_alloc(unsigned cls, bool *ret_zero)
{
    unsigned n = starter_count();
    unsigned slot = ash_os_cpu() % n;
    for (unsigned tries = 0;; tries++, slot = (slot + 1) % n) {
        struct ash_heap *heap = starter_at(slot);
        if (!heap)
            return NULL;
        /* Busy starters are passed by once; then we wait for our own. */
        struct ash_held held = lock_starter(heap, tries < n ? SPINS : 0);
        if (!held.token)
            continue;
        void *p = ash_page_pop(heap, cls, ret_zero);
        ash_lock_drop(&heap->lock, held);
        ash_thread_tick();
        return p;
    }
}

bool ash_starter_free(struct ash_heap *starter, struct ash_meta *page, void *p)
{
    struct ash_held held = lock_starter(starter, SPINS);
    if (!held.token)
        return false;
    ash_page_push(starter, page, p);
    ash_lock_drop(&starter->lock, held);
    return true;
}

static void visit(struct ash_heap *heap, bool all)
{
    struct ash_held held = lock_starter(heap, SPINS);
    if (!held.token)
        return;
    ash_remote_drain(heap);
    if (all)
        ash_page_release_empty(heap, 0);
    ash_holes_scan(heap, all);
    ash_lock_drop(&heap->lock, held);
}

void ash_starter_tick(void)
{
    unsigned slot = atomic_fetch_add_explicit(&next_visited, 1, memory_order_relaxed);
    /* acquire; pairs with the release in starter_at */
    struct ash_heap *heap =
        atomic_load_explicit(&starters[slot % starter_count()], memory_order_acquire);
    if (heap)
        visit(heap, false);
}

ASH_RARE void ash_starters_release(void)
{
    for (unsigned slot = 0; slot < STARTERS_MAX; slot++) {
        /* acquire; pairs with the release in starter_at */
        struct ash_heap *heap = atomic_load_explicit(&starters[slot], memory_order_acquire);
        if (heap)
            visit(heap, true);
    }
}
