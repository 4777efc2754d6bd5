/* free.c: frees that are not the owner's plain ones; see free.h. */
#include "heap/free.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/named.h"
#include "heap/page.h"
#include "heap/remote.h"
#include "heap/starter.h"
#include "heap/threads.h"
#include "heap/watch.h"

static void free_found(const struct ash_found *found, void *p)
{
    struct ash_tls *tls = &ash_tls;
    struct ash_meta *page = found->head;
    uintptr_t owner = atomic_load_explicit(&page->owner, memory_order_relaxed);
    if (owner == ASH_TAG_LARGE) {
        if (!ash_named_free_object(page)) /* another thread was faster: a double free */
            ash_misuse_report(ASH_MISUSE_FREE, p, ASH_PLACE_RELEASED);
        return;
    }
    if (owner & 1) { /* released between the lookup and now */
        ash_misuse_report(ASH_MISUSE_FREE, p, ASH_PLACE_RELEASED);
        return;
    }
    struct ash_heap *heap = (struct ash_heap *)owner;
    if (heap == tls->self) { /* a further slice of one of our medium pages */
        if (ash_page_put(page, p))
            ash_free_attention(p);
        return;
    }
    enum ash_heap_kind kind = ash_heap_kind_of(heap);
    if (kind == ASH_HEAP_STARTER && ash_starter_free(heap, page, p))
        return;
    if (kind == ASH_HEAP_NAMED && ash_named_free(heap, page, p))
        return;
    ash_remote_free(tls, page, p);
}

void ash_free_slow(void *p)
{
    if (p == NULL)
        return;
    if (ash_watch_asks()) {
        ash_hooks.watcher->free(p);
        return;
    }
    ash_thread_check_fork();
    struct ash_found found = ash_page_find((uintptr_t)p);
    if (ASH_UNLIKELY(found.place != ASH_PLACE_BLOCK)) {
        ash_misuse_report(ASH_MISUSE_FREE, p, found.place);
        return;
    }
    free_found(&found, p);
}

void ash_free_attention(void *p)
{
    struct ash_tls *tls = &ash_tls;
    ash_thread_check_fork();
    struct ash_meta *page = ash_page_find((uintptr_t)p).head;
    struct ash_heap *heap = ash_thread_reenter(tls, page);
    if (!heap)
        return;
    ash_page_attention(heap, page);
    ash_thread_leave(heap);
}

size_t ash_usable_bytes(void *p)
{
    if (p == NULL)
        return 0;
    if (ash_watch_asks())
        return ash_hooks.watcher->usable(p);
    struct ash_found found = ash_page_find((uintptr_t)p);
    if (ASH_UNLIKELY(found.place != ASH_PLACE_BLOCK)) {
        ash_misuse_report_from(__builtin_return_address(0), ASH_MISUSE_USABLE, p, found.place);
        return 0;
    }
    return ash_large_is(found.head) ? ash_large_usable(found.head) : ash_meta_bsize(found.head);
}

/* Could a block of this page or object have been asked for with bytes (and align)? */
static bool size_fits(const struct ash_meta *head, size_t bytes, size_t align)
{
    if (ash_large_is(head))
        return bytes <= ash_large_usable(head) &&
               (bytes > ASH_CLASS_MAX || align > 16 || bytes > ash_large_usable(head) / 2);
    if (bytes > ash_meta_bsize(head))
        return false;
    /* Aligned requests may have taken a larger class; plain ones have exactly one, unless
     * realloc let a shrunk block stay. */
    return align > 16 || ash_class_of(bytes) == head->cls ||
           bytes >= ash_meta_bsize(head) - ash_meta_bsize(head) / 4;
}

void ash_free_sized(void *p, size_t bytes, size_t align)
{
    if (p == NULL)
        return;
    if (ash_watch_asks()) {
        ash_hooks.watcher->free_sized(p, bytes, align);
        return;
    }
    struct ash_found found = ash_page_find((uintptr_t)p);
    if (found.place == ASH_PLACE_BLOCK) {
        /* the first: no power of two, which no request had */
        if ((align & (align - 1)) || (align != 0 && ((uintptr_t)p & (align - 1)))) {
            ash_misuse_report_size(ASH_MISUSE_ALIGN, p, align);
            return;
        }
        if (!size_fits(found.head, bytes, align)) {
            ash_misuse_report_size(ASH_MISUSE_SIZE, p, bytes);
            return;
        }
    }
    ash_fast_free(p);
}
