/* fast.h: the two inline fast paths and nothing else.
 *
 * malloc: the class from a table, the first block of its bin, one store. 13 instructions on
 * x86-64. free: the region byte (decision 7: a foreign pointer must not fault), the meta by
 * arithmetic, the owner; then link, attn, list head in this order (H6). 21 instructions.
 * The golden test (tests/golden) counts both; H11.
 *
 * Threads   Any.
 */
#ifndef ASH_HEAP_FAST_H
#define ASH_HEAP_FAST_H

#include "heap/alloc.h"
#include "heap/bins.h"
#include "heap/free.h"

ASH_INLINE void *ash_fast_malloc(size_t bytes)
{
    if (ASH_UNLIKELY(bytes > ASH_SMALL_MAX))
        return ash_alloc_above_small(bytes);
    size_t cls = ash_class_small[(bytes + 15) >> 4];
    void *p = ash_tls.bin[cls];
    if (ASH_UNLIKELY(p == NULL))
        return ash_alloc_slow(bytes);
    ash_tls.bin[cls] = *(void **)p;
    return p;
}

/* Relaxed reads that fold into a compare. Compilers keep atomic loads apart from the
 * instruction that uses them, which costs an instruction each. */
ASH_INLINE uint8_t ash_fast_read_kind(const _Atomic uint8_t *kind)
{
#ifdef __SANITIZE_THREAD__
    return atomic_load_explicit(kind, memory_order_relaxed);
#else
    return *(const uint8_t *)kind;
#endif
}

ASH_INLINE uintptr_t ash_fast_read_owner(const _Atomic uintptr_t *owner)
{
#ifdef __SANITIZE_THREAD__
    return atomic_load_explicit(owner, memory_order_relaxed);
#else
    return *(const uintptr_t *)owner;
#endif
}

/* base + *offset is the meta. The two stay apart, and opaque, so that each access below adds
 * them in its own address instead of one instruction more before them. */
ASH_INLINE struct ash_meta *ash_fast_meta(uintptr_t base, uintptr_t *offset)
{
    *offset = ash_opaque(*offset);
    return (struct ash_meta *)(base + *offset);
}

ASH_INLINE void ash_fast_free(void *p)
{
    uintptr_t addr = (uintptr_t)p;
    uintptr_t window_i = addr >> ASH_REGION_SHIFT;
    if (ASH_UNLIKELY(window_i >= ASH_WINDOW_COUNT ||
                     ash_fast_read_kind(&ash_region_kind[window_i]) != ASH_WINDOW_REGION)) {
        ash_free_odd(p);
        return;
    }
    uintptr_t base = ash_opaque(window_i) << ASH_REGION_SHIFT;
    uintptr_t offset = (addr >> 9) & ASH_META_MASK;
    if (ASH_UNLIKELY(ash_fast_read_owner(&ash_fast_meta(base, &offset)->owner) !=
                     (uintptr_t)ash_tls.self)) {
        ash_free_slow(p);
        return;
    }
    *(void **)p = ash_fast_meta(base, &offset)->lfree;
    offset = ash_opaque(offset);
    bool attention = ash_count_down(base, offset, offsetof(struct ash_meta, attn)); /* H6 */
    /* Not through ash_fast_meta: an asm in between would cost the flag of the countdown. */
    ((struct ash_meta *)(base + offset))->lfree = p;
    if (ASH_UNLIKELY(attention))
        ash_free_attention(p);
}

#endif
