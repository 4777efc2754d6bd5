/* jemalloc_extent.c: size classes, extents, their sets, growth and decay; see jemalloc.h. */
#include "lab/model/jemalloc.h"
#include <string.h>

#define META_BYTES ((size_t)2 << 20)
#define GROW_FIRST ((size_t)2 << 20)
#define MAX_FIT_LOG2 6 /* a dirty extent is at most so much larger than what is wanted */
#define STEP_BITS 24

/* --- classes --- */

void ash_je_classes_init(struct ash_je *je)
{
    unsigned n = 1;
    for (size_t size = 16; size <= 128; size += 16)
        je->sizes[n++] = size;
    for (size_t base = 128; n + 4 <= ASH_JE_CLASSES && base < (size_t)1 << 46; base *= 2)
        for (size_t i = 1; i <= 4; i++)
            je->sizes[n++] = base + i * base / 4;
    while (n < ASH_JE_CLASSES)
        je->sizes[n++] = SIZE_MAX;
    for (unsigned c = 1; je->sizes[c] <= ASH_JE_SMALL_MAX; c++) {
        size_t bytes = ASH_JE_PAGE;
        while (bytes % je->sizes[c])
            bytes += ASH_JE_PAGE;
        je->slab_pages[c] = (uint8_t)(bytes / ASH_JE_PAGE);
        je->n_regions[c] = (uint16_t)(bytes / je->sizes[c]);
    }
    for (uint64_t i = 1; i <= ASH_JE_N_STEPS; i++) { /* a smootherstep */
        const uint64_t n_steps = ASH_JE_N_STEPS;
        uint64_t y = i * i * i * (10 * n_steps * n_steps + 6 * i * i - 15 * i * n_steps);
        je->steps[i - 1] = (y << STEP_BITS) / (n_steps * n_steps * n_steps * n_steps * n_steps);
    }
}

unsigned ash_je_class_of(const struct ash_je *je, size_t size)
{
    if (size <= 128)
        return size <= 16 ? 1 : (unsigned)((size + 15) / 16);
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size - 1);
    unsigned c = 9 + (log2 - 7) * 4 + (unsigned)((size - 1) >> (log2 - 2) & 3);
    (void)je;
    return c;
}

/* The class whose size is the largest not above this one. */
static unsigned class_below(const struct ash_je *je, size_t size)
{
    unsigned c = ash_je_class_of(je, size);
    return je->sizes[c] == size ? c : c - 1;
}

/* Extents are sorted as if each held a large block: by their size without its page of padding. */
static unsigned bin_of(const struct ash_je *je, size_t size)
{
    return size <= ASH_JE_PAGE ? ash_je_class_of(je, size)
                               : class_below(je, size - ASH_JE_PAGE) + 1;
}

/* From this bin on all are large enough. */
static unsigned bin_for(const struct ash_je *je, size_t size)
{
    return size <= ASH_JE_PAGE ? ash_je_class_of(je, size)
                               : ash_je_class_of(je, size - ASH_JE_PAGE) + 1;
}

/* --- heaps: pairing heaps of Fredman, Sedgewick, Sleator, Tarjan --- */

bool ash_je_is_older(const struct ash_je_extent *a, const struct ash_je_extent *b)
{
    return a->age != b->age ? a->age < b->age : a->start < b->start;
}

static struct ash_je_extent *meld(struct ash_je_extent *a, struct ash_je_extent *b)
{
    if (!a || !b)
        return a ? a : b;
    if (ash_je_is_older(b, a)) {
        struct ash_je_extent *swapped = a;
        a = b;
        b = swapped;
    }
    b->next = a->child;
    b->prev = a;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Pairs from the left, then all into one. */
static struct ash_je_extent *meld_all(struct ash_je_extent *list)
{
    struct ash_je_extent *pairs = NULL, *root = NULL;
    while (list) {
        struct ash_je_extent *a = list, *b = a->next;
        list = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct ash_je_extent *a = pairs;
        pairs = a->next;
        a->next = NULL;
        root = meld(root, a);
    }
    return root;
}

void ash_je_heap_add(struct ash_je_extent **heap, struct ash_je_extent *extent)
{
    extent->child = extent->next = extent->prev = NULL;
    *heap = meld(*heap, extent);
}

void ash_je_heap_remove(struct ash_je_extent **heap, struct ash_je_extent *extent)
{
    struct ash_je_extent *rest = meld_all(extent->child);
    if (extent == *heap) {
        *heap = rest;
    } else {
        struct ash_je_extent *prev = extent->prev;
        *(prev->child == extent ? &prev->child : &prev->next) = extent->next;
        if (extent->next)
            extent->next->prev = prev;
        *heap = meld(*heap, rest);
    }
    extent->child = extent->next = extent->prev = NULL;
}

/* --- metadata --- */

static struct ash_je_mapping *note_mapping(struct ash_je *je, struct ash_je_mapping *mapping,
                                           uintptr_t start, size_t size, bool is_meta)
{
    *mapping = (struct ash_je_mapping){je->mappings, start, size, is_meta};
    je->mappings = mapping;
    return mapping;
}

void *ash_je_meta(struct ash_je *je, struct ash_je_arena *arena, size_t size)
{
    size = ash_align_up(size, 64);
    if (arena->meta_end - arena->meta < size) {
        size_t bytes = ash_align_up(size + 64, META_BYTES);
        uintptr_t start = (uintptr_t)ash_lab_map(je->memory, bytes, 0);
        if (!start)
            return NULL;
        note_mapping(je, (struct ash_je_mapping *)start, start, bytes, true);
        arena->meta = start + 64;
        arena->meta_end = start + bytes;
    }
    void *p = (void *)arena->meta;
    arena->meta += size;
    return p;
}

struct ash_je_arena *ash_je_arena_new(struct ash_je *je)
{
    struct ash_je_arena first = {0};
    struct ash_je_arena *arena = ash_je_meta(je, &first, sizeof *arena);
    if (!arena)
        return NULL;
    arena->meta = first.meta;
    arena->meta_end = first.meta_end;
    arena->dirty.state = ASH_JE_DIRTY;
    arena->retained.state = ASH_JE_RETAINED;
    arena->grow_class = ash_je_class_of(je, GROW_FIRST);
    arena->rng = je->seed;
    arena->decay.interval_ns = je->dirty_decay_ms * 1000000 / ASH_JE_N_STEPS;
    arena->decay.epoch_ns = ash_lab_now(je->memory);
    return arena;
}

/* --- the map --- */

static struct ash_je_extent **entry(const struct ash_je *je, uintptr_t at)
{
    size_t page = (at - je->base) / ASH_JE_PAGE, leaf = page / ASH_JE_LEAF_PAGES;
    if (leaf >= ASH_JE_LEAVES || !je->leaves[leaf])
        return NULL;
    return &je->leaves[leaf][page % ASH_JE_LEAF_PAGES];
}

struct ash_je_extent *ash_je_extent_of(const struct ash_je *je, uintptr_t at)
{
    struct ash_je_extent **found = entry(je, at);
    return found ? *found : NULL;
}

static bool ensure_map(struct ash_je *je, struct ash_je_arena *arena, uintptr_t start, size_t size)
{
    size_t first = (start - je->base) / ASH_JE_PAGE / ASH_JE_LEAF_PAGES;
    size_t last = (start + size - 1 - je->base) / ASH_JE_PAGE / ASH_JE_LEAF_PAGES;
    for (size_t i = first; i <= last; i++) {
        if (i >= ASH_JE_LEAVES)
            return false;
        if (!je->leaves[i])
            je->leaves[i] = ash_je_meta(je, arena, ASH_JE_LEAF_PAGES * sizeof(void *));
        if (!je->leaves[i])
            return false;
    }
    return true;
}

/* JE1. `as` NULL: forgets the ends. */
static void record(struct ash_je *je, const struct ash_je_extent *extent, struct ash_je_extent *as)
{
    *entry(je, extent->start) = as;
    *entry(je, extent->start + extent->size - ASH_JE_PAGE) = as;
}

void ash_je_extent_map(struct ash_je *je, struct ash_je_extent *extent)
{
    for (size_t i = 0; i < extent->size; i += ASH_JE_PAGE)
        *entry(je, extent->start + i) = extent;
}

/* --- records of extents --- */

static struct ash_je_extent *new_extent(struct ash_je *je, struct ash_je_arena *arena,
                                        uintptr_t start, size_t size)
{
    struct ash_je_extent *extent = arena->unused;
    if (extent)
        arena->unused = extent->next;
    else
        extent = ash_je_meta(je, arena, sizeof *extent);
    if (extent)
        *extent = (struct ash_je_extent){.start = start, .size = size, .arena = arena};
    return extent;
}

static void delete_extent(struct ash_je_extent *extent)
{
    extent->next = extent->arena->unused;
    extent->arena->unused = extent;
}

/* Cuts an extent that is in no set; returns the part behind. NULL: refused. */
static struct ash_je_extent *split(struct ash_je *je, struct ash_je_extent *extent, size_t size)
{
    struct ash_je_extent *behind =
        new_extent(je, extent->arena, extent->start + size, extent->size - size);
    if (!behind)
        return NULL;
    behind->age = extent->age;
    extent->size = size;
    record(je, extent, extent);
    record(je, behind, behind);
    return behind;
}

/* --- sets --- */

static void set_add(struct ash_je *je, struct ash_je_set *set, struct ash_je_extent *extent)
{
    unsigned c = bin_of(je, extent->size);
    extent->state = set->state;
    ash_je_heap_add(&set->heaps[c], extent);
    set->mask[c / 64] |= (uint64_t)1 << c % 64;
    set->n_pages += extent->size / ASH_JE_PAGE;
    extent->younger = NULL;
    extent->older = set->youngest;
    *(set->youngest ? &set->youngest->younger : &set->oldest) = extent;
    set->youngest = extent;
}

static void set_remove(struct ash_je *je, struct ash_je_set *set, struct ash_je_extent *extent)
{
    unsigned c = bin_of(je, extent->size);
    ash_je_heap_remove(&set->heaps[c], extent);
    if (!set->heaps[c])
        set->mask[c / 64] &= ~((uint64_t)1 << c % 64);
    set->n_pages -= extent->size / ASH_JE_PAGE;
    *(extent->older ? &extent->older->younger : &set->oldest) = extent->younger;
    *(extent->younger ? &extent->younger->older : &set->youngest) = extent->older;
    extent->older = extent->younger = NULL;
    extent->state = ASH_JE_ACTIVE;
}

/* The next class from `c` on whose heap is not empty; ASH_JE_CLASSES: none. */
static unsigned next_class(const struct ash_je_set *set, unsigned c)
{
    for (; c < ASH_JE_CLASSES; c = (c / 64 + 1) * 64) {
        uint64_t word = set->mask[c / 64] & UINT64_MAX << c % 64;
        if (word)
            return c / 64 * 64 + (unsigned)__builtin_ctzll(word);
    }
    return ASH_JE_CLASSES;
}

/* The oldest, then lowest, that is large enough in any case; else the first that happens to be. */
static struct ash_je_extent *set_find(struct ash_je *je, struct ash_je_set *set, size_t size,
                                      size_t align)
{
    size_t most = size + align - ASH_JE_PAGE;
    struct ash_je_extent *found = NULL;
    unsigned c = next_class(set, bin_for(je, most));
    for (; c < ASH_JE_CLASSES; c = next_class(set, c + 1)) {
        ash_lab_step(je->memory, 1);
        if (set->state == ASH_JE_DIRTY && je->sizes[c] >> MAX_FIT_LOG2 > most)
            break;
        if (!found || ash_je_is_older(set->heaps[c], found))
            found = set->heaps[c];
    }
    if (found || align <= ASH_JE_PAGE)
        return found;
    unsigned end = bin_for(je, most);
    for (c = next_class(set, bin_for(je, size)); c < end; c = next_class(set, c + 1)) {
        struct ash_je_extent *x = set->heaps[c];
        size_t lead = ash_align_up(x->start, align) - x->start;
        if (lead < x->size && x->size - lead >= size)
            return x;
    }
    return NULL;
}

/* --- joining --- */

/* One is active, the other free and in this state. */
static bool can_join(const struct ash_je_extent *low, const struct ash_je_extent *high, int state)
{
    if (!low || !high || low->arena != high->arena || high->is_head)
        return false;
    return low->state != high->state && (low->state == state || high->state == state);
}

/* An active extent swallows its free neighbours of this state. Returns the joined one. */
static struct ash_je_extent *coalesce(struct ash_je *je, struct ash_je_set *set,
                                      struct ash_je_extent *extent)
{
    for (bool again = true; again;) {
        again = false;
        struct ash_je_extent *next = ash_je_extent_of(je, extent->start + extent->size);
        struct ash_je_extent *low = NULL, *high = NULL;
        if (can_join(extent, next, set->state)) {
            set_remove(je, set, next);
            low = extent;
            high = next;
        } else {
            struct ash_je_extent *prev = ash_je_extent_of(je, extent->start - ASH_JE_PAGE);
            if (can_join(prev, extent, set->state)) {
                set_remove(je, set, prev);
                low = prev;
                high = extent;
            }
        }
        if (low) {
            record(je, low, NULL);
            record(je, high, NULL);
            low->size += high->size;
            low->age = low->age < high->age ? low->age : high->age;
            record(je, low, low);
            delete_extent(high);
            extent = low;
            again = true;
        }
    }
    return extent;
}

static void to_retained(struct ash_je *je, struct ash_je_extent *extent)
{
    ash_lab_purge(je->memory, (void *)extent->start, extent->size);
    struct ash_je_set *set = &extent->arena->retained;
    set_add(je, set, coalesce(je, set, extent));
}

void ash_je_extent_free(struct ash_je *je, struct ash_je_extent *extent)
{
    struct ash_je_set *set = &extent->arena->dirty;
    if (extent->is_slab)
        for (size_t i = 0; i < extent->size; i += ASH_JE_PAGE)
            *entry(je, extent->start + i) = NULL;
    extent->is_slab = false;
    record(je, extent, extent);
    ash_lab_lock(je->memory, set);
    /* Small ones wait to be joined until they decay. */
    if (extent->size >= ASH_JE_LARGE_MIN)
        extent = coalesce(je, set, extent);
    if (extent->size >= je->oversize || extent->arena->is_oversize || je->dirty_decay_ms == 0)
        to_retained(je, extent);
    else
        set_add(je, set, extent);
}

/* --- taking --- */

/* Cuts lead and tail off an active extent; they go to the set. NULL: refused, nothing changed. */
static struct ash_je_extent *trim(struct ash_je *je, struct ash_je_set *set,
                                  struct ash_je_extent *extent, size_t size, size_t align)
{
    size_t lead = ash_align_up(extent->start, align) - extent->start;
    struct ash_je_extent *front = NULL;
    bool joins = set->state == ASH_JE_RETAINED;
    if (lead) {
        front = extent;
        extent = split(je, front, lead);
        if (!extent) {
            set_add(je, set, front);
            return NULL;
        }
    }
    struct ash_je_extent *tail = extent->size > size ? split(je, extent, size) : NULL;
    bool is_refused = !tail && extent->size > size;
    if (front)
        set_add(je, set, joins ? coalesce(je, set, front) : front);
    if (is_refused) {
        set_add(je, set, extent);
        return NULL;
    }
    if (tail)
        set_add(je, set, joins ? coalesce(je, set, tail) : tail);
    return extent;
}

static struct ash_je_extent *recycle(struct ash_je *je, struct ash_je_set *set, size_t size,
                                     size_t align)
{
    ash_lab_lock(je->memory, set);
    struct ash_je_extent *extent = set_find(je, set, size, align);
    if (!extent)
        return NULL;
    set_remove(je, set, extent);
    return trim(je, set, extent, size, align);
}

/* A new mapping as one active extent. */
static struct ash_je_extent *map_extent(struct ash_je *je, struct ash_je_arena *arena, size_t size)
{
    struct ash_je_mapping *mapping = ash_je_meta(je, arena, sizeof *mapping);
    uintptr_t start = mapping ? (uintptr_t)ash_lab_map(je->memory, size, 0) : 0;
    if (!start)
        return NULL;
    struct ash_je_extent *extent =
        ensure_map(je, arena, start, size) ? new_extent(je, arena, start, size) : NULL;
    if (!extent) {
        ash_lab_unmap(je->memory, (void *)start, size);
        return NULL;
    }
    note_mapping(je, mapping, start, size, false);
    extent->age = arena->n_extents++;
    extent->is_head = true;
    record(je, extent, extent);
    return extent;
}

static struct ash_je_extent *grow(struct ash_je *je, struct ash_je_arena *arena, size_t size,
                                  size_t align)
{
    size_t least = size + align - ASH_JE_PAGE;
    unsigned c = arena->grow_class;
    while (je->sizes[c] < least)
        c++;
    struct ash_je_extent *extent = map_extent(je, arena, je->sizes[c]);
    if (extent)
        arena->grow_class = c + 1;
    else
        extent = map_extent(je, arena, least);
    return extent ? trim(je, &arena->retained, extent, size, align) : NULL;
}

struct ash_je_extent *ash_je_extent_take(struct ash_je *je, struct ash_je_arena *arena, size_t size,
                                         size_t align)
{
    align = ash_size_max(align, ASH_JE_PAGE);
    struct ash_je_extent *extent = recycle(je, &arena->dirty, size, align);
    if (!extent)
        extent = recycle(je, &arena->retained, size, align);
    return extent ? extent : grow(je, arena, size, align);
}

/* --- decay --- */

/* Pages that may stay dirty: each epoch's share, by its age. */
static size_t limit_of(const struct ash_je *je, const struct ash_je_decay *decay)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ASH_JE_N_STEPS; i++)
        sum += decay->backlog[i] * je->steps[i];
    return (size_t)(sum >> STEP_BITS);
}

/* Time has passed: shifts the backlog. false: not an epoch yet. */
static bool advance(struct ash_je *je, struct ash_je_decay *decay, size_t n_pages)
{
    uint64_t now = ash_lab_now(je->memory);
    if (!decay->interval_ns || now < decay->epoch_ns + decay->interval_ns)
        return false;
    uint64_t n = (now - decay->epoch_ns) / decay->interval_ns;
    decay->epoch_ns += n * decay->interval_ns;
    size_t shift = ash_size_min(n, ASH_JE_N_STEPS);
    memmove(decay->backlog, decay->backlog + shift,
            (ASH_JE_N_STEPS - shift) * sizeof *decay->backlog);
    memset(decay->backlog + ASH_JE_N_STEPS - shift, 0, shift * sizeof *decay->backlog);
    decay->backlog[ASH_JE_N_STEPS - 1] =
        n_pages > decay->n_unpurged ? n_pages - decay->n_unpurged : 0;
    return true;
}

void ash_je_decay(struct ash_je *je, struct ash_je_arena *arena)
{
    struct ash_je_set *set = &arena->dirty;
    ash_lab_lock(je->memory, &arena->decay);
    if (!advance(je, &arena->decay, set->n_pages))
        return;
    size_t limit = limit_of(je, &arena->decay);
    while (set->n_pages > limit) { /* least recently used first */
        struct ash_je_extent *extent = set->oldest;
        size_t size = extent->size;
        set_remove(je, set, extent);
        extent = coalesce(je, set, extent);
        if (extent->size > size)
            set_add(je, set, extent); /* joined: it is young again */
        else
            to_retained(je, extent);
    }
    arena->decay.n_unpurged = limit > set->n_pages ? limit : set->n_pages;
}
