/* metric.h: where a contender's resident bytes are: the accounting.
 *
 *     T resident = L asked for + R rounding + D headers + H holes + K kept + M metadata
 *
 *     page with a live byte   │ D │   L    │R│ H │ D │ L │R│  H  │   other bytes are holes
 *     page without            │               K               │   kept, not fragmented
 *
 * LA1   The sum holds to the byte at each sample; L, R, D are those on resident pages, and what
 *       was asked for but is not resident is told apart (untouched).
 * LA2   A foreign allocator has no `each`: L, R and the split of pages come from the table of
 *       blocks; its headers and metadata are in H and K.
 *
 * C, cached, is a part of H and K, not a term. The state of a strategy counts as M (LC2).
 */
#ifndef ASH_LAB_METRIC_H
#define ASH_LAB_METRIC_H

#include "lab/blocks.h"
#include "lab/memory.h"

enum { ASH_LAB_OCCUPANCIES = 11 }; /* pages without a live byte, then by tenths */

struct ash_lab_sample {
    uint64_t entry, ns, allocated_bytes; /* the three clocks (LA4) */
    uint64_t live, oracle;               /* asked for, resident or not; rounded up to 16 */
    uint64_t mapped, resident;           /* V, T */
    uint64_t asked, rounding, headers, holes, kept, meta, cached, untouched; /* L R D H K M C */
    uint64_t free_max; /* the longest free run */
    uint64_t n_live;
    uint32_t n_pages[ASH_LAB_OCCUPANCIES]; /* resident pages by live bytes on them */
};

struct ash_lab_metric;

struct ash_lab_metric_subject {
    const struct ash_lab_strategy *strategy;
    void *self;
    bool is_self_aside; /* its pages are not charged */
    const struct ash_lab_memory *memory;
    const struct ash_lab_blocks *blocks;
};

/* NULL: no memory. */
struct ash_lab_metric *ash_lab_metric_new(const struct ash_lab_metric_subject *subject);
void ash_lab_metric_free(struct ash_lab_metric *metric);
/* Fills what is not a clock. false: the strategy's `each` is wrong (LC7); ret_why says how. */
bool ash_lab_metric_take(struct ash_lab_metric *metric, struct ash_lab_sample *ret_sample,
                         char ret_why[ASH_LAB_WHY_MAX]);
/* After take: live bytes of the resident page that holds addr; 0 when none is. */
size_t ash_lab_metric_page_live(const struct ash_lab_metric *metric, uintptr_t addr);
/* After take: resident bytes of [start, start + size). */
size_t ash_lab_metric_resident(const struct ash_lab_metric *metric, uintptr_t start, size_t size);
/* After take: the mapped ranges, ascending. */
void ash_lab_metric_ranges(const struct ash_lab_metric *metric, ash_lab_visit_mapping *visit,
                           void *arg);

#endif
