/* meta.h: the 128-byte record of a slice, and where it lies.
 *
 *   line 0  read by everybody, written when the page is made
 *   line 1  written by the owner of the page, and the mailbox of remote frees
 *
 * The record is declared here because space stores it; what line 1 means is heap's business
 * (heap/page.h). A remote free reads line 0 only and touches line 1 once per batch.
 *
 * Threads   owner and kind are atomic: any thread may read them of any address whose
 *           region byte is set (S7, S9). The rest belongs to the page's holder (H1).
 */
#ifndef ASH_SPACE_META_H
#define ASH_SPACE_META_H

#include "base/base.h"
#include <assert.h>
#include <stdatomic.h>

/* 30 in every product; 26 in one CI build, so that growth across regions is exercised. */
#ifndef ASH_REGION_SHIFT
#define ASH_REGION_SHIFT 30
#endif

#define ASH_SLICE_SHIFT 16
#define ASH_SLICE_BYTES ((size_t)1 << ASH_SLICE_SHIFT)
#define ASH_GROUP_SHIFT 21
#define ASH_GROUP_BYTES ((size_t)1 << ASH_GROUP_SHIFT)
#define ASH_GROUP_SLICES 32u
#define ASH_REGION_BYTES ((size_t)1 << ASH_REGION_SHIFT)
#define ASH_REGION_SLICES (1u << (ASH_REGION_SHIFT - ASH_SLICE_SHIFT))
#define ASH_REGION_GROUPS (1u << (ASH_REGION_SHIFT - ASH_GROUP_SHIFT))
#define ASH_META_BYTES 128u
#define ASH_META_MASK ((((uintptr_t)1 << (ASH_REGION_SHIFT - ASH_SLICE_SHIFT)) - 1) << 7)
#define ASH_FIRST_SLICE (ASH_REGION_SLICES / 8) /* S2 */
#define ASH_FIRST_GROUP (ASH_REGION_GROUPS / 8)

enum ash_kind {
    ASH_KIND_NONE = 0, /* S3: belongs to nobody */
    ASH_KIND_SMALL,    /* a page of one slice */
    ASH_KIND_MEDIUM,   /* a page of two, four or eight */
    ASH_KIND_LARGE,    /* one object of n slices */
    ASH_KIND_HUGE,     /* one object with a mapping of its own */
    ASH_KIND_INTERIOR, /* a further slice of the page or object `head` */
};

/* Values of owner that are no heap: odd, so that they never equal an address of one. */
enum ash_tag {
    ASH_TAG_INTERIOR = 1,
    ASH_TAG_LARGE = 3,
    ASH_TAG_RELEASED = 5, /* was a page or an object; nobody's now */
};

struct ash_heap;

struct ash_meta {
    _Atomic uintptr_t owner; /* struct ash_heap *, or a tag */
    uint64_t recip;          /* ceil(2^40 / bsize): block index = (offset * recip) >> 40 */
    _Atomic uint32_t bsize;  /* block size in bytes */
    uint16_t cls;            /* size class */
    _Atomic uint8_t kind;    /* enum ash_kind, stored last and cleared first (S4) */
    uint8_t flags;           /* enum ash_meta_flag */
    _Atomic uint32_t n_slices;
    uint16_t cap;            /* blocks in the page */
    _Atomic uint16_t carved; /* blocks ever linked; by the owner, 16 times in a page's life */
    uintptr_t start;         /* first byte of the page or object */
    uintptr_t head;          /* INTERIOR: the head's meta; LARGE, HUGE: the size asked for */
    struct ash_meta *owned_next, *owned_prev; /* all pages, or all objects, of one heap */

    void *lfree __attribute__((aligned(64))); /* list of blocks freed by the owner */
    int32_t attn, attn0;                      /* countdown of frees, and the value it was set to */
    uint16_t out;                             /* blocks handed out, as of the last fold */
    uint16_t lcnt;                            /* blocks in lfree, as of the last fold */
    uint8_t state;                            /* enum ash_page_state */
    uint8_t age;                              /* scans without activity (heap/holes.c) */
    bool zero;                                /* what is not carved yet reads zero */
    uint8_t unused;
    struct ash_meta *next, *prev; /* the list that state names */
    struct ash_meta *inext;       /* inbox link (R2): plain, since xfree's orders hand it on */
    _Atomic uint64_t xfree;       /* mailbox: [63:48] count, [47:1] first block, [0] NOTIFIED */
    uint64_t purged;              /* bit i: OS page i of this slice was given back (H9) */
};

static_assert(sizeof(struct ash_meta) == ASH_META_BYTES, "the arithmetic of S1 needs 128 bytes");
static_assert(offsetof(struct ash_meta, lfree) == 64, "line 1 starts with the owner's list");

enum ash_meta_flag {
    ASH_META_OF_NAMED = 1, /* a large object of the named heap in `next` */
    ASH_META_SHARED = 2,   /* a page of a heap that is held by a lock, not by a thread */
};

/* S1. Only for addresses whose region byte is REGION, or HUGE (the first window). */
ASH_INLINE struct ash_meta *ash_meta_of(uintptr_t addr)
{
    return (struct ash_meta *)((addr & ~(ASH_REGION_BYTES - 1)) + ((addr >> 9) & ASH_META_MASK));
}

/* Relaxed: who got a pointer by any proper way sees what belongs to it, and a walk that meets
 * a page of another thread wants some value, not a torn one. */
ASH_INLINE unsigned ash_meta_carved(const struct ash_meta *page)
{
    return atomic_load_explicit(&page->carved, memory_order_relaxed);
}

ASH_INLINE uint32_t ash_meta_bsize(const struct ash_meta *page)
{
    return atomic_load_explicit(&page->bsize, memory_order_relaxed);
}

ASH_INLINE uint32_t ash_meta_slices(const struct ash_meta *head)
{
    return atomic_load_explicit(&head->n_slices, memory_order_relaxed);
}

/* The slice that a meta describes. */
ASH_INLINE uintptr_t ash_meta_slice(const struct ash_meta *meta)
{
    uintptr_t at = (uintptr_t)meta;
    uintptr_t base = at & ~(ASH_REGION_BYTES - 1);
    return base + ((at - base) / ASH_META_BYTES) * ASH_SLICE_BYTES;
}

#endif
