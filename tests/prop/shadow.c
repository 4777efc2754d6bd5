/* shadow.c: a bit per 16 bytes of address space; see shadow.h. */
#include "shadow.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* 2^48 bytes of user addresses in windows of 1 GiB, each with a leaf of 2^26 bits. */
#define WINDOW_SHIFT 30
#define N_WINDOWS (1u << (48 - WINDOW_SHIFT))
#define LEAF_WORDS ((size_t)1 << (WINDOW_SHIFT - 4 - 6))

static _Atomic(_Atomic uint64_t *) leaves[N_WINDOWS];
static atomic_size_t n_granules;

static _Atomic uint64_t *leaf_of(uintptr_t window)
{
    if (window >= N_WINDOWS)
        abort();
    _Atomic uint64_t *leaf = atomic_load_explicit(&leaves[window], memory_order_acquire);
    if (leaf)
        return leaf;
    leaf = mmap(NULL, LEAF_WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (leaf == MAP_FAILED)
        abort();
    _Atomic uint64_t *first = NULL;
    if (atomic_compare_exchange_strong(&leaves[window], &first, leaf))
        return leaf;
    munmap(leaf, LEAF_WORDS * sizeof(uint64_t));
    return first;
}

/* Flips the bits of [first, end) to `claimed`; false if one had that value already. Relaxed: the
 * bits order nothing, and the block's way from thread to thread orders them. */
static bool flip(uint64_t first, uint64_t end, bool claimed)
{
    bool good = true;
    for (uint64_t i = first; i < end;) {
        uint64_t stop = (i | 63) + 1 < end ? (i | 63) + 1 : end;
        uint64_t mask = ~(uint64_t)0 >> (64 - (stop - i)) << (i & 63);
        _Atomic uint64_t *word = &leaf_of(i >> 26)[(i >> 6) & (LEAF_WORDS - 1)];
        uint64_t was = claimed ? atomic_fetch_or_explicit(word, mask, memory_order_relaxed)
                               : atomic_fetch_and_explicit(word, ~mask, memory_order_relaxed);
        good &= (was & mask) == (claimed ? 0 : mask);
        i = stop;
    }
    if (claimed)
        atomic_fetch_add_explicit(&n_granules, end - first, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&n_granules, end - first, memory_order_relaxed);
    return good;
}

static uint64_t end_of(const void *p, size_t bytes)
{
    return ((uint64_t)(uintptr_t)p + (bytes ? bytes : 1) + 15) >> 4; /* size 0 is unique, too */
}

bool shadow_claim(const void *p, size_t bytes)
{
    return flip((uintptr_t)p >> 4, end_of(p, bytes), true);
}

bool shadow_return(const void *p, size_t bytes)
{
    return flip((uintptr_t)p >> 4, end_of(p, bytes), false);
}

size_t shadow_granules(void)
{
    return atomic_load(&n_granules);
}
