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

ASH_INLINE void ash_fast_free(void *p)
{
    uintptr_t addr = (uintptr_t)p;
    uintptr_t window_i = addr >> ASH_REGION_SHIFT;
    if (ASH_UNLIKELY(window_i >= ASH_WINDOW_COUNT ||
                     atomic_load_explicit(&ash_region_kind[window_i], memory_order_relaxed) !=
                         ASH_WINDOW_REGION)) {
        ash_free_odd(p);
        return;
    }
    struct ash_meta *page =
        (struct ash_meta *)((window_i << ASH_REGION_SHIFT) + ((addr >> 9) & ASH_META_MASK));
    if (ASH_UNLIKELY(atomic_load_explicit(&page->owner, memory_order_relaxed) !=
                     (uintptr_t)ash_tls.self)) {
        ash_free_slow(p);
        return;
    }
    *(void **)p = page->lfree;
    ASH_COMPILER_BARRIER(); /* H6 */
    int32_t attn = --page->attn;
    ASH_COMPILER_BARRIER(); /* H6 */
    page->lfree = p;
    if (ASH_UNLIKELY(attn == 0))
        ash_free_attention(page);
}

#endif
