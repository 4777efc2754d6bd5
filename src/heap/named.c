/* named.c: heaps made by the program; see named.h. */
#include "heap/named.h"
#include "heap/large.h"
#include "heap/page.h"
#include "heap/threads.h"
#include <string.h>

/* Destroyed descriptors wait here for the next named heap (H7); a lock-free stack would have
 * ABA, so they are found by their kind in the registry instead. */
static struct ash_heap *reuse(void)
{
    for (struct ash_heap *heap = ash_heap_first(); heap;
         heap = atomic_load_explicit(&heap->all_next, memory_order_relaxed)) {
        uint8_t none = ASH_HEAP_NONE;
        if (heap->lock.rank != ASH_RANK_NAMED)
            continue;
        /* acquire; pairs with the release in destroy */
        if (atomic_compare_exchange_strong_explicit(&heap->kind, &none, ASH_HEAP_NAMED,
                                                    memory_order_acquire, memory_order_relaxed))
            return heap;
    }
    return NULL;
}

struct ash_heap *ash_named_new(void)
{
    ash_thread_check_fork();
    struct ash_heap *heap = reuse();
    return heap ? heap : ash_heap_new(ASH_HEAP_NAMED);
}

/* Token 0: the heap is quarantined. */
static struct ash_held lock_named(struct ash_heap *heap)
{
    ash_thread_check_fork();
    struct ash_held held = ash_lock_take(&heap->lock);
    if (held.owner_died || ash_heap_kind_of(heap) != ASH_HEAP_NAMED) {
        ash_heap_quarantine(heap);
        ash_lock_drop(&heap->lock, held);
        held.token = 0;
    }
    return held;
}

static void link_object(struct ash_heap *heap, struct ash_meta *head)
{
    head->flags |= ASH_META_OF_NAMED;
    head->next = (struct ash_meta *)heap; /* the list is owned_next, owned_prev */
    head->owned_prev = NULL;
    head->owned_next = heap->objects;
    if (heap->objects)
        heap->objects->owned_prev = head;
    heap->objects = head;
}

static void unlink_object(struct ash_heap *heap, struct ash_meta *head)
{
    head->flags = (uint8_t)(head->flags & ~ASH_META_OF_NAMED);
    if (head->owned_prev)
        head->owned_prev->owned_next = head->owned_next;
    else
        heap->objects = head->owned_next;
    if (head->owned_next)
        head->owned_next->owned_prev = head->owned_prev;
}

static void *alloc_object(struct ash_heap *heap, size_t align, size_t bytes)
{
    bool zero;
    void *p = ash_large_alloc(bytes, ash_size_max(align, ASH_SLICE_BYTES), &zero);
    if (p)
        link_object(heap, ash_meta_of((uintptr_t)p));
    return p;
}

void *ash_named_alloc(struct ash_heap *heap, size_t align, size_t bytes)
{
    unsigned cls = bytes <= ASH_CLASS_MAX && align <= ASH_SLICE_BYTES
                       ? ash_class_aligned(bytes, align < 16 ? 16 : align)
                       : 0;
    struct ash_held held = lock_named(heap);
    if (!held.token)
        return NULL;
    bool zero;
    void *p = cls ? ash_page_pop(heap, cls, &zero) : alloc_object(heap, align, bytes);
    ash_lock_drop(&heap->lock, held);
    return p;
}

bool ash_named_free(struct ash_heap *heap, struct ash_meta *page, void *p)
{
    struct ash_held held = lock_named(heap);
    if (!held.token)
        return false;
    ash_page_push(heap, page, p);
    ash_lock_drop(&heap->lock, held);
    return true;
}

bool ash_named_free_object(struct ash_meta *head)
{
    if (head->flags & ASH_META_OF_NAMED) {
        struct ash_heap *heap = (struct ash_heap *)head->next;
        struct ash_held held = lock_named(heap);
        if (held.token && (head->flags & ASH_META_OF_NAMED))
            unlink_object(heap, head);
        if (held.token)
            ash_lock_drop(&heap->lock, held);
    }
    return ash_large_free(head);
}

static void free_all(struct ash_heap *heap)
{
    memset(heap->cur, 0, sizeof(heap->cur));
    memset(heap->part, 0, sizeof(heap->part));
    heap->retained_bytes = 0;
    while (heap->pages)
        ash_page_release(heap, heap->pages);
    while (heap->objects) {
        struct ash_meta *head = heap->objects;
        unlink_object(heap, head);
        ash_large_free(head);
    }
}

void ash_named_free_all(struct ash_heap *heap)
{
    struct ash_held held = lock_named(heap);
    if (!held.token)
        return;
    free_all(heap);
    ash_lock_drop(&heap->lock, held);
}

void ash_named_destroy(struct ash_heap *heap)
{
    struct ash_held held = lock_named(heap);
    if (!held.token)
        return;
    free_all(heap);
    /* release; pairs with the acquire in reuse */
    atomic_store_explicit(&heap->kind, ASH_HEAP_NONE, memory_order_release);
    ash_lock_drop(&heap->lock, held);
}
