/* ptmalloc_arena.c: arenas, their heaps, growth and trimming; see ptmalloc.h. */
#include "lab/model/ptmalloc.h"

size_t ash_pt_top_size(const struct ash_pt_arena *arena)
{
    return arena->top ? ash_tag_size(arena->top) : 0;
}

void ash_pt_set_top(struct ash_pt_arena *arena, uintptr_t at, size_t size)
{
    size_t *high = arena->is_main ? &arena->high : &arena->heap->high;
    arena->top = at;
    *ash_tag(at) = size; /* PT2: nothing free borders it */
    *high = ash_size_max(*high, at + ASH_TAG_BYTES);
}

/* --- heaps --- */

static struct ash_pt_heap *heap_of(uintptr_t at)
{
    return (struct ash_pt_heap *)ash_align_down(at, ASH_PT_HEAP_BYTES);
}

/* glibc reserves the 64 MiB without access and opens pages; here all of it is mapped at once. */
static struct ash_pt_heap *new_heap(struct ash_pt *pt, size_t size)
{
    if (size + pt->top_pad < ASH_PT_HEAP_LEAST)
        size = ASH_PT_HEAP_LEAST;
    else if (size + pt->top_pad <= ASH_PT_HEAP_BYTES)
        size += pt->top_pad;
    else if (size > ASH_PT_HEAP_BYTES)
        return NULL;
    else
        size = ASH_PT_HEAP_BYTES;
    struct ash_pt_heap *heap = ash_lab_map(pt->memory, ASH_PT_HEAP_BYTES, ASH_PT_HEAP_BYTES);
    if (heap)
        heap->size = ash_align_up(size, ASH_PT_PAGE);
    return heap;
}

static uintptr_t first_chunk(const struct ash_pt_heap *heap)
{
    uintptr_t start = (uintptr_t)heap + sizeof *heap;
    if ((uintptr_t)heap->arena == start)
        start += sizeof(struct ash_pt_arena);
    return ash_align_up(start, 16) + ASH_TAG_BYTES;
}

/* The top is all of the newest heap behind this chunk. */
static void set_heap_top(struct ash_pt_arena *arena, uintptr_t at)
{
    ash_pt_set_top(arena, at, (uintptr_t)arena->heap + arena->heap->size - at + ASH_TAG_BYTES);
}

static struct ash_pt_arena *new_arena(struct ash_pt *pt)
{
    size_t least = sizeof(struct ash_pt_heap) + sizeof(struct ash_pt_arena) + 16;
    struct ash_pt_heap *heap = new_heap(pt, least);
    if (!heap)
        return NULL;
    struct ash_pt_arena *arena = (struct ash_pt_arena *)(heap + 1);
    heap->arena = arena;
    arena->heap = heap;
    arena->system_bytes = heap->size;
    ash_pt_bins_init(arena);
    set_heap_top(arena, first_chunk(heap));
    arena->next = pt->main.next;
    pt->main.next = arena;
    pt->n_arenas++;
    return arena;
}

/* --- arenas of threads --- */

static void attach(struct ash_pt_thread *thread, struct ash_pt_arena *arena)
{
    thread->arena = arena;
    arena->n_threads++;
}

static struct ash_pt_arena *take_idle(struct ash_pt *pt)
{
    struct ash_pt_arena *arena = pt->idle;
    if (arena) {
        pt->idle = arena->idle;
        arena->is_idle = false;
    }
    return arena;
}

/* The next in turn, also when it serves other threads. */
static struct ash_pt_arena *share(struct ash_pt *pt)
{
    struct ash_pt_arena *arena = pt->next_to_use ? pt->next_to_use : &pt->main;
    pt->next_to_use = arena->next;
    struct ash_pt_arena **place = &pt->idle;
    while (*place && *place != arena)
        place = &(*place)->idle;
    if (*place) {
        *place = arena->idle;
        arena->is_idle = false;
    }
    return arena;
}

struct ash_pt_arena *ash_pt_arena_get(struct ash_pt *pt, struct ash_pt_thread *thread)
{
    if (!thread->arena) {
        struct ash_pt_arena *arena = NULL;
        if (pt->n_arenas == 0) { /* the first thread of the process */
            pt->n_arenas = 1;
            arena = &pt->main;
        }
        if (!arena)
            arena = take_idle(pt);
        if (!arena && pt->n_arenas < pt->n_arenas_max)
            arena = new_arena(pt);
        attach(thread, arena ? arena : share(pt));
    }
    ash_lab_lock(pt->memory, thread->arena);
    return thread->arena;
}

void ash_pt_arena_leave(struct ash_pt *pt, struct ash_pt_thread *thread)
{
    struct ash_pt_arena *arena = thread->arena;
    thread->arena = NULL;
    if (!arena || --arena->n_threads > 0)
        return;
    arena->is_idle = true;
    arena->idle = pt->idle;
    pt->idle = arena;
}

struct ash_pt_arena *ash_pt_arena_of(struct ash_pt *pt, uintptr_t at)
{
    if (at >= pt->main.start && at < pt->main.end)
        return &pt->main;
    return heap_of(at)->arena;
}

/* --- mappings of single chunks --- */

uintptr_t ash_pt_map(struct ash_pt *pt, size_t n)
{
    size_t size = ash_align_up(n + ASH_TAG_BYTES, ASH_PT_PAGE);
    char *p = ash_lab_map(pt->memory, size, 0);
    if (!p)
        return 0;
    uintptr_t at = (uintptr_t)p + ASH_TAG_BYTES;
    if (!ash_tree_insert(&pt->mapped, (uintptr_t)p, size, (uintptr_t)p)) {
        ash_lab_unmap(pt->memory, p, size);
        return 0;
    }
    *ash_tag(at) = size | ASH_PT_MAPPED;
    pt->n_mapped++;
    return at;
}

void ash_pt_unmap(struct ash_pt *pt, uintptr_t at)
{
    size_t front = *ash_tag(at - ASH_TAG_BYTES); /* what an alignment cost */
    uintptr_t start = at - ASH_TAG_BYTES - front;
    size_t size = ash_tag_size(at);
    if (pt->is_dynamic && size > pt->mmap_threshold && size <= (size_t)32 << 20) {
        pt->mmap_threshold = size;
        pt->trim_threshold = 2 * size;
    }
    ash_tree_remove(&pt->mapped, ash_tree_of(&pt->mapped, start));
    ash_lab_unmap(pt->memory, (void *)start, front + size);
    pt->n_mapped--;
}

/* --- growth --- */

static bool grow_main(struct ash_pt *pt, struct ash_pt_arena *arena, size_t n)
{
    size_t has = ash_pt_top_size(arena);
    size_t size = ash_align_up(n + pt->top_pad + ASH_PT_MIN - has, ASH_PT_PAGE);
    void *old = ash_lab_extend(pt->memory, (ptrdiff_t)size);
    if (!old)
        return false;
    if (!arena->top) {
        arena->start = (uintptr_t)old;
        arena->end = arena->start;
        arena->top = arena->start + ASH_TAG_BYTES;
    }
    arena->end += size;
    arena->system_bytes += size;
    ash_pt_set_top(arena, arena->top, has + size);
    return true;
}

/* What is left of a full heap becomes a free chunk; two fences end it. */
static void fence_off(struct ash_pt_arena *arena, uintptr_t old_top, size_t old_size)
{
    size_t size = ash_align_down(old_size - ASH_PT_MIN, 16);
    uintptr_t fence = old_top + size;
    *ash_tag(fence) = 16 | ASH_PT_META;
    *ash_tag(fence + 16) = ASH_PT_META;
    if (size < ASH_PT_MIN)
        return;
    *ash_tag(old_top) = size;
    ash_pt_join(arena, old_top);
}

static bool grow_heap(struct ash_pt *pt, struct ash_pt_arena *arena, size_t n)
{
    struct ash_pt_heap *heap = arena->heap;
    size_t has = ash_pt_top_size(arena);
    size_t more = ash_align_up(n + ASH_PT_MIN - has, ASH_PT_PAGE);
    if (more <= ASH_PT_HEAP_BYTES - heap->size) {
        heap->size += more;
        arena->system_bytes += more;
        set_heap_top(arena, arena->top);
        return true;
    }
    struct ash_pt_heap *fresh = new_heap(pt, n + ASH_PT_MIN + sizeof *heap);
    if (!fresh)
        return false;
    uintptr_t old_top = arena->top;
    fresh->arena = arena;
    fresh->prev = heap;
    arena->heap = fresh;
    arena->system_bytes += fresh->size;
    set_heap_top(arena, first_chunk(fresh));
    fence_off(arena, old_top, has);
    return true;
}

bool ash_pt_grow(struct ash_pt *pt, struct ash_pt_arena *arena, size_t n)
{
    return arena->is_main ? grow_main(pt, arena, n) : grow_heap(pt, arena, n);
}

/* --- giving back --- */

/* Whole pages of the top above the pad; 0: not worth it. */
static size_t surplus(const struct ash_pt *pt, const struct ash_pt_arena *arena)
{
    size_t top = ash_pt_top_size(arena);
    if (top < pt->trim_threshold || top <= pt->top_pad + ASH_PT_MIN + 1)
        return 0;
    return ash_align_down(top - ASH_PT_MIN - 1 - pt->top_pad, ASH_PT_PAGE);
}

/* Heaps that are all top go, as long as the one before has room enough. */
static void drop_heaps(struct ash_pt *pt, struct ash_pt_arena *arena)
{
    struct ash_pt_heap *heap = arena->heap;
    while (heap->prev && arena->top == first_chunk(heap)) {
        struct ash_pt_heap *prev = heap->prev;
        uintptr_t fence = (uintptr_t)prev + prev->size - 24;
        bool before_is_free = ash_tag_has(fence, ASH_TAG_PREV_FREE);
        size_t size = ASH_PT_MIN + (before_is_free ? *ash_tag(fence - ASH_TAG_BYTES) : 0);
        if (size + ASH_PT_HEAP_BYTES - prev->size < pt->top_pad + ASH_PT_MIN + ASH_PT_PAGE)
            break;
        arena->system_bytes -= heap->size;
        ash_lab_unmap(pt->memory, heap, ASH_PT_HEAP_BYTES);
        heap = arena->heap = prev;
        uintptr_t at = fence;
        if (before_is_free) {
            at = ash_tag_prev(fence);
            ash_pt_unlink(at);
        }
        ash_pt_set_top(arena, at, size);
    }
}

void ash_pt_trim(struct ash_pt *pt, struct ash_pt_arena *arena)
{
    if (!arena->is_main)
        drop_heaps(pt, arena);
    size_t less = surplus(pt, arena);
    if (!less)
        return;
    arena->system_bytes -= less;
    if (arena->is_main) {
        ash_lab_extend(pt->memory, -(ptrdiff_t)less);
        arena->end -= less;
        arena->high = ash_size_min(arena->high, arena->end);
        ash_pt_set_top(arena, arena->top, ash_pt_top_size(arena) - less);
        return;
    }
    struct ash_pt_heap *heap = arena->heap;
    heap->size -= less;
    ash_lab_purge(pt->memory, (char *)heap + heap->size, less);
    set_heap_top(arena, arena->top);
}

size_t ash_pt_join(struct ash_pt_arena *arena, uintptr_t at)
{
    size_t size = ash_tag_size(at);
    if (ash_tag_has(at, ASH_TAG_PREV_FREE)) {
        at = ash_tag_prev(at);
        size += ash_tag_size(at);
        ash_pt_unlink(at);
        *ash_tag(at) = size;
    }
    uintptr_t next = at + size;
    if (next == arena->top) {
        size += ash_pt_top_size(arena);
        ash_pt_set_top(arena, at, size);
        return size;
    }
    if (ash_tag_has(next, ASH_TAG_FREE)) {
        ash_pt_unlink(next);
        size += ash_tag_size(next);
    }
    ash_tags_set_free(at, size);
    ash_pt_to_unsorted(arena, at);
    return size;
}
