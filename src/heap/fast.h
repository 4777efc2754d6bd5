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

/* tidy: preprocessor: golden counts: what an architecture can say in one instruction. */
/* Hands over what the path still has in a register: here bytes, there the class. */
ASH_INLINE void *ash_fast_refill(size_t bytes, size_t cls)
{
#if defined(__aarch64__)
    (void)bytes;
    return ash_alloc_class(cls);
#else
    (void)cls;
    return ash_alloc_slow(bytes);
#endif
}

ASH_INLINE void *ash_fast_malloc(size_t bytes)
{
    if (ASH_UNLIKELY(bytes > ASH_SMALL_MAX))
        return ash_alloc_above_small(bytes);
    size_t cls = ash_class_of_small(bytes);
    void *p = ash_tls.bin[cls];
    if (ASH_UNLIKELY(p == NULL))
        return ash_fast_refill(bytes, cls);
    ash_tls.bin[cls] = *(void **)p;
    return p;
}

/* The same without a slow path: NULL where there would be one. For callers that have more to do
 * after a failure, and then no frame to build before a success. */
ASH_INLINE void *ash_fast_try(size_t bytes)
{
    if (ASH_UNLIKELY(bytes > ASH_SMALL_MAX))
        return NULL;
    size_t cls = ash_class_of_small(bytes);
    void *p = ash_tls.bin[cls];
    if (ASH_LIKELY(p != NULL))
        ash_tls.bin[cls] = *(void **)p;
    return p;
}

/* tidy: preprocessor: golden counts: compilers keep atomic loads apart from their use. */
/* Reads that fold into a compare. Compilers keep atomic loads apart from the instruction
 * that uses them, which costs an instruction each. */
ASH_INLINE uint8_t ash_fast_read_kind(uintptr_t window_i)
{
#if defined(__SANITIZE_THREAD__)
    return atomic_load_explicit(&ash_region_kind[window_i], memory_order_relaxed);
#elif defined(__aarch64__) && defined(__OPTIMIZE__) && defined(__PIC__)
    const uint8_t *kinds; /* the table starts an OS page: no second half of the address */
    __asm__("adrp %0, ash_region_kind" : "=r"(kinds));
    return kinds[window_i];
#else
    return *(const uint8_t *)&ash_region_kind[window_i];
#endif
}

/* tidy: preprocessor: as above. */
ASH_INLINE uintptr_t ash_fast_read_owner(const _Atomic uintptr_t *owner)
{
#ifdef __SANITIZE_THREAD__
    return atomic_load_explicit(owner, memory_order_relaxed);
#else
    return *(const uintptr_t *)owner;
#endif
}

#if defined(__aarch64__) && defined(__OPTIMIZE__)
ASH_INLINE bool ash_fast_is_user(uintptr_t addr)
{
    return addr >> 48 == 0;
}

ASH_INLINE uintptr_t ash_fast_meta_offset(uintptr_t addr)
{
    return ((addr >> ASH_SLICE_SHIFT) & (ASH_REGION_SLICES - 1)) * ASH_META_BYTES;
}

/* One shifted add. Opaque, so that the compiler does not split it to fold half of it into
 * the first load. */
ASH_INLINE struct ash_meta *ash_fast_meta(uintptr_t base, uintptr_t *offset)
{
    uintptr_t meta = ash_opaque(base + *offset);
    *offset = meta - base;
    return (struct ash_meta *)meta;
}

/* lfree, attn and attn0 by one load and one store of two registers. They lie in one OS page,
 * so no cut can part them (H6). attn >= 1 (H5): the countdown borrows nothing from attn0. */
ASH_INLINE bool ash_fast_push(uintptr_t base, uintptr_t offset, void *p)
{
    uintptr_t meta = base + offset;
    uint64_t first, counts;
    __asm__ volatile("ldp %0, %1, [%2, %3]"
                     : "=r"(first), "=r"(counts)
                     : "r"(meta), "i"(offsetof(struct ash_meta, lfree))
                     : "memory");
    *(uint64_t *)p = first;
    counts--;
    __asm__ volatile("stp %0, %1, [%2, %3]"
                     :
                     : "r"(p), "r"(counts), "r"(meta), "i"(offsetof(struct ash_meta, lfree))
                     : "memory");
    return (uint32_t)counts == 0;
}
#else
ASH_INLINE bool ash_fast_is_user(uintptr_t addr)
{
    return addr >> ASH_REGION_SHIFT < ASH_WINDOW_COUNT;
}

ASH_INLINE uintptr_t ash_fast_meta_offset(uintptr_t addr)
{
    return (addr >> 9) & ASH_META_MASK;
}

/* base + *offset is the meta. The two stay apart, and opaque, so that each access below adds
 * them in its own address instead of one instruction more before them. */
ASH_INLINE struct ash_meta *ash_fast_meta(uintptr_t base, uintptr_t *offset)
{
    *offset = ash_opaque(*offset);
    return (struct ash_meta *)(base + *offset);
}

ASH_INLINE bool ash_fast_push(uintptr_t base, uintptr_t offset, void *p)
{
    *(void **)p = ash_fast_meta(base, &offset)->lfree;
    offset = ash_opaque(offset);
    bool attention = ash_count_down(base, offset, offsetof(struct ash_meta, attn)); /* H6 */
    /* Not through ash_fast_meta: an asm in between would cost the flag of the countdown. */
    ((struct ash_meta *)(base + offset))->lfree = p;
    return attention;
}
#endif

ASH_INLINE void ash_fast_free(void *p)
{
    uintptr_t addr = ash_opaque((uintptr_t)p); /* one register for both names of it */
    p = (void *)addr;
    uintptr_t window_i = addr >> ASH_REGION_SHIFT;
    if (ASH_UNLIKELY(!ash_fast_is_user(addr) ||
                     !(ash_fast_read_kind(window_i) & ASH_WINDOW_REGION))) {
        ash_free_slow(p);
        return;
    }
    uintptr_t base = ash_opaque(window_i) << ASH_REGION_SHIFT;
    uintptr_t offset = ash_fast_meta_offset(addr);
    if (ASH_UNLIKELY(ash_fast_read_owner(&ash_fast_meta(base, &offset)->owner) !=
                     (uintptr_t)ash_tls.self)) {
        ash_free_slow(p);
        return;
    }
    if (ASH_UNLIKELY(ash_fast_push(base, offset, p)))
        ash_free_attention(p);
}

#endif
