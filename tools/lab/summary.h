/* summary.h: what a recorded program did with its heap, in numbers: one pass over a trace.
 *
 * Ages are counted in bytes that were allocated meanwhile: the clock that does not depend on the
 * machine. A death is of the *youngest* if no block that is alive was born later in its thread:
 * what a stack could have served.
 *
 * Memory: some 64 bytes for each live block and 32 for each call stack, whatever the length.
 */
#ifndef ASH_LAB_SUMMARY_H
#define ASH_LAB_SUMMARY_H

#include "lab/order.h"

#define ASH_SUMMARY_POWERS 48 /* row i: from 2^i to 2^(i+1) - 1; row 0 has 0 too */

struct ash_summary_site {
    uint32_t stack; /* 0: the births without a stack */
    uint64_t n_births, birth_bytes;
    uint64_t live_bytes, n_live; /* at the end */
    uint32_t n_frames;
    uint64_t *frames;
};

struct ash_summary {
    uint64_t n_births, n_deaths, n_resizes, n_moved, n_failed, n_usable;
    uint64_t birth_bytes;                 /* of all births; a resize adds what it grew by */
    uint64_t n_unknown;                   /* deaths of blocks older than the recording */
    uint64_t n_far;                       /* deaths by another thread than the birth's */
    uint64_t n_youngest;                  /* deaths of the youngest */
    uint64_t live_bytes, n_live;          /* at the end */
    uint64_t peak_bytes, n_peak, peak_ns; /* when live_bytes was greatest */
    uint64_t end_ns;
    uint64_t sizes[ASH_SUMMARY_POWERS], size_bytes[ASH_SUMMARY_POWERS];
    uint64_t ages[ASH_SUMMARY_POWERS];      /* of those that died */
    uint64_t survivors[ASH_SUMMARY_POWERS]; /* age so far of those that live at the end */
    struct ash_summary_site *sites;         /* most bytes first */
    size_t n_sites;
};

/* Reads the whole order. false: no memory. */
bool ash_summary_make(struct ash_order *order, struct ash_summary *ret_summary);
/* Sites whose innermost n_frames are alike become one, with the frames of the one that had most. */
void ash_summary_group(struct ash_summary *summary, uint32_t n_frames);
void ash_summary_free(struct ash_summary *summary);

#endif
