/* jemalloc.c: a model of jemalloc 5.3.0 (Evans, BSDCan 2006).
 *
 * Faithful: size classes and slabs; thread caches with fill, flush and their collection every
 * 64 KiB allocated or freed; slabs oldest and lowest first; up to 4 arenas per CPU; large extents
 * with the random offset; dirty and retained extents with their fit, splitting and joining; growth
 * by size classes from 2 MiB; decay of dirty pages over 10 s by a smootherstep; blocks of 8 MiB up
 * in an arena without decay. Sizes, and the addresses of small blocks of one thread to each other,
 * are the real library's: the test compares.
 * Left out: profiling, statistics, background threads, huge-page allocation, guards, bin shards,
 * muzzy pages (their decay is 0), growing or shrinking a large block in place.
 * Different: no class of 8 bytes, since every block here is 16-aligned; a decay is looked at every
 * 1000 ticks exactly and its deadline has no jitter (the original draws both); the cache's stacks
 * come from metadata; extents' records are larger than 128 bytes.
 * Parameters: dirty_decay_ms=10000, narenas=4 per CPU, oversize=8m, seed=0.
 *
 * Invariants: model/jemalloc.h.
 */
#include "lab/model/jemalloc.h"
#include "lab/store.h"
#include <string.h>

#define SLOTS_LEAST 20u
#define GC_BYTES ((size_t)65536)
#define TICKS 1000
#define LINE_BYTES ((size_t)64)
#define SIZE_MOST ((size_t)1 << 45)

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct ash_je *je = self;
    je->memory = memory;
    je->base = (uintptr_t)ash_lab_extend(memory, 0);
    je->dirty_decay_ms = ash_store_number(memory, "dirty_decay_ms", 10000);
    je->oversize = ash_store_number(memory, "oversize", (size_t)8 << 20);
    je->seed = ash_store_number(memory, "seed", 0);
    size_t n = ash_store_number(memory, "narenas", (size_t)4 * ash_lab_cpus(memory));
    je->n_arenas_max = (unsigned)ash_size_min(ash_size_max(n, 1), ASH_JE_ARENAS_MAX);
    ash_je_classes_init(je);
    return je->base && ash_marks_open(&je->marks, memory);
}

/* --- arenas and caches of threads --- */

/* An idle one, else a new one, else the least loaded. */
static struct ash_je_arena *choose_arena(struct ash_je *je)
{
    struct ash_je_arena *best = NULL;
    for (unsigned i = 0; i < je->n_arenas; i++)
        if (!best || je->arenas[i]->n_threads < best->n_threads)
            best = je->arenas[i];
    if (best && (best->n_threads == 0 || je->n_arenas == je->n_arenas_max))
        return best;
    struct ash_je_arena *fresh = ash_je_arena_new(je);
    if (!fresh)
        return best;
    je->arenas[je->n_arenas++] = fresh;
    return fresh;
}

static unsigned slots_of(const struct ash_je *je, unsigned c)
{
    if (je->sizes[c] > ASH_JE_SMALL_MAX)
        return SLOTS_LEAST;
    unsigned n = 2u * je->n_regions[c];
    return n < SLOTS_LEAST ? SLOTS_LEAST : n > ASH_JE_SLOTS_MAX ? ASH_JE_SLOTS_MAX : n;
}

/* Record and stacks in one piece. */
static struct ash_je_cache *new_cache(struct ash_je *je, struct ash_je_arena *arena)
{
    size_t n_slots = 0;
    for (unsigned c = 1; c < ASH_JE_N_CACHED; c++)
        n_slots += slots_of(je, c);
    struct ash_je_cache *cache =
        ash_je_meta(je, arena, sizeof *cache + n_slots * sizeof(uintptr_t));
    uintptr_t *slots = cache ? (uintptr_t *)(cache + 1) : NULL;
    for (unsigned c = 1; cache && c < ASH_JE_N_CACHED; c++) {
        cache->stacks[c].slots = slots;
        cache->stacks[c].max = slots_of(je, c);
        slots += cache->stacks[c].max;
    }
    return cache;
}

static struct ash_je_cache *cache_of(struct ash_je *je)
{
    void **slot = ash_lab_slot(je->memory);
    struct ash_je_cache *cache = *slot;
    if (cache)
        return cache;
    struct ash_je_arena *arena = choose_arena(je);
    if (!arena)
        return NULL;
    cache = je->unused;
    if (cache)
        je->unused = cache->next;
    else
        cache = new_cache(je, arena);
    if (!cache)
        return NULL;
    for (unsigned c = 1; c < ASH_JE_N_CACHED; c++) {
        cache->stacks[c].n = cache->stacks[c].low = 0;
        cache->stacks[c].fill_shift = 1;
        cache->stacks[c].is_refilled = false;
    }
    cache->arena = arena;
    cache->alloc_bytes = cache->free_bytes = 0;
    cache->gc_class = 1;
    cache->n_ticks = 0;
    arena->n_threads++;
    cache->prev = NULL;
    cache->next = je->caches;
    if (je->caches)
        je->caches->prev = cache;
    je->caches = cache;
    *slot = cache;
    return cache;
}

static void tick(struct ash_je *je, struct ash_je_cache *cache, unsigned n)
{
    cache->n_ticks += n;
    if (cache->n_ticks < TICKS)
        return;
    cache->n_ticks = 0;
    ash_je_decay(je, cache->arena);
}

/* --- slabs --- */

static uintptr_t take_region(struct ash_je *je, struct ash_je_extent *slab)
{
    unsigned i = 0;
    while (!slab->bits[i])
        i++;
    unsigned bit = (unsigned)__builtin_ctzll(slab->bits[i]);
    slab->bits[i] &= slab->bits[i] - 1;
    slab->n_free--;
    return slab->start + (i * 64 + bit) * je->sizes[slab->size_class];
}

static struct ash_je_extent *new_slab(struct ash_je *je, struct ash_je_arena *arena, unsigned c)
{
    struct ash_je_extent *slab = ash_je_extent_take(je, arena, je->slab_pages[c] * ASH_JE_PAGE, 0);
    if (!slab)
        return NULL;
    slab->is_slab = true;
    slab->size_class = (uint8_t)c;
    slab->n_free = je->n_regions[c];
    memset(slab->bits, 0, sizeof slab->bits);
    for (unsigned i = 0; i < slab->n_free; i++)
        slab->bits[i / 64] |= (uint64_t)1 << i % 64;
    ash_je_extent_map(je, slab);
    return slab;
}

/* Makes the bin's current slab one with a free region. */
static bool refresh(struct ash_je *je, struct ash_je_arena *arena, unsigned c)
{
    struct ash_je_bin *bin = &arena->bins[c];
    if (bin->current && bin->current->n_free)
        return true;
    struct ash_je_extent *slab = bin->nonfull;
    if (slab)
        ash_je_heap_remove(&bin->nonfull, slab);
    else
        slab = new_slab(je, arena, c);
    if (slab)
        bin->current = slab; /* JE4: a full one before it is nowhere now */
    return slab != NULL;
}

/* Of two slabs with free regions the older one becomes current. */
static void list_slab(struct ash_je_bin *bin, struct ash_je_extent *slab)
{
    struct ash_je_extent *other = slab;
    if (bin->current && ash_je_is_older(slab, bin->current)) {
        other = bin->current->n_free ? bin->current : NULL;
        bin->current = slab;
    }
    if (other)
        ash_je_heap_add(&bin->nonfull, other);
}

static void free_region(struct ash_je *je, struct ash_je_extent *slab, uintptr_t at)
{
    unsigned c = slab->size_class;
    struct ash_je_bin *bin = &slab->arena->bins[c];
    size_t i = (at - slab->start) / je->sizes[c];
    ash_marks_set(&je->marks, at, ASH_MARK_NONE);
    slab->bits[i / 64] |= (uint64_t)1 << i % 64;
    slab->n_free++;
    if (slab->n_free == je->n_regions[c]) {
        if (slab == bin->current)
            bin->current = NULL;
        else if (je->n_regions[c] > 1)
            ash_je_heap_remove(&bin->nonfull, slab);
        ash_je_extent_free(je, slab);
    } else if (slab->n_free == 1 && slab != bin->current) {
        list_slab(bin, slab);
    }
}

/* --- large extents --- */

static struct ash_je_arena *oversize_arena(struct ash_je *je, struct ash_je_arena *own)
{
    struct ash_je_arena **place = &je->arenas[ASH_JE_ARENAS_MAX];
    if (!*place) {
        *place = ash_je_arena_new(je);
        if (*place)
            (*place)->is_oversize = true;
    }
    return *place ? *place : own;
}

static uintptr_t alloc_large(struct ash_je *je, struct ash_je_cache *cache, size_t size,
                             size_t align)
{
    unsigned c = ash_je_class_of(je, ash_size_max(size, ASH_JE_LARGE_MIN));
    struct ash_je_arena *arena = cache->arena;
    if (je->sizes[c] >= je->oversize)
        arena = oversize_arena(je, arena);
    struct ash_je_extent *extent = ash_je_extent_take(je, arena, je->sizes[c] + ASH_JE_PAGE, align);
    if (!extent)
        return 0;
    extent->size_class = (uint8_t)c;
    extent->block = extent->start;
    if (align < ASH_JE_PAGE) { /* against equal cache sets */
        size_t unit = ash_size_max(align, LINE_BYTES);
        arena->rng = arena->rng * 6364136223846793005u + 1442695040888963407u;
        extent->block += (size_t)(arena->rng >> 40) % (ASH_JE_PAGE / unit) * unit;
    }
    /* A large block is looked up by its own address, which is in the first page. */
    tick(je, cache, 1);
    return extent->block;
}

static void free_one(struct ash_je *je, uintptr_t at)
{
    struct ash_je_extent *extent = ash_je_extent_of(je, at);
    if (extent->is_slab) {
        ash_lab_lock(je->memory, &extent->arena->bins[extent->size_class]);
        free_region(je, extent, at);
        return;
    }
    ash_marks_set(&je->marks, at, ASH_MARK_NONE);
    ash_je_extent_free(je, extent);
}

/* --- thread caches --- */

/* Gives the n oldest back. */
static void flush(struct ash_je *je, struct ash_je_cache *cache, unsigned c, unsigned n)
{
    struct ash_je_stack *stack = &cache->stacks[c];
    for (unsigned i = 0; i < n; i++)
        free_one(je, stack->slots[i]);
    stack->n -= n;
    memmove(stack->slots, stack->slots + n, stack->n * sizeof *stack->slots);
    if (stack->low > stack->n)
        stack->low = stack->n;
    tick(je, cache, n);
}

/* The lowest region of a slab comes out first. */
static void fill(struct ash_je *je, struct ash_je_cache *cache, unsigned c)
{
    struct ash_je_stack *stack = &cache->stacks[c];
    unsigned want = stack->max >> stack->fill_shift, n = 0;
    want = want ? want : 1;
    ash_lab_lock(je->memory, &cache->arena->bins[c]);
    for (; n < want && refresh(je, cache->arena, c); n++) {
        uintptr_t at = take_region(je, cache->arena->bins[c].current);
        ash_marks_set(&je->marks, at, ASH_MARK_CACHED);
        stack->slots[want - 1 - n] = at;
    }
    memmove(stack->slots, stack->slots + want - n, n * sizeof *stack->slots);
    stack->n = n;
    stack->is_refilled = true;
    tick(je, cache, 1);
}

/* Every 64 KiB one bin: three quarters of what was not needed since the last time go. */
static void collect(struct ash_je *je, struct ash_je_cache *cache)
{
    unsigned c = cache->gc_class;
    struct ash_je_stack *stack = &cache->stacks[c];
    bool is_small = je->sizes[c] <= ASH_JE_SMALL_MAX;
    if (stack->low > 0) {
        flush(je, cache, c, stack->low - stack->low / 4);
        if (is_small && stack->max >> (stack->fill_shift + 1) >= 1)
            stack->fill_shift++;
    } else if (is_small && stack->is_refilled) {
        if (stack->fill_shift > 1)
            stack->fill_shift--;
        stack->is_refilled = false;
    }
    stack->low = stack->n;
    cache->gc_class = c + 1 < ASH_JE_N_CACHED ? c + 1 : 1;
}

static void count(struct ash_je *je, struct ash_je_cache *cache, size_t *bytes, size_t size)
{
    *bytes += size;
    if (*bytes < GC_BYTES)
        return;
    *bytes = 0;
    collect(je, cache);
}

static uintptr_t pop(struct ash_je_stack *stack)
{
    if (stack->n == 0) {
        stack->low = 0;
        return 0;
    }
    uintptr_t at = stack->slots[--stack->n];
    if (stack->n < stack->low)
        stack->low = stack->n;
    return at;
}

/* --- the family --- */

static void *alloc(void *self, size_t size, size_t align)
{
    struct ash_je *je = self;
    struct ash_je_cache *cache = cache_of(je);
    if (!cache || size > SIZE_MOST || align > SIZE_MOST)
        return NULL;
    size = ash_align_up(ash_size_max(size, 1), ash_size_min(align, ASH_JE_PAGE));
    bool is_small = size <= ASH_JE_SMALL_MAX && align <= ASH_JE_PAGE;
    bool is_cached = is_small || (size <= ASH_JE_CACHED_MAX && align <= LINE_BYTES);
    unsigned c = ash_je_class_of(je, is_small ? size : ash_size_max(size, ASH_JE_LARGE_MIN));
    uintptr_t at = is_cached ? pop(&cache->stacks[c]) : 0;
    if (!at && is_small) {
        fill(je, cache, c);
        at = pop(&cache->stacks[c]);
    } else if (!at) {
        at = alloc_large(je, cache, size, align);
    }
    if (!at)
        return NULL;
    ash_marks_set(&je->marks, at, ASH_MARK_LIVE);
    count(je, cache, &cache->alloc_bytes, je->sizes[c]);
    return (void *)at;
}

static void free_block(void *self, void *block)
{
    struct ash_je *je = self;
    uintptr_t at = (uintptr_t)block;
    struct ash_je_cache *cache = cache_of(je);
    unsigned c = ash_je_extent_of(je, at)->size_class;
    size_t size = je->sizes[c];
    if (!cache || size > ASH_JE_CACHED_MAX) {
        free_one(je, at);
        if (!cache)
            return;
        tick(je, cache, 1);
    } else {
        struct ash_je_stack *stack = &cache->stacks[c];
        if (stack->n == stack->max)
            flush(je, cache, c, stack->n - stack->max / 2);
        ash_marks_set(&je->marks, at, ASH_MARK_CACHED);
        stack->slots[stack->n++] = at;
    }
    count(je, cache, &cache->free_bytes, size);
}

static size_t usable(void *self, void *block)
{
    struct ash_je *je = self;
    return je->sizes[ash_je_extent_of(je, (uintptr_t)block)->size_class];
}

/* In place only within the class. */
static void *resize(void *self, void *block, size_t size)
{
    struct ash_je *je = self;
    if (size > SIZE_MOST)
        return NULL;
    return je->sizes[ash_je_class_of(je, size)] == usable(self, block) ? block : NULL;
}

static void thread_event(void *self, enum ash_lab_event event)
{
    struct ash_je *je = self;
    void **slot = ash_lab_slot(je->memory);
    struct ash_je_cache *cache = *slot;
    if (event != ASH_LAB_WENT || !cache)
        return;
    for (unsigned c = 1; c < ASH_JE_N_CACHED; c++)
        flush(je, cache, c, cache->stacks[c].n);
    cache->arena->n_threads--;
    *(cache->prev ? &cache->prev->next : &je->caches) = cache->next;
    if (cache->next)
        cache->next->prev = cache->prev;
    cache->next = je->unused;
    je->unused = cache;
    *slot = NULL;
}

const struct ash_lab_strategy ash_lab_jemalloc = {
    .name = "jemalloc",
    .about = "A model of jemalloc 5.3.0 (Evans, BSDCan 2006)",
    .flags = ASH_LAB_THREADS | ASH_LAB_MODEL,
    .state_size = sizeof(struct ash_je),
    .open = open,
    .alloc = alloc,
    .free = free_block,
    .usable = usable,
    .each = ash_je_each,
    .check = ash_je_check,
    .thread = thread_event,
    .resize = resize,
};
