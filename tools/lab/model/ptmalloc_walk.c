/* ptmalloc_walk.c: what lies where in all arenas, and whether it is right; see ptmalloc.h. */
#include "lab/model/ptmalloc.h"

/* --- each --- */

static bool show_chunk(uintptr_t at, ash_lab_visit *visit, void *arg)
{
    size_t size = ash_tag_size(at), mark = *ash_tag(at) & ASH_PT_META;
    if (mark == ASH_PT_META) /* the second fence has no size, only its word */
        return visit(arg, at, size ? size : ASH_TAG_BYTES, ASH_LAB_META);
    if (ash_tag_has(at, ASH_TAG_FREE))
        return visit(arg, at, size, ASH_LAB_FREE);
    if (mark)
        return visit(arg, at, size, ASH_LAB_CACHED);
    return visit(arg, at, ASH_TAG_BYTES, ASH_LAB_HEADER) &&
           visit(arg, at + ASH_TAG_BYTES, size - ASH_TAG_BYTES, ASH_LAB_BLOCK);
}

/* A range that was used up to `high`. */
static bool show_rest(uintptr_t start, uintptr_t end, uintptr_t high, ash_lab_visit *visit,
                      void *arg)
{
    if (high > start && !visit(arg, start, ash_size_min(high, end) - start, ASH_LAB_FREE))
        return false;
    start = ash_size_max(start, high);
    return start >= end || visit(arg, start, end - start, ASH_LAB_FRESH);
}

/* Chunks from `at` to the top or the second fence; returns where they end, 0: stopped. */
static uintptr_t show_chunks(uintptr_t at, uintptr_t top, ash_lab_visit *visit, void *arg)
{
    for (; at != top; at = ash_tag_next(at)) {
        if (!show_chunk(at, visit, arg))
            return 0;
        if (ash_tag_size(at) == 0)
            return at + ASH_TAG_BYTES;
    }
    return at;
}

static uintptr_t first_chunk(const struct ash_pt_heap *heap)
{
    uintptr_t start = (uintptr_t)(heap + 1);
    if ((uintptr_t)heap->arena == start)
        start += sizeof(struct ash_pt_arena);
    return ash_align_up(start, 16) + ASH_TAG_BYTES;
}

static bool show_heap(const struct ash_pt_heap *heap, ash_lab_visit *visit, void *arg)
{
    uintptr_t first = first_chunk(heap), end = (uintptr_t)heap + ASH_PT_HEAP_BYTES;
    if (!visit(arg, (uintptr_t)heap, first - (uintptr_t)heap, ASH_LAB_META))
        return false;
    uintptr_t at = show_chunks(first, heap->arena->top, visit, arg);
    return at && show_rest(at, end, heap->high, visit, arg);
}

static bool show_mapped(uintptr_t start, size_t size, ash_lab_visit *visit, void *arg)
{
    size_t front = *(size_t *)start + 2 * ASH_TAG_BYTES;
    return visit(arg, start, front, ASH_LAB_HEADER) &&
           visit(arg, start + front, size - front, ASH_LAB_BLOCK);
}

void ash_pt_each(void *self, ash_lab_visit *visit, void *arg)
{
    struct ash_pt *pt = self;
    struct ash_pt_arena *arena = &pt->main;
    if (arena->top) {
        if (!visit(arg, arena->start, ASH_TAG_BYTES, ASH_LAB_META))
            return;
        uintptr_t at = show_chunks(arena->start + ASH_TAG_BYTES, arena->top, visit, arg);
        if (!at || !show_rest(at, arena->end, arena->high, visit, arg))
            return;
    }
    for (arena = arena->next; arena != &pt->main; arena = arena->next)
        for (struct ash_pt_heap *heap = arena->heap; heap; heap = heap->prev)
            if (!show_heap(heap, visit, arg))
                return;
    for (uint32_t i = 1; i < pt->mapped.n_nodes; i++) {
        const struct ash_tree_node *node = ash_tree_node(&pt->mapped, i);
        if (node->at && !show_mapped(node->at, node->size, visit, arg))
            return;
    }
}

/* --- check --- */

struct tally {
    size_t n_free, n_cached;
};

/* PT1, PT2 of one run of chunks. */
static bool check_chunks(uintptr_t at, uintptr_t top, struct tally *tally)
{
    bool before_is_free = false;
    for (; at != top; at = ash_tag_next(at)) {
        bool is_free = ash_tag_has(at, ASH_TAG_FREE);
        size_t size = ash_tag_size(at), mark = *ash_tag(at) & ASH_PT_META;
        if (ash_tag_has(at, ASH_TAG_PREV_FREE) != before_is_free || (is_free && before_is_free))
            return false;
        if (mark == ASH_PT_META && size == 0)
            return true;
        if (size < (mark == ASH_PT_META ? 16 : ASH_PT_MIN))
            return false;
        if (is_free && *ash_tag(at + size - ASH_TAG_BYTES) != size)
            return false;
        tally->n_free += is_free;
        tally->n_cached += mark == ASH_PT_CACHED;
        before_is_free = is_free;
    }
    return !before_is_free;
}

/* PT3, PT4. */
static bool check_bin(struct ash_pt_arena *arena, unsigned i, size_t *n)
{
    struct ash_pt_chunk *bin = ash_pt_bin(arena, i);
    size_t before = SIZE_MAX;
    for (struct ash_pt_chunk *x = bin->fd; x != bin; x = x->fd) {
        size_t size = ash_tag_size((uintptr_t)x);
        if (!ash_tag_has((uintptr_t)x, ASH_TAG_FREE) || x->fd->bk != x)
            return false;
        ++*n;
        if (i == ASH_PT_UNSORTED)
            continue;
        if (ash_pt_bin_of(size) != i || size > before)
            return false;
        if (size >= ASH_PT_SMALL_MAX && (size != before) != (x->fd_nextsize != NULL))
            return false;
        before = size;
    }
    return bin->fd == bin || i == ASH_PT_UNSORTED || (arena->binmap[i / 32] >> i % 32 & 1);
}

static bool check_arena(struct ash_pt_arena *arena, struct tally *tally)
{
    size_t n = 0, n_free_before = tally->n_free;
    if (arena->is_main) {
        if (arena->top && (!check_chunks(arena->start + ASH_TAG_BYTES, arena->top, tally) ||
                           arena->top + ash_pt_top_size(arena) != arena->end + ASH_TAG_BYTES))
            return false;
    } else {
        for (struct ash_pt_heap *heap = arena->heap; heap; heap = heap->prev)
            if (heap->arena != arena || !check_chunks(first_chunk(heap), arena->top, tally))
                return false;
    }
    for (unsigned i = 1; i < ASH_PT_N_BINS - 1; i++)
        if (!check_bin(arena, i, &n))
            return false;
    return n == tally->n_free - n_free_before;
}

static bool count_list(uintptr_t at, size_t size, size_t *n)
{
    for (; at; at = *(uintptr_t *)ash_tag_payload(at)) {
        ++*n;
        if ((*ash_tag(at) & ASH_PT_META) != ASH_PT_CACHED || ash_tag_size(at) != size)
            return false;
    }
    return true;
}

bool ash_pt_check(void *self)
{
    struct ash_pt *pt = self;
    struct tally tally = {0};
    size_t n = 0;
    struct ash_pt_arena *arena = &pt->main;
    do {
        if (!check_arena(arena, &tally))
            return false;
        for (unsigned i = 0; i < ASH_PT_N_FAST; i++)
            if (!count_list(arena->fast[i], (i + 2) * 16, &n))
                return false;
        arena = arena->next;
    } while (arena != &pt->main);
    for (struct ash_pt_thread *thread = pt->threads; thread; thread = thread->next)
        for (unsigned i = 0; thread->tcache && i < ASH_PT_N_TCACHE; i++) {
            size_t n_before = n;
            if (!count_list(thread->tcache->entries[i], (i + 2) * 16, &n) ||
                n - n_before != thread->tcache->counts[i])
                return false;
        }
    return n == tally.n_cached; /* PT5 */
}
