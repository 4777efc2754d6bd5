/* bins.h: what a thread has of its own: list heads in static TLS; and the heap descriptor.
 *
 * The bins of a new thread are zero and zero means empty, so there is no start-up test on
 * any path. `self` starts as ash_heap_none, not as 0: an untouched meta has owner 0.
 *
 * Threads   ash_tls belongs to its thread. A heap's line 0 is written by others, the rest by
 *           its holder (H1).
 */
#ifndef ASH_HEAP_BINS_H
#define ASH_HEAP_BINS_H

#include "heap/class.h"
#include "os/lock.h"
#include "space/space.h"

/* Blocks of other heaps that the holder freed, by class (stray.h). */
struct ash_strays {
    void *first[ASH_BIN_COUNT];
    int64_t room; /* bytes */
    uint8_t n[ASH_BIN_COUNT];
};

enum ash_tls_state {
    ASH_TLS_FRESH = 0, /* no key destructor registered yet */
    ASH_TLS_KEYED,     /* the destructor will run */
    ASH_TLS_EXITED,    /* the last destructor round is over: starters serve, no strays */
};

enum ash_watch {
    ASH_WATCH_FRESH = 0, /* watched from its first call on, if there is a watcher */
    ASH_WATCH_ON,
    ASH_WATCH_PAUSED,
    ASH_WATCH_OVER,
};

struct ash_tls {
    union {
        struct ash_heap *self; /* in the place of bin 0: class 0 is reserved (C1) */
        void *bin[ASH_BIN_COUNT];
    };
    uint64_t zero[2];              /* H8 */
    uint8_t credit[ASH_BIN_COUNT]; /* starter blocks taken, by class; 0: remote frees */
    uint8_t state;                 /* enum ash_tls_state */
    uint8_t rounds;                /* key destructor rounds seen */
    uint8_t watch;                 /* enum ash_watch (watch.h) */
    struct ash_heap *home;         /* while self is ash_heap_watched */
    void *watcher;                 /* what the watcher keeps of this thread */
};
static_assert(sizeof(struct ash_tls) <= 704, "static TLS for libraries loaded late is scarce");

extern __thread struct ash_tls ash_tls ASH_HIDDEN __attribute__((tls_model("initial-exec")));

enum ash_heap_kind {
    ASH_HEAP_NONE = 0,
    ASH_HEAP_THREAD,
    ASH_HEAP_STARTER,
    ASH_HEAP_NAMED,
    ASH_HEAP_QUARANTINED,
};

struct ash_heap {
    /* line 0, written by others */
    _Atomic uintptr_t inbox; /* first page, bit 0 ORPHAN, bit 1 HELD (remote.h) */
    _Atomic uint8_t kind;    /* enum ash_heap_kind */
    struct ash_lock lock;    /* STARTER, NAMED */
    struct ash_heap *orphan_next;
    uint8_t rest_of_line[32];

    /* line 1 on, the holder's */
    struct ash_tls *tls __attribute__((aligned(64))); /* of the thread that holds it, or NULL */
    struct ash_heap *_Atomic all_next;                /* registry of heaps (threads.h) */
    _Atomic uint32_t busy;                            /* H10 */
    _Atomic uint32_t trim_seen; /* the trim request this heap has answered (threads.h) */
    uint32_t ticks;             /* slow paths since the last tick */
    uint32_t recount;           /* fork generation in which its pages must be recounted, or 0 */
    uint32_t watch;         /* 1 + early looks of current pages since the tick, or 0 (threads.h) */
    bool unsettled;         /* pages changed since the last scan, or wait for the next */
    uint32_t tick_ms;       /* last tick; low 32 bits of the clock */
    uint32_t scan_ms;       /* last scan for holes */
    size_t retained_bytes;  /* carved bytes of EMPTY pages */
    size_t page_bytes;      /* of all its pages */
    struct ash_meta *pages; /* all its pages (owned_next) */
    struct ash_meta *objects;      /* large objects of a named heap */
    _Atomic uint64_t handed_count; /* blocks ever moved into bins or handed out */
    _Atomic uint64_t handed_bytes;
    _Atomic uint64_t page_count;
    _Atomic uint64_t remote_count; /* blocks that came back through xfree */
    struct ash_meta *cur[ASH_CLASS_COUNT];
    struct ash_meta *part[ASH_CLASS_COUNT];
    struct ash_strays strays;
};

/* H7. What `self` is while a thread has no heap. */
extern struct ash_heap ash_heap_none;
/* What it is while the thread is watched: owns no page either, and is always busy (watch.h). */
extern struct ash_heap ash_heap_watched;

/* For counters that only the holder writes and others read: no locked instruction. */
ASH_INLINE void ash_count_add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

ASH_INLINE enum ash_heap_kind ash_heap_kind_of(const struct ash_heap *heap)
{
    return (enum ash_heap_kind)atomic_load_explicit(&heap->kind, memory_order_relaxed);
}

/* Blocks of the bins go back to the pages they came from. */
void ash_bins_empty(struct ash_tls *tls, struct ash_heap *heap);

#endif
