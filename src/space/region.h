/* region.h: address ranges of one region size each, their growth, and the byte that says
 * whether an address is ours.
 *
 * A region is reserved whole (no memory, no rights) and opened from the bottom in steps
 * that double from 4 MiB to 64 MiB, so it has four mappings at rest and mlockall, RLIMIT_DATA
 * and overcommit=2 see only what is open. Where such a reservation is refused (ulimit -v,
 * small containers, some tools) the region is a *sparse window*: the same aligned base, but
 * only the metas and then group after group are mapped, each at its own address, if
 * nobody else is there. The arithmetic, and so every line of code above, is the same.
 *
 * Objects above half a region have a mapping of their own, aligned to the region size as
 * well; its first window has the metas, the windows after it are the object's bytes.
 *
 *     ash_region_kind[p >> REGION_SHIFT]   NONE · REGION · HUGE · HUGE_CONT · GONE
 *
 * Invariants S1, S2, S7, S9 of space.h.
 *
 * Threads   The list of regions only grows; readers follow it without a lock. Growth holds
 *           ash_region_lock (rank REGION).
 */
#ifndef ASH_SPACE_REGION_H
#define ASH_SPACE_REGION_H

#include "os/lock.h"
#include "os/os.h"
#include "space/slice.h"

/* Bit 0 answers the one question of the fast path: may the metas be read and is it not huge? */
enum ash_window {
    ASH_WINDOW_NONE = 0,
    ASH_WINDOW_REGION = 1,
    ASH_WINDOW_HUGE = 2,
    ASH_WINDOW_HUGE_CONT = 4,
    ASH_WINDOW_GONE = 8, /* free, but a huge object lay here: tells a second free what it is */
};

/* User addresses: 47 bits on x86-64, 48 on aarch64. */
#if defined(__aarch64__)
#define ASH_WINDOW_COUNT ((size_t)1 << (48 - ASH_REGION_SHIFT))
#else
#define ASH_WINDOW_COUNT ((size_t)1 << (47 - ASH_REGION_SHIFT))
#endif

/* At the start of an OS page: aarch64 reaches it by one instruction (fast.h). */
extern _Atomic uint8_t ash_region_kind[ASH_WINDOW_COUNT] ASH_HIDDEN;

struct ash_region {
    struct ash_region *_Atomic next;
    uintptr_t base;
    _Atomic uint32_t open_end; /* groups below this number were opened */
    uint32_t step;             /* groups to open next time */
    bool sparse;
    _Atomic uint64_t
        some_free[ASH_REGION_GROUPS / 64 + 1]; /* bit: the group may have a free slice */
};

#define ASH_GROUPS_OFFSET (ASH_REGION_BYTES / 512)
#define ASH_HEADER_OFFSET (ASH_GROUPS_OFFSET + ASH_GROUPS_OFFSET / 8)
#define ASH_HEAD_BYTES (ASH_REGION_BYTES / 256) /* opened when the region is made */
static_assert(ASH_REGION_GROUPS * sizeof(struct ash_group) <= ASH_GROUPS_OFFSET / 8, "table fits");

/* The window of an address, NONE for addresses that no program can have. */
ASH_INLINE enum ash_window ash_window_of(uintptr_t addr)
{
    uintptr_t window_i = addr >> ASH_REGION_SHIFT;
    if (window_i >= ASH_WINDOW_COUNT)
        return ASH_WINDOW_NONE;
    return (enum ash_window)atomic_load_explicit(&ash_region_kind[window_i], memory_order_relaxed);
}

ASH_INLINE bool ash_window_is_free(enum ash_window window)
{
    return window == ASH_WINDOW_NONE || window == ASH_WINDOW_GONE;
}

ASH_INLINE struct ash_group *ash_group_of(uintptr_t addr)
{
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    return (struct ash_group *)(base + ASH_GROUPS_OFFSET) + ((addr - base) >> ASH_GROUP_SHIFT);
}

ASH_INLINE struct ash_region *ash_region_of(uintptr_t addr)
{
    return (struct ash_region *)((addr & ~(ASH_REGION_BYTES - 1)) + ASH_HEADER_OFFSET);
}

extern struct ash_region *_Atomic ash_region_list;
/* First region, or NULL; the others follow by next. */
struct ash_region *ash_region_first(void);
/* Opens more groups of some region, or adds a region. `seen_open` is the sum that the caller
 * saw when it found no room: when somebody else has grown meanwhile this does nothing.
 * false: the system refuses. */
bool ash_region_grow(unsigned n_slices, uint64_t seen_open);
/* Groups opened so far in all regions; grows with every success of ash_region_grow. */
uint64_t ash_region_open_count(void);
/* Unmaps a wholly free, wholly claimed group of a sparse window; gives its share of the
 * address limit back. */
bool ash_region_close_group(struct ash_region *region, struct ash_group *group);
/* ASHLAR=region=sparse: every further region is a sparse window. */
void ash_region_force_sparse(void);

/* A mapping for one object of bytes at a multiple of align (at most half a region).
 * Returns the object's address, which reads zero, or 0. */
uintptr_t ash_region_map_huge(size_t bytes, size_t align);
void ash_region_unmap_huge(uintptr_t addr, size_t bytes);
/* Between the two the metas of every huge object stay mapped: for a reader that is not sure that
 * the object stays. Lock of rank ASH_RANK_HUGE. */
struct ash_held ash_region_hold_huge(void);
void ash_region_let_huge(struct ash_held held);
/* Makes the object longer where it lies. */
bool ash_region_grow_huge(uintptr_t addr, size_t bytes, size_t more);
/* Makes it shorter. false: the system refuses, nothing changed. */
bool ash_region_shrink_huge(uintptr_t addr, size_t bytes, size_t less);

/* Bytes of address space that regions have, open or not. */
uint64_t ash_region_mapped_bytes(void);
unsigned ash_region_count(void);

#endif
