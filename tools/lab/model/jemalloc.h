/* jemalloc.h: what the parts of the model of jemalloc 5.3.0 share (strat/jemalloc.c describes it).
 *
 *     thread cache ⇄ bins of slabs ⇄ dirty extents ─ decay ─▶ retained extents ◀── system
 *       stacks        lowest bit first   oldest, lowest first     never unmapped
 *
 * JE1   Extents cover every mapping of theirs without gap; the map names each by its first and last
 *       page, a slab by all its pages.
 * JE2   A free extent is in the set of its arena and state: in a heap by (age, address) for its
 *       size, and in the list by last use. n_pages counts them.
 * JE3   n_free counts the bits of a slab that are set: regions neither live nor in a thread cache.
 * JE4   A slab with free and used regions is its bin's current one or in the bin's heap; a full one
 *       is nowhere; an empty one is no slab any more.
 */
#ifndef ASH_LAB_JEMALLOC_H
#define ASH_LAB_JEMALLOC_H

#include "lab/marks.h"

#define ASH_JE_PAGE ((size_t)4096)
#define ASH_JE_CLASSES 200
#define ASH_JE_SMALL_MAX ((size_t)14336)
#define ASH_JE_LARGE_MIN ((size_t)16384)
#define ASH_JE_CACHED_MAX ((size_t)32768)
#define ASH_JE_N_CACHED 41 /* classes with a thread cache, upper end */
#define ASH_JE_SLOTS_MAX 200
#define ASH_JE_N_STEPS 200
#define ASH_JE_LEAVES 256
#define ASH_JE_LEAF_PAGES ((size_t)262144)
#define ASH_JE_ARENAS_MAX 1024

enum ash_je_state { ASH_JE_ACTIVE, ASH_JE_DIRTY, ASH_JE_RETAINED };

struct ash_je_extent {
    uintptr_t start;
    size_t size;
    uint64_t age; /* serial number of the mapping it came from */
    struct ash_je_arena *arena;
    struct ash_je_extent *child, *next, *prev; /* in a heap; next also among the unused */
    struct ash_je_extent *older, *younger;     /* in the list by last use */
    uintptr_t block;                           /* of a large one */
    uint8_t state, size_class;
    bool is_slab, is_head; /* head: the first of a mapping, never joined with what is before it */
    uint16_t n_free;
    uint64_t bits[4]; /* set: free */
};

struct ash_je_set {
    uint8_t state;
    size_t n_pages;
    uint64_t mask[ASH_JE_CLASSES / 64 + 1];
    struct ash_je_extent *heaps[ASH_JE_CLASSES];
    struct ash_je_extent *oldest, *youngest; /* by last use */
};

struct ash_je_decay {
    uint64_t epoch_ns, interval_ns;
    size_t n_unpurged;
    size_t backlog[ASH_JE_N_STEPS];
};

struct ash_je_bin {
    struct ash_je_extent *current, *nonfull;
};

struct ash_je_arena {
    struct ash_je_set dirty, retained;
    struct ash_je_decay decay;
    struct ash_je_bin bins[ASH_JE_N_CACHED];
    unsigned n_threads, grow_class;
    uint64_t n_extents; /* mapped: serial numbers */
    uint64_t rng;
    struct ash_je_extent *unused;
    uintptr_t meta, meta_end;
    bool is_oversize;
};

struct ash_je_mapping {
    struct ash_je_mapping *next;
    uintptr_t start;
    size_t size;
    bool is_meta;
};

struct ash_je_stack {
    unsigned n, low, max, fill_shift;
    bool is_refilled;
    uintptr_t *slots;
};

struct ash_je_cache {
    struct ash_je_stack stacks[ASH_JE_N_CACHED];
    struct ash_je_arena *arena;
    size_t alloc_bytes, free_bytes; /* until the next look at a bin */
    unsigned gc_class, n_ticks;
    struct ash_je_cache *next, *prev;
};

struct ash_je {
    struct ash_lab_memory *memory;
    struct ash_marks marks;
    uintptr_t base;
    uint64_t dirty_decay_ms, seed;
    size_t oversize;
    unsigned n_arenas_max, n_arenas;
    struct ash_je_arena *arenas[ASH_JE_ARENAS_MAX + 1]; /* the last: oversize ones */
    struct ash_je_cache *caches, *unused;
    struct ash_je_mapping *mappings;
    struct ash_je_extent **leaves[ASH_JE_LEAVES];
    size_t sizes[ASH_JE_CLASSES]; /* from 16 on; 0 is left out */
    uint16_t n_regions[ASH_JE_N_CACHED];
    uint8_t slab_pages[ASH_JE_N_CACHED];
    uint64_t steps[ASH_JE_N_STEPS];
};

/* --- classes --- */
void ash_je_classes_init(struct ash_je *je);
unsigned ash_je_class_of(const struct ash_je *je, size_t size);

/* --- extents --- */
void *ash_je_meta(struct ash_je *je, struct ash_je_arena *arena, size_t size);
struct ash_je_arena *ash_je_arena_new(struct ash_je *je);
struct ash_je_extent *ash_je_extent_of(const struct ash_je *je, uintptr_t at);
/* Whole pages; NULL: refused. */
struct ash_je_extent *ash_je_extent_take(struct ash_je *je, struct ash_je_arena *arena, size_t size,
                                         size_t align);
void ash_je_extent_free(struct ash_je *je, struct ash_je_extent *extent);
/* Names the extent by all its pages. */
void ash_je_extent_map(struct ash_je *je, struct ash_je_extent *extent);
void ash_je_decay(struct ash_je *je, struct ash_je_arena *arena);

/* Heaps by (age, address). */
bool ash_je_is_older(const struct ash_je_extent *a, const struct ash_je_extent *b);
void ash_je_heap_add(struct ash_je_extent **heap, struct ash_je_extent *extent);
void ash_je_heap_remove(struct ash_je_extent **heap, struct ash_je_extent *extent);

/* --- walking --- */
void ash_je_each(void *self, ash_lab_visit *visit, void *arg);
bool ash_je_check(void *self);

#endif
