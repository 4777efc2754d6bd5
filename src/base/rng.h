/* rng.h: a small generator for seeds, random bases and tests: splitmix64.
 *
 * Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
 * Not for secrets.
 *
 * Threads   The state belongs to the caller.
 */
#ifndef ASH_BASE_RNG_H
#define ASH_BASE_RNG_H

#include "base/base.h"

ASH_INLINE uint64_t ash_rng_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

#endif
