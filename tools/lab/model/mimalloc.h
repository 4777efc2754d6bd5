/* mimalloc.h: what the parts of the model of mimalloc 2.0.9 share (strat/mimalloc.c describes it).
 *
 *     segment   │ table of slices │ page │ page   │ free span … │ page │   32 MiB, slices of 64 KiB
 *     page      free: take here    local: own frees    remote: frees of other threads
 *
 * MI1   Slices of a segment are pages and free spans without a gap; the first slice of each knows
 *       its length, the others of a page and the last of a free span how far back it is.
 * MI2   No two neighbours are free spans. Free spans of a segment with an owner are in its queues.
 * MI3   used counts the blocks of a page that are not in `free` or `local`: live ones, and those
 *       that other threads have freed.
 * MI4   A page is in the queue of its block size, or of full ones; never when its owner is gone.
 */
#ifndef ASH_LAB_MIMALLOC_H
#define ASH_LAB_MIMALLOC_H

#include "lab/marks.h"

#define ASH_MI_SLICE ((size_t)65536)
#define ASH_MI_SEGMENT ((size_t)32 << 20)
#define ASH_MI_SLICES 512
#define ASH_MI_SMALL_MAX ((size_t)16384)    /* blocks of pages of one slice */
#define ASH_MI_MEDIUM_MAX ((size_t)131072)  /* of pages of eight slices */
#define ASH_MI_LARGE_MAX ((size_t)16 << 20) /* of pages of their own; above: segments */
#define ASH_MI_BIN_HUGE 73
#define ASH_MI_BIN_FULL 74
#define ASH_MI_SPAN_BINS 36
#define ASH_MI_CACHE_MAX 1024 /* segments */

struct ash_mi_heap;

enum ash_mi_delay { ASH_MI_USE_DELAYED, ASH_MI_NO_DELAYED, ASH_MI_NEVER_DELAYED };

/* A slice's record; of a page or free span the first one counts. */
struct ash_mi_page {
    uint32_t slice_count, slice_offset; /* offset: slices back to the first */
    size_t block_size;                  /* 0: free span */
    uint32_t capacity, reserved, used;  /* blocks linked, possible, MI3 */
    uint8_t delay, retire, is_full, has_aligned;
    uintptr_t free, local, remote;
    struct ash_mi_heap *heap;
    struct ash_mi_page *next, *prev;
};

struct ash_mi_segment {
    struct ash_mi_heap *heap; /* owner; NULL: abandoned */
    struct ash_mi_segment *next, *prev, *abandoned_next;
    size_t bytes;
    uint32_t n_slices, n_entries, n_used, n_abandoned, n_visits;
    bool is_huge;
    uint64_t purge_mask[ASH_MI_SLICES / 64]; /* slices to give back */
    uint64_t expire_ms;                      /* 0: none */
    struct ash_mi_page slices[ASH_MI_SLICES + 1];
};

struct ash_mi_queue {
    struct ash_mi_page *first, *last;
};

struct ash_mi_heap {
    struct ash_mi_queue pages[ASH_MI_BIN_FULL + 1];
    struct ash_mi_queue spans[ASH_MI_SPAN_BINS];
    uintptr_t delayed; /* blocks of full pages that other threads have freed */
    unsigned retired_min, retired_max;
    struct ash_mi_heap *next, *prev, *unused;
};

struct ash_mi_cached {
    uintptr_t start; /* 0: the slot is free */
    uint64_t expire_ms;
};

struct ash_mi {
    struct ash_lab_memory *memory;
    struct ash_marks marks;
    size_t purge_delay_ms, segment_delay_ms, reclaim_max;
    struct ash_mi_segment *segments, *abandoned, *visited;
    struct ash_mi_heap *heaps, *unused; /* all; without a thread */
    struct ash_mi_cached cache[ASH_MI_CACHE_MAX];
};

/* --- segments and spans --- */
struct ash_mi_segment *ash_mi_segment_of(uintptr_t at);
struct ash_mi_page *ash_mi_page_of(uintptr_t at);
/* First byte and bytes of a page's blocks. */
uintptr_t ash_mi_page_start(const struct ash_mi_page *page, size_t *ret_bytes);
/* A page of whole slices. *ret_reclaimed: none, but one of this block size has joined the heap. */
struct ash_mi_page *ash_mi_page_new(struct ash_mi *mi, struct ash_mi_heap *heap, size_t block_size,
                                    bool *ret_reclaimed);
/* A segment of its own, for one block at an alignment above its slices (0: none). */
struct ash_mi_page *ash_mi_huge_new(struct ash_mi *mi, struct ash_mi_heap *heap, size_t block_size,
                                    size_t align);
void ash_mi_page_delete(struct ash_mi *mi, struct ash_mi_page *page);
/* The page's owner is gone. */
void ash_mi_page_abandon(struct ash_mi *mi, struct ash_mi_page *page);

/* --- pages, for reclaiming --- */
void ash_mi_collect(struct ash_mi_page *page, bool all, struct ash_marks *marks);
void ash_mi_queue_push(struct ash_mi_queue *queue, struct ash_mi_page *page);
void ash_mi_queue_append(struct ash_mi_queue *queue, struct ash_mi_page *page);
void ash_mi_queue_remove(struct ash_mi_queue *queue, struct ash_mi_page *page);
unsigned ash_mi_bin_of(size_t size);
size_t ash_mi_bin_size(unsigned bin);

/* --- walking --- */
void ash_mi_each(void *self, ash_lab_visit *visit, void *arg);
bool ash_mi_check(void *self);

ASH_INLINE uintptr_t *ash_mi_next(uintptr_t block)
{
    return (uintptr_t *)block;
}

#endif
