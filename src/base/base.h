/* base.h: the few words every room uses: branch hints, alignment, container_of.
 *
 * All macros with arguments that the library needs stand here and in check.h, because a
 * macro cannot be stepped into. Everything else is an inline function.
 *
 * Threads   Nothing here has state.
 */
#ifndef ASH_BASE_BASE_H
#define ASH_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASH_LIKELY(x) __builtin_expect(!!(x), 1)
#define ASH_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ASH_COLD __attribute__((cold, noinline))
/* What small programs never run: beside the cold code (cmake/layout.ld), but optimised. */
#define ASH_RARE __attribute__((noinline, section(".text.rare")))
#define ASH_HIDDEN __attribute__((visibility("hidden")))
#define ASH_NOINLINE __attribute__((noinline))
#define ASH_INLINE static inline __attribute__((always_inline))
#define ASH_CONTAINER_OF(p, type, member) ((type *)((uintptr_t)(p)-offsetof(type, member)))
#define ASH_COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
/* Keeps the order of stores that a fork or a signal may cut between (H6); costs nothing. */
#define ASH_COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* The same value, of which the compiler knows nothing: it cannot share work across it. */
ASH_INLINE uintptr_t ash_opaque(uintptr_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

/* Counts the int32_t at base + offset + field down and says whether zero was reached. Stores
 * before it stay before it and stores after it stay after it, for whoever looks at a cut of this
 * thread (a fork, a signal). */
/* tidy: preprocessor: one meaning, by the means of each architecture. */
ASH_INLINE bool ash_count_down(uintptr_t base, uintptr_t offset, size_t field)
{
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_THREAD__) &&               \
    !defined(__SANITIZE_ADDRESS__)
    bool zero; /* the flag of the subtraction itself: compilers test the result again */
    __asm__ volatile("subl $1, %c3(%1,%2)"
                     : "=@ccz"(zero)
                     : "r"(base), "r"(offset), "i"(field)
                     : "memory");
    return zero;
#else
    int32_t *count = (int32_t *)(base + offset + field);
    ASH_COMPILER_BARRIER();
    int32_t left = --*count;
    ASH_COMPILER_BARRIER();
    return left == 0;
#endif
}

ASH_INLINE uintptr_t ash_align_down(uintptr_t x, uintptr_t align)
{
    return x & ~(align - 1);
}

/* The caller has made sure that the sum does not wrap. */
ASH_INLINE uintptr_t ash_align_up(uintptr_t x, uintptr_t align)
{
    return (x + align - 1) & ~(align - 1);
}

ASH_INLINE bool ash_is_power_of_two(uintptr_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

ASH_INLINE size_t ash_size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

ASH_INLINE size_t ash_size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
