/* tcmalloc.h: what the parts of the model of gperftools share (strat/tcmalloc.c tells what it is).
 *
 *     thread cache ⇄ central list ⇄ page heap ◀── system         each level takes and gives whole
 *      LIFO lists    slots, spans    spans of 8 KiB pages         batches of the level below
 *
 * TC1   Page map: the first and last page of each span name it, and all pages of one with a class.
 * TC2   A free span is in the list of its length and state (normal or returned), or in the tree of
 *       long ones. No two neighbours of the same state are free, except behind a carved one.
 * TC3   refcount counts the objects of a span that are not in its own list: live ones, and those in
 *       thread caches and transfer slots.
 */
#ifndef ASH_LAB_TCMALLOC_H
#define ASH_LAB_TCMALLOC_H

#include "lab/marks.h"
#include "lab/tree.h"

#define ASH_TCM_PAGE ((size_t)8192)
#define ASH_TCM_PAGES_MAX 128     /* spans up to here have lists of their length */
#define ASH_TCM_GROW_PAGES 128
#define ASH_TCM_SIZE_MAX ((size_t)262144) /* objects above are spans */
#define ASH_TCM_CLASSES 128
#define ASH_TCM_SLOTS 64
#define ASH_TCM_LEAF_PAGES ((size_t)32768)
#define ASH_TCM_LEAVES 512
#define ASH_TCM_PIECES 256

enum ash_tcm_place { ASH_TCM_IN_USE, ASH_TCM_NORMAL, ASH_TCM_RETURNED };

struct ash_tcm_span {
    struct ash_tcm_span *next, *prev;
    uintptr_t objects; /* free ones, linked */
    uintptr_t start;
    size_t length; /* pages */
    uint32_t refcount;
    uint8_t size_class, place; /* class 0: one object, the whole span */
    uint64_t pad;              /* the original's set iterator, sample flag */
};

struct ash_tcm_pages {
    struct ash_lab_memory *memory;
    uintptr_t base;
    struct ash_tcm_span **leaves[ASH_TCM_LEAVES];
    struct ash_tcm_span lists[2][ASH_TCM_PAGES_MAX + 1]; /* normal, returned: sentinels */
    struct ash_tree large[2];
    size_t free_bytes, unmapped_bytes, system_bytes;
    int64_t scavenge;
    size_t release_rate; /* 0: never */
    unsigned release_i;
    struct ash_tcm_span *unused;
    struct {
        uintptr_t start, used, end;
    } pieces[ASH_TCM_PIECES]; /* of metadata */
    unsigned n_pieces;
};

struct ash_tcm_class {
    size_t size, pages;
    unsigned batch;
};

struct ash_tcm_central {
    struct ash_tcm_span empty, nonempty; /* sentinels */
    unsigned slots_max, n_slots, n_used;
    uintptr_t slots[ASH_TCM_SLOTS];
};

struct ash_tcm_list {
    uintptr_t head;
    unsigned length, low, max, n_over;
};

struct ash_tcm_cache {
    struct ash_tcm_list lists[ASH_TCM_CLASSES];
    int64_t size, size_max;
    struct ash_tcm_cache *next, *prev;
};

struct ash_tcm {
    struct ash_lab_memory *memory;
    struct ash_tcm_pages pages;
    struct ash_marks marks;
    unsigned n_classes, race;
    struct ash_tcm_class classes[ASH_TCM_CLASSES];
    uint8_t class_of[ASH_TCM_SIZE_MAX / 128 + 130];
    struct ash_tcm_central central[ASH_TCM_CLASSES];
    struct ash_tcm_cache *caches, *unused, *steal_next;
    int64_t unclaimed;
};

/* --- page heap --- */
bool ash_tcm_pages_open(struct ash_tcm_pages *pages, struct ash_lab_memory *memory);
/* Metadata, never given back. NULL: refused. */
void *ash_tcm_meta(struct ash_tcm_pages *pages, size_t size);
struct ash_tcm_span *ash_tcm_new(struct ash_tcm_pages *pages, size_t n);
void ash_tcm_delete(struct ash_tcm_pages *pages, struct ash_tcm_span *span);
/* Cuts a span in use to n pages; the rest is in use as a span of its own. NULL: refused. */
struct ash_tcm_span *ash_tcm_split(struct ash_tcm_pages *pages, struct ash_tcm_span *span,
                                   size_t n);
void ash_tcm_register(struct ash_tcm_pages *pages, struct ash_tcm_span *span, unsigned size_class);
struct ash_tcm_span *ash_tcm_span_of(const struct ash_tcm_pages *pages, uintptr_t at);

/* --- classes and central lists --- */
void ash_tcm_classes_init(struct ash_tcm *tcm);
unsigned ash_tcm_class_of(const struct ash_tcm *tcm, size_t size);
void ash_tcm_list_init(struct ash_tcm_span *sentinel);
void ash_tcm_list_push(struct ash_tcm_span *sentinel, struct ash_tcm_span *span);
void ash_tcm_list_remove(struct ash_tcm_span *span);
/* n linked objects go to the central list. */
void ash_tcm_insert(struct ash_tcm *tcm, unsigned size_class, uintptr_t head, unsigned n);
/* Up to n linked objects. Returns how many. */
unsigned ash_tcm_remove(struct ash_tcm *tcm, unsigned size_class, uintptr_t *ret_head, unsigned n);

/* --- walking --- */
void ash_tcm_each(void *self, ash_lab_visit *visit, void *arg);
bool ash_tcm_check(void *self);

ASH_INLINE uintptr_t *ash_tcm_next(uintptr_t object)
{
    return (uintptr_t *)object;
}

#endif
