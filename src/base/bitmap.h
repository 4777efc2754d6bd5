/* bitmap.h: runs of set bits in one 32-bit word.
 *
 * A group is 32 slices, so one word answers where a run of free slices begins and how
 * long the longest is. Both work by folding the word onto itself: after k folds a bit is
 * set where k + 1 set bits follow each other.
 *
 * Threads   Pure functions.
 */
#ifndef ASH_BASE_BITMAP_H
#define ASH_BASE_BITMAP_H

#include "base/base.h"

/* The word with n set bits from bit first_i on; n is 1 to 32. */
ASH_INLINE uint32_t ash_bitmap_run(unsigned first_i, unsigned n)
{
    return (n >= 32 ? UINT32_MAX : ((uint32_t)1 << n) - 1) << first_i;
}

/* Lowest position from which n set bits follow each other, or -1. */
ASH_INLINE int ash_bitmap_find_run(uint32_t word, unsigned n)
{
    for (unsigned have = 1; have < n;) {
        unsigned step = n - have < have ? n - have : have;
        word &= word >> step;
        have += step;
    }
    return word ? __builtin_ctz(word) : -1;
}

/* Highest position from which n set bits follow each other, or -1. */
ASH_INLINE int ash_bitmap_find_run_high(uint32_t word, unsigned n)
{
    for (unsigned have = 1; have < n;) {
        unsigned step = n - have < have ? n - have : have;
        word &= word >> step;
        have += step;
    }
    return word ? 31 - __builtin_clz(word) : -1;
}

/* Length of the longest run of set bits. */
ASH_INLINE unsigned ash_bitmap_longest(uint32_t word)
{
    unsigned n = 0;
    for (; word; n++)
        word &= word >> 1;
    return n;
}

#endif
