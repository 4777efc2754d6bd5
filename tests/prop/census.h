/* census.h: the subject's walk against the blocks that we hold.
 *
 * census_begin, one census_add per live block, then census_compare while nothing allocates.
 *
 * Threads   One at a time.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include "checked.h"

struct census_result {
    size_t n_blocks;  /* ours */
    size_t n_unknown; /* ours, and the walker did not know whether they live */
    size_t n_extra;   /* called live, and nobody holds them */
};

void census_begin(void);
void census_add(const struct block *block);
/* Walks `heap` (null: everything); fails on a block that is missing, walked twice or of another
 * usable size, and on more than n_extra_max blocks that are called live and that nobody holds:
 * other threads may have freed blocks on their way home, which the walker cannot see. */
struct census_result census_compare(void *heap, size_t n_extra_max);

#endif
