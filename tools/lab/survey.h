/* survey.h: what a trace holds, by one pass over it before anything is replayed.
 *
 * Sizes fall into classes of a quarter of a power of two, lifetimes into powers of two of bytes
 * allocated meanwhile, the clock of lifetimes.
 */
#ifndef ASH_LAB_SURVEY_H
#define ASH_LAB_SURVEY_H

#include "lab/load.h"

enum { ASH_LAB_SIZES = 4 * 48, ASH_LAB_LIVES = 50 };

struct ash_lab_survey {
    char format[32], note[96];
    bool has_clock, has_threads, has_sites;
    uint32_t n_cpus, n_threads, thread_max;
    struct ash_lab_load_count count;
    uint64_t n_dropped, n_bad, n_reallocs, n_aligned;
    uint64_t ns_span, allocated_bytes;
    uint64_t live_max_bytes, live_max_blocks, live_max_entry, oracle_max_bytes, live_end_bytes;
    uint64_t block_max_bytes;
    struct {
        uint64_t n_births, bytes;
    } sizes[ASH_LAB_SIZES], lives[ASH_LAB_LIVES]; /* the last of lives: still alive at the end */
};

/* The class of a size, and the greatest size of a class. */
unsigned ash_lab_size_class(uint64_t size);
uint64_t ash_lab_size_top(unsigned class_i);
/* false: ret_error is one sentence. */
bool ash_lab_survey(const char *path, struct ash_lab_survey *ret_survey,
                    char ret_error[ASH_LAB_ERROR_MAX]);

#endif
