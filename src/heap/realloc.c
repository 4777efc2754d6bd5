/* realloc.c: changing a block's size; see realloc.h. */
#include "heap/realloc.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/named.h"
#include "heap/page.h"
#include "heap/threads.h"
#include "heap/watch.h"
#include <string.h>

static bool stays(const struct ash_meta *page, size_t bytes)
{
    return bytes <= ash_meta_bsize(page) &&
           (bytes >= ash_meta_bsize(page) - ash_meta_bsize(page) / 4 ||
            ash_class_of(bytes) == page->cls);
}

static void *move_large(struct ash_meta *from, size_t bytes)
{
    bool zero;
    void *to = ash_large_alloc(bytes, ASH_SLICE_BYTES, &zero);
    if (!to)
        return ash_alloc_fail(bytes);
    ash_large_move(from, ash_meta_of((uintptr_t)to), ash_size_min(ash_large_usable(from), bytes));
    ash_named_free_object(from);
    return to;
}

static void *realloc_large(struct ash_meta *head, void *p, size_t bytes)
{
    if (ash_large_resize(head, bytes))
        return p;
    if (bytes > ASH_CLASS_MAX)
        return move_large(head, bytes);
    void *to = ash_fast_malloc(bytes);
    if (!to)
        return NULL;
    memcpy(to, p, ash_size_min(ash_large_usable(head), bytes));
    ash_named_free_object(head);
    return to;
}

void *ash_realloc(void *p, size_t bytes)
{
    if (p == NULL)
        return ash_fast_malloc(bytes);
    if (ash_watch_asks())
        return ash_hooks.watcher->resize(p, bytes);
    struct ash_found found = ash_page_find((uintptr_t)p);
    if (ASH_UNLIKELY(found.place != ASH_PLACE_BLOCK)) {
        ash_misuse_report_from(__builtin_return_address(0), ASH_MISUSE_REALLOC, p, found.place);
        return ash_alloc_fail(bytes);
    }
    if (bytes == 0) {
        ash_fast_free(p);
        return NULL;
    }
    if (bytes > PTRDIFF_MAX)
        return ash_alloc_fail(bytes);
    if (ash_large_is(found.head))
        return realloc_large(found.head, p, bytes);
    if (stays(found.head, bytes))
        return p;
    void *to = ash_fast_malloc(bytes);
    if (!to)
        return NULL;
    memcpy(to, p, ash_size_min(ash_meta_bsize(found.head), bytes));
    ash_fast_free(p);
    return to;
}
