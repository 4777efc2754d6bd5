/* lab.h: the contract between an allocation strategy and whoever drives it: the replay or the shim.
 *
 *     replay ──┐                                   ┌── strat/first_fit.c
 *              ├── alloc, free, resize, thread ──▶ │   one constant of struct ash_lab_strategy
 *     shim  ───┘                                   └── map, extend, purge, slot … ──▶ memory.c
 *
 * A strategy is a real allocator on real pages. The same file serves the replay, in process, and
 * real programs, as a preloaded library. Sizes are bytes, times nanoseconds.
 *
 * LC1   Calls never overlap unless LOCKS is set; none is re-entered. A strategy calls nothing but
 *       what stands here and `base`: no malloc, no stdio, no pthread, no clock.
 * LC2   open: self is state_size zero bytes, 64-byte aligned, in memory of its own, charged as
 *       META. false: this strategy cannot run here. Nothing is called before; nothing closes.
 * LC3   alloc: size + align <= PTRDIFF_MAX, align a power of two >= 16. Size 0 asks for a unique
 *       block. The block is aligned and [block, block + usable) lies inside memory obtained and
 *       in no other live block; its contents are arbitrary. NULL: refused, nothing changed.
 * LC4   free: a live block of this instance, never NULL.
 * LC5   usable: at least what was asked for; constant until resize or free; all of it the caller's.
 * LC6   resize: NULL: no cheaper way than a copy, nothing changed. Else the block, moved or not,
 *       keeps min(old, new) bytes and is 16-aligned.
 * LC7   each: covers every mapped byte exactly once, ascending within a mapping. Changes nothing,
 *       allocates nothing; ends when visit returns false.
 * LC8   check: true if and only if all invariants of the file's head comment hold.
 * LC9   thread: CAME and WENT come as that thread; its slot is still there at WENT, NULL after.
 * LC10  The same calls give the same addresses: no randomness but parameter `seed`, no time but
 *       ash_lab_now.
 * LC11  bound: bytes, headers included, that suffice for every sequence with these maxima; 0: none
 *       known.
 * LC12  What is mapped or extended counts. What lies aside is an index only: without it
 *       (parameter `plain`) every address must be the same.
 * LC13  map and extend may return NULL at any time; the strategy keeps its invariants and serves
 *       again later.
 */
#ifndef ASH_LAB_LAB_H
#define ASH_LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_lab_memory; /* real pages, counted (memory.c) */

/* A strategy of your own is loaded into the command and finds these there. */
#pragma GCC visibility push(default)

/* Whole zero pages at a multiple of align (0: a page), or NULL: refused. */
void *ash_lab_map(struct ash_lab_memory *memory, size_t size, size_t align);
/* Grows or shrinks the one contiguous segment, as brk does. Its old end, or NULL: refused. */
void *ash_lab_extend(struct ash_lab_memory *memory, ptrdiff_t size);
/* Gives pages of a mapping back; any part of it. */
void ash_lab_unmap(struct ash_lab_memory *memory, void *at, size_t size);
/* The pages go, the mapping stays, the next read is zero. false: refused. */
bool ash_lab_purge(struct ash_lab_memory *memory, void *at, size_t size);
/* Zero memory for an index, not charged (LC12). NULL: refused. */
void *ash_lab_aside(struct ash_lab_memory *memory, size_t size);
/* Recorded time in a replay, CLOCK_MONOTONIC in the shim. */
uint64_t ash_lab_now(struct ash_lab_memory *memory);
/* The calling thread's own word, NULL at its birth. */
void **ash_lab_slot(struct ash_lab_memory *memory);
/* CPUs of the recorded machine. */
unsigned ash_lab_cpus(struct ash_lab_memory *memory);
/* n more nodes, bits or bins were looked at. */
void ash_lab_step(struct ash_lab_memory *memory, unsigned n);
/* A lock of the modelled allocator would be taken here: which, and whether the thread that held it
 * last is another one. For counts of contention only. */
void ash_lab_lock(struct ash_lab_memory *memory, const void *lock);
/* A parameter as the user gave it (--with first_fit:order=lifo:split=64), or fallback. */
const char *ash_lab_param(struct ash_lab_memory *memory, const char *key, const char *fallback);
#pragma GCC visibility pop

enum ash_lab_flag {
    ASH_LAB_LOCKS = 1,   /* locks itself: calls may overlap */
    ASH_LAB_THREADS = 2, /* knows threads */
    ASH_LAB_MODEL = 4,   /* follows a namesake (its head says which, and what is left out) */
};

enum ash_lab_event { ASH_LAB_CAME, ASH_LAB_WENT };

enum ash_lab_kind {
    ASH_LAB_BLOCK,  /* usable bytes of a live block */
    ASH_LAB_HEADER, /* tag of a live block */
    ASH_LAB_FREE,
    ASH_LAB_CACHED, /* free, but only one thread or a pending list can reach it */
    ASH_LAB_META,
    ASH_LAB_FRESH, /* never used since it was mapped */
};

typedef bool ash_lab_visit(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind);

struct ash_lab_strategy {
    const char *name, *about; /* one word; one sentence that names the paper or source */
    unsigned flags;           /* enum ash_lab_flag */
    unsigned state_size;
    bool (*open)(void *self, struct ash_lab_memory *memory);
    void *(*alloc)(void *self, size_t size, size_t align);
    void (*free)(void *self, void *block);
    size_t (*usable)(void *self, void *block);
    void (*each)(void *self, ash_lab_visit *visit, void *arg);
    bool (*check)(void *self);
    void (*thread)(void *self, enum ash_lab_event event);  /* optional */
    void *(*resize)(void *self, void *block, size_t size); /* optional */
    size_t (*bound)(size_t live_max, size_t block_max);    /* optional */
    /* Optional: in words, why the last alloc or free did what it did. */
    const char *(*why)(void *self);
};

/* Each file of strat/ defines one: ash_lab_first_fit, … */
#define ASH_LAB_STRATEGY(name) extern const struct ash_lab_strategy ash_lab_##name

ASH_LAB_STRATEGY(first_fit);
ASH_LAB_STRATEGY(next_fit);
ASH_LAB_STRATEGY(best_fit);
ASH_LAB_STRATEGY(worst_fit);
ASH_LAB_STRATEGY(buddy);
ASH_LAB_STRATEGY(tlsf);
ASH_LAB_STRATEGY(arena);
ASH_LAB_STRATEGY(ptmalloc2);
ASH_LAB_STRATEGY(jemalloc);
ASH_LAB_STRATEGY(tcmalloc);
ASH_LAB_STRATEGY(mimalloc);

#endif
