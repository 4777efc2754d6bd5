/* ptmalloc.h: what the parts of the model of glibc 2.36 share (strat/ptmalloc2.c tells what it is).
 *
 *     p                                      Names are those of malloc.c. A chunk is named by the
 *     │prev_size│size flags│ payload …       address of its size word (`at`, glibc's p + 8), as in
 *               at         at + 8            tags.h; the size word's low bits say:
 *
 *     FREE  in a bin    PREV_FREE  as tags.h    MAPPED  a mapping of its own
 *     CACHED  in a thread cache or fast bin, which glibc does not mark (for `each` only)
 *     MAPPED | CACHED  neither: a thread cache's table, or a fence at the end of a heap
 *
 *     heap   │heap_info│arena│ chunks … │ top │ reserved │    64 MiB, aligned to it
 *     heap   │heap_info│ chunks … │fence│     reserved   │    the first one, after a second came
 *
 * PT1   Chunks lead from the first of a heap to its top or fence without gap or overlap.
 * PT2   No two free chunks are neighbours, nor is one the neighbour of the top.
 * PT3   A free chunk is in the bin of its size, or in the unsorted one.
 * PT4   A large bin is sorted by falling size; the first of each size links to the next sizes.
 * PT5   A chunk with CACHED alone is in exactly one fast bin or thread cache.
 */
#ifndef ASH_LAB_PTMALLOC_H
#define ASH_LAB_PTMALLOC_H

#include "lab/tags.h"
#include "lab/tree.h"

#define ASH_PT_MAPPED ((size_t)4)
#define ASH_PT_CACHED ((size_t)8)
#define ASH_PT_META (ASH_PT_MAPPED | ASH_PT_CACHED)
#define ASH_PT_MIN ((size_t)32)
#define ASH_PT_N_BINS 128
#define ASH_PT_N_FAST 10
#define ASH_PT_N_TCACHE 64
#define ASH_PT_TCACHE_MAX ((size_t)1040) /* of a chunk */
#define ASH_PT_SMALL_MAX ((size_t)1024)  /* chunks below have bins of one size */
#define ASH_PT_UNSORTED 1
#define ASH_PT_HEAP_BYTES ((size_t)64 << 20)
#define ASH_PT_HEAP_LEAST ((size_t)32 << 10)
#define ASH_PT_PAGE ((size_t)4096)

struct ash_pt_chunk {
    size_t tag;
    struct ash_pt_chunk *fd, *bk;
    struct ash_pt_chunk *fd_nextsize, *bk_nextsize; /* of large ones; NULL: not first of its size */
};

struct ash_pt_arena;

struct ash_pt_heap {
    struct ash_pt_arena *arena;
    struct ash_pt_heap *prev;
    size_t size, high; /* in use; the address from which on nothing was ever used */
    size_t pad[2];
};

struct ash_pt_arena {
    bool is_main, has_fast, is_idle;
    uintptr_t top, last_remainder;     /* 0: none */
    uintptr_t start, end;              /* of the main one's segment */
    size_t high;                       /* as in a heap, for the main one */
    struct ash_pt_heap *heap;          /* the newest */
    struct ash_pt_arena *next, *idle;  /* all; those without a thread */
    size_t n_threads, system_bytes;
    uintptr_t fast[ASH_PT_N_FAST];
    uint32_t binmap[ASH_PT_N_BINS / 32];
    struct ash_pt_chunk *bins[2 * ASH_PT_N_BINS]; /* fd and bk of each sentinel */
};

struct ash_pt_tcache {
    uint16_t counts[ASH_PT_N_TCACHE];
    uintptr_t entries[ASH_PT_N_TCACHE];
};

/* What glibc keeps in a thread's own storage. */
struct ash_pt_thread {
    struct ash_pt_tcache *tcache;
    struct ash_pt_arena *arena;
    struct ash_pt_thread *next, *prev; /* all; next also among the unused */
};

struct ash_pt {
    struct ash_lab_memory *memory;
    size_t mmap_threshold, trim_threshold, top_pad, fast_max, n_mapped_max;
    unsigned tcache_count, n_arenas, n_arenas_max;
    bool is_dynamic; /* the thresholds */
    size_t n_mapped;
    struct ash_tree mapped; /* aside: chunks with a mapping of their own, for `each` */
    struct ash_pt_arena *idle, *next_to_use;
    struct ash_pt_thread *threads, *unused;
    struct ash_pt_arena main;
};

/* --- bins --- */
unsigned ash_pt_bin_of(size_t size);
struct ash_pt_chunk *ash_pt_bin(struct ash_pt_arena *arena, unsigned i);
void ash_pt_bins_init(struct ash_pt_arena *arena);
/* Takes a free chunk out of whatever bin it is in. */
void ash_pt_unlink(uintptr_t at);
/* Puts a free chunk to the front of the unsorted bin. */
void ash_pt_to_unsorted(struct ash_pt_arena *arena, uintptr_t at);
/* Puts an unlinked chunk into the bin of its size. */
void ash_pt_to_bin(struct ash_lab_memory *memory, struct ash_pt_arena *arena, uintptr_t at);
/* The smallest of a large bin that fits, of equals not the first. 0: none. */
uintptr_t ash_pt_best(struct ash_lab_memory *memory, struct ash_pt_arena *arena, unsigned bin,
                      size_t n);
/* The last chunk of the first bin from `i` on that is not empty. 0: none. */
uintptr_t ash_pt_next_bin(struct ash_lab_memory *memory, struct ash_pt_arena *arena, unsigned i);

/* --- arenas and the system --- */
/* Size of the top as glibc counts it; 0 before the first growth. */
size_t ash_pt_top_size(const struct ash_pt_arena *arena);
/* The top begins here. */
void ash_pt_set_top(struct ash_pt_arena *arena, uintptr_t at, size_t size);
/* The arena of this thread; at its first call it gets one. */
struct ash_pt_arena *ash_pt_arena_get(struct ash_pt *pt, struct ash_pt_thread *thread);
void ash_pt_arena_leave(struct ash_pt *pt, struct ash_pt_thread *thread);
struct ash_pt_arena *ash_pt_arena_of(struct ash_pt *pt, uintptr_t at);
/* A chunk with a mapping of its own, or 0. */
uintptr_t ash_pt_map(struct ash_pt *pt, size_t n);
void ash_pt_unmap(struct ash_pt *pt, uintptr_t at);
/* Lets the top have n bytes and 32 more. false: refused. */
bool ash_pt_grow(struct ash_pt *pt, struct ash_pt_arena *arena, size_t n);
void ash_pt_trim(struct ash_pt *pt, struct ash_pt_arena *arena);
/* _int_free without the caches: joins, and puts into unsorted or top. Returns the joined size. */
size_t ash_pt_join(struct ash_pt_arena *arena, uintptr_t at);

/* --- walking --- */
void ash_pt_each(void *self, ash_lab_visit *visit, void *arg);
bool ash_pt_check(void *self);

#endif
