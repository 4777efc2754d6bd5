/* large.c: objects of whole slices and mappings; see large.h. */
#include "heap/large.h"
#include "base/check.h"
#include "heap/threads.h"
#include <string.h>

_Atomic uint64_t ash_large_count, ash_large_bytes, ash_large_ever, ash_huge_count;

#define MOVE_MIN ((size_t)8 << 20) /* below, copying is cheaper than another mapping */

static bool is_huge(const struct ash_meta *head)
{
    return atomic_load_explicit(&head->kind, memory_order_relaxed) == ASH_KIND_HUGE;
}

static struct ash_meta *table_of(const struct ash_meta *meta)
{
    return (struct ash_meta *)((uintptr_t)meta & ~(ASH_REGION_BYTES - 1));
}

static void mark_slices(struct ash_meta *head, uintptr_t addr, unsigned n)
{
    struct ash_meta *meta = ash_meta_of(addr);
    for (unsigned i = 0; i < n; i++, meta++) {
        if (meta == head)
            continue;
        meta->head = (uintptr_t)head;
        atomic_store_explicit(&meta->owner, ASH_TAG_INTERIOR, memory_order_relaxed);
        /* release: whoever sees the kind sees the head (S5) */
        atomic_store_explicit(&meta->kind, ASH_KIND_INTERIOR, memory_order_release);
    }
}

static void clear_slices(uintptr_t addr, unsigned n)
{
    struct ash_meta *meta = ash_meta_of(addr);
    for (unsigned i = 0; i < n; i++, meta++) {
        atomic_store_explicit(&meta->kind, ASH_KIND_NONE, memory_order_relaxed);
        atomic_store_explicit(&meta->owner, ASH_TAG_RELEASED, memory_order_relaxed);
    }
}

/* Makes every slice of [addr, addr + n slices) lead to the head: by span where a group is
 * covered wholly, by INTERIOR elsewhere. clear: takes that back. */
static void cover(struct ash_meta *head, uintptr_t addr, unsigned n, bool clear)
{
    while (n) {
        struct ash_group *group = ash_group_of(addr);
        unsigned first_i = (unsigned)(addr >> ASH_SLICE_SHIFT) % ASH_GROUP_SLICES;
        unsigned part = ASH_GROUP_SLICES - first_i < n ? ASH_GROUP_SLICES - first_i : n;
        bool whole = part == ASH_GROUP_SLICES && ash_meta_of(addr) != head;
        if (clear && atomic_load_explicit(&group->span, memory_order_relaxed) != 0)
            atomic_store_explicit(&group->span, 0, memory_order_relaxed);
        else if (clear)
            clear_slices(addr, part);
        else if (whole)
            /* release; pairs with the acquire in ash_page_find */
            atomic_store_explicit(&group->span, (uint32_t)(head - table_of(head)),
                                  memory_order_release);
        else
            mark_slices(head, addr, part);
        addr += part * ASH_SLICE_BYTES;
        n -= part;
    }
}

/* Objects became longer or shorter in all; huge ones are counted by space. */
static void count_bytes(int64_t more, bool huge)
{
    if (!huge)
        atomic_fetch_add_explicit(&ash_large_bytes, (uint64_t)more, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.used_bytes, more, memory_order_relaxed);
}

static void count_object(int sign, size_t bytes, bool huge)
{
    uint64_t one = sign > 0 ? 1 : (uint64_t)-1;
    atomic_fetch_add_explicit(huge ? &ash_huge_count : &ash_large_count, one, memory_order_relaxed);
    if (sign > 0)
        atomic_fetch_add_explicit(&ash_large_ever, 1, memory_order_relaxed);
    count_bytes(sign > 0 ? (int64_t)bytes : -(int64_t)bytes, huge);
}

static void publish(struct ash_meta *head, uintptr_t start, size_t bytes, enum ash_kind kind)
{
    head->start = start;
    head->head = bytes;
    atomic_store_explicit(&head->bsize, 0, memory_order_relaxed);
    head->flags = 0;
    head->owned_next = head->owned_prev = NULL;
    atomic_store_explicit(&head->owner, ASH_TAG_LARGE, memory_order_relaxed);
    /* release: whoever sees the kind sees the whole line (S9) */
    atomic_store_explicit(&head->kind, (uint8_t)kind, memory_order_release);
}

static void *alloc_huge(size_t bytes, size_t align, bool *ret_zero)
{
    bytes = ash_align_up(bytes ? bytes : 1, ash_os_page_bytes()); /* size 0 is a block, too */
    uintptr_t addr = ash_region_map_huge(bytes, align);
    if (!addr)
        return NULL;
    *ret_zero = true;
    publish(ash_meta_of(addr), addr, bytes, ASH_KIND_HUGE);
    count_object(1, bytes, true);
    return (void *)addr;
}

static void *alloc_once(size_t bytes, size_t align, bool *ret_zero)
{
    size_t n = (bytes + ASH_SLICE_BYTES - 1) >> ASH_SLICE_SHIFT;
    if (n == 0)
        n = 1;
    struct ash_run run;
    if (n > ASH_RUN_MAX || n + (align >> ASH_SLICE_SHIFT) > ASH_REGION_SLICES / 2 + 1 ||
        align > ASH_REGION_BYTES / 4)
        return alloc_huge(bytes, align, ret_zero);
    if (!ash_run_claim((unsigned)n, (unsigned)(align >> ASH_SLICE_SHIFT), &run))
        return NULL;
    struct ash_meta *head = ash_meta_of(run.addr);
    atomic_store_explicit(&head->n_slices, run.n_slices, memory_order_relaxed);
    cover(head, run.addr, run.n_slices, false);
    publish(head, run.addr, bytes, ASH_KIND_LARGE);
    count_object(1, run.n_slices * ASH_SLICE_BYTES, false);
    *ret_zero = run.zero;
    return (void *)run.addr;
}

void *ash_large_alloc(size_t bytes, size_t align, bool *ret_zero)
{
    if (bytes > PTRDIFF_MAX)
        return NULL;
    ash_thread_check_fork();
    ash_thread_tick();
    void *p = alloc_once(bytes, align, ret_zero);
    /* F13: idle pages may lie where the object would fit, or hold what a limit lacks. What is
     * larger than all that was ever open is not worth their loss. */
    if (!p && bytes <= ash_region_open_count() * ASH_GROUP_BYTES) {
        ash_threads_trim();
        p = alloc_once(bytes, align, ret_zero);
    }
    return p;
}

size_t ash_large_usable(const struct ash_meta *head)
{
    return is_huge(head) ? head->head : ash_meta_slices(head) * ASH_SLICE_BYTES;
}

bool ash_large_free(struct ash_meta *head)
{
    uintptr_t owner = ASH_TAG_LARGE;
    /* acquire: one winner, which sees the object as it was published or resized */
    if (!atomic_compare_exchange_strong_explicit(&head->owner, &owner, ASH_TAG_RELEASED,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    size_t bytes = ash_large_usable(head);
    count_object(-1, bytes, is_huge(head));
    if (is_huge(head)) {
        ash_region_unmap_huge(head->start, bytes);
        return true;
    }
    uintptr_t start = head->start;
    unsigned n = ash_meta_slices(head);
    cover(head, start, n, true);
    ash_run_return(start, n);
    ash_thread_tick();
    return true;
}

static bool resize_huge(struct ash_meta *head, size_t bytes)
{
    size_t have = head->head;
    size_t want = ash_align_up(bytes, ash_os_page_bytes());
    if (want > have) {
        if (!ash_region_grow_huge(head->start, have, want - have))
            return false;
    } else {
        if (bytes <= ASH_RUN_MAX * ASH_SLICE_BYTES / 2)
            return false; /* a region serves it better */
        if (want < have && !ash_region_shrink_huge(head->start, have, have - want))
            want = have; /* the system refuses: it stays as long as it is */
    }
    count_bytes((int64_t)want - (int64_t)have, true);
    head->head = want;
    return true;
}

ASH_RARE bool ash_large_resize(struct ash_meta *head, size_t bytes)
{
    if (is_huge(head))
        return resize_huge(head, bytes);
    size_t have = ash_meta_slices(head);
    size_t want = (bytes + ASH_SLICE_BYTES - 1) >> ASH_SLICE_SHIFT;
    uintptr_t end = head->start + have * ASH_SLICE_BYTES;
    bool zero;
    if (bytes <= ASH_CLASS_MAX)
        return false;
    if (want > have) {
        if (want > ASH_RUN_MAX || !ash_run_extend(end, (unsigned)(want - have), &zero))
            return false;
        cover(head, end, (unsigned)(want - have), false);
        atomic_store_explicit(&head->n_slices, (uint32_t)want, memory_order_relaxed);
        count_bytes((int64_t)((want - have) * ASH_SLICE_BYTES), false);
    } else if (want + 2 <= have && want < have - have / 8) {
        uintptr_t tail = head->start + want * ASH_SLICE_BYTES;
        /* A group whose span names us may be cut: its kept part gets INTERIOR first. */
        struct ash_group *group = ash_group_of(tail);
        unsigned kept = (unsigned)(tail >> ASH_SLICE_SHIFT) % ASH_GROUP_SLICES;
        if (kept && atomic_load_explicit(&group->span, memory_order_relaxed) != 0) {
            mark_slices(head, tail - kept * ASH_SLICE_BYTES, kept);
            clear_slices(tail, ASH_GROUP_SLICES - kept);
            atomic_store_explicit(&group->span, 0, memory_order_relaxed);
        }
        atomic_store_explicit(&head->n_slices, (uint32_t)want, memory_order_relaxed);
        cover(head, tail, (unsigned)(have - want), true);
        count_bytes(-(int64_t)((have - want) * ASH_SLICE_BYTES), false);
        ash_run_return(tail, (unsigned)(have - want));
    }
    head->head = bytes;
    return true;
}

ASH_RARE void ash_large_move(struct ash_meta *from, struct ash_meta *to, size_t n)
{
    size_t body = ash_align_down(n, ASH_SLICE_BYTES);
    body = body < MOVE_MIN ? 0 : ash_os_move(from->start, to->start, body);
    memcpy((char *)to->start + body, (const char *)from->start + body, n - body);
}
