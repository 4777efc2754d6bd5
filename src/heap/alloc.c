/* alloc.c: what malloc does when the bin is empty; see alloc.h. */
#include "heap/alloc.h"
#include "base/hooks.h"
#include "heap/class.h"
#include "heap/count.h"
#include "heap/large.h"
#include "heap/page.h"
#include "heap/starter.h"
#include "heap/threads.h"
#include "heap/watch.h"
#include <errno.h>
#include <string.h>

void *ash_alloc_fail(size_t bytes)
{
    atomic_fetch_add_explicit(&ash_count_fails, 1, memory_order_relaxed);
    if (ash_hooks.oom)
        ash_hooks.oom(bytes);
    errno = ENOMEM;
    return NULL;
}

static void set_zero_bit(struct ash_tls *tls, unsigned cls, bool zero)
{
    uint64_t bit = (uint64_t)1 << (cls % 64);
    if (zero)
        tls->zero[cls / 64] |= bit;
    else
        tls->zero[cls / 64] &= ~bit;
}

static bool zero_bit(const struct ash_tls *tls, unsigned cls)
{
    return tls->zero[cls / 64] >> (cls % 64) & 1;
}

/* A block from the thread's own heap, which is busy (H10). */
static void *refill(struct ash_tls *tls, struct ash_heap *heap, unsigned cls, bool *ret_zero)
{
    if (cls >= ASH_BIN_COUNT || tls->watch == ASH_WATCH_PAUSED) /* W1 */
        return ash_page_pop(heap, cls, ret_zero);
    if (!ash_page_ready(heap, cls, ret_zero))
        return NULL;
    void *p = ash_page_take_list(heap, cls);
    set_zero_bit(tls, cls, *ret_zero);
    tls->bin[cls] = *(void **)p; /* the single store that publishes (H6) */
    return p;
}

/* A block of the class while its bin is empty. NULL: no memory. */
static void *refill_class(unsigned cls, bool *ret_zero)
{
    struct ash_tls *tls = &ash_tls;
    struct ash_heap *heap = ash_thread_enter(tls, cls);
    if (!heap)
        return ash_starter_alloc(cls, ret_zero);
    void *p = refill(tls, heap, cls, ret_zero);
    ash_thread_leave(heap);
    return p;
}

void *ash_alloc_class(size_t cls)
{
    if (ash_watch_asks())
        return ash_hooks.watcher->alloc(ash_class_bytes[cls]);
    bool zero;
    void *p = refill_class((unsigned)cls, &zero);
    return p ? p : ash_alloc_fail(ash_class_bytes[cls]);
}

void *ash_alloc_slow(size_t bytes)
{
    if (ash_watch_asks())
        return ash_hooks.watcher->alloc(bytes);
    return ash_alloc_class(ash_class_of(bytes));
}

void *ash_alloc_above_small(size_t bytes)
{
    if (ash_watch_asks())
        return ash_hooks.watcher->alloc(bytes);
    if (ASH_LIKELY(bytes <= ASH_BINNED_MAX)) {
        unsigned cls = ash_class_medium[(bytes + 127) >> 7];
        void *p = ash_tls.bin[cls];
        if (ASH_LIKELY(p != NULL)) {
            ash_tls.bin[cls] = *(void **)p;
            return p;
        }
    }
    bool zero;
    void *p = bytes <= ASH_CLASS_MAX ? refill_class(ash_class_of(bytes), &zero)
                                     : ash_large_alloc(bytes, ASH_SLICE_BYTES, &zero);
    return p ? p : ash_alloc_fail(bytes);
}

/* The block reads zero except for its first word, where the link was. */
static void *zero_block(void *p, size_t bytes, bool zero)
{
    if (zero)
        memset(p, 0, sizeof(void *));
    else
        memset(p, 0, bytes);
    return p;
}

static void *zeroed_class(size_t bytes)
{
    unsigned cls = ash_class_of(bytes);
    struct ash_tls *tls = &ash_tls;
    bool zero;
    void *p = cls < ASH_BIN_COUNT ? tls->bin[cls] : NULL;
    if (p) {
        tls->bin[cls] = *(void **)p;
        zero = zero_bit(tls, cls); /* H8 */
    } else {
        p = refill_class(cls, &zero);
    }
    return p ? zero_block(p, bytes < 8 ? 8 : bytes, zero) : ash_alloc_fail(bytes);
}

void *ash_alloc_zeroed(size_t count, size_t bytes)
{
    if (ash_watch_asks())
        return ash_hooks.watcher->zeroed(count, bytes);
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return ash_alloc_fail(SIZE_MAX);
    if (all <= ASH_CLASS_MAX)
        return zeroed_class(all);
    bool zero;
    void *p = ash_large_alloc(all, ASH_SLICE_BYTES, &zero);
    if (!p)
        return ash_alloc_fail(all);
    return zero ? p : memset(p, 0, all);
}

void *ash_alloc_aligned(size_t align, size_t bytes)
{
    if (ash_watch_asks())
        return ash_hooks.watcher->aligned(align, bytes);
    if (bytes > PTRDIFF_MAX || align > ASH_REGION_BYTES / 2)
        return ash_alloc_fail(bytes);
    if (align <= 16 && bytes <= ASH_CLASS_MAX)
        align = 16;
    unsigned cls = bytes <= ASH_CLASS_MAX && align <= ASH_SLICE_BYTES
                       ? ash_class_aligned(bytes, align)
                       : 0; /* C2 */
    bool zero;
    if (cls == 0) {
        void *p = ash_large_alloc(bytes, ash_size_max(align, ASH_SLICE_BYTES), &zero);
        return p ? p : ash_alloc_fail(bytes);
    }
    void *p = cls < ASH_BIN_COUNT ? ash_tls.bin[cls] : NULL;
    if (p) {
        ash_tls.bin[cls] = *(void **)p;
        return p;
    }
    p = refill_class(cls, &zero);
    return p ? p : ash_alloc_fail(bytes);
}
