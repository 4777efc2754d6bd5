/* count.h: what the heap holds, gathered when somebody asks.
 *
 * No fast path counts. Numbers come from the counts that pages keep anyway; they are exact
 * while no other thread allocates, otherwise right up to the blocks in other threads' bins.
 *
 * Threads   Any; reads other threads' pages without stopping them.
 */
#ifndef ASH_HEAP_COUNT_H
#define ASH_HEAP_COUNT_H

#include "base/base.h"
#include <stdatomic.h>

extern _Atomic uint64_t ash_count_fails; /* requests refused */

struct ash_count {
    uint64_t malloc_count, free_count, remote_free_count, fail_count;
    uint64_t live_blocks, live_bytes;
    uint64_t mapped_bytes, committed_bytes, peak_committed_bytes, dirty_bytes;
    uint64_t purged_bytes, purge_count;
    uint64_t region_count, page_count, large_count, large_bytes, huge_count, huge_bytes;
    uint64_t huge_page_bytes;
    uint64_t thread_count, orphan_count;
    uint64_t starter_bytes, retained_bytes; /* pages of starters; EMPTY pages kept */
    uint64_t blocked_bytes; /* free memory in pages of other threads: theirs to give back */
    uint64_t limit_bytes;
};

void ash_count_all(struct ash_count *ret_count);

#endif
