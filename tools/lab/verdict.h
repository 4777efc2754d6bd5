/* verdict.h: numbers → two sentences, by rules in this order.
 *
 * LV1   Contenders with a fault or refusals are out, and named in a third line.
 * LV2   Fewer than 10 000 births or less than 1 MiB live at most: too short to judge. Dropped or
 *       missed entries above 0.1 %: "at least" before each number.
 * LV3   Differences below 2 % or 256 KiB, or below the spread of a foreign contender, are none.
 * LV4   Waste of the base below 15 % of its peak and nobody better: no allocator changes that.
 * LV5   First sentence: the best by peak against the base, at the peak and on average; if another
 *       is best on average, it says so. Ties stay with the base.
 * LV6   Second sentence: the largest of R, H + D + M, K of the base at its peak, and what follows.
 * LV7   "NAME, a model" where the real one was not replayed, and a last line with the command that
 *       does it. Where giving memory back was not exercised: no sentence about averages. Never one
 *       about speed.
 * LV8   The JSON holds what the rules read, so each sentence can be recomputed.
 *
 * The base: as the user says, else a foreign ptmalloc2 (glibc's libc), else the model, else the
 * first contender.
 */
#ifndef ASH_LAB_VERDICT_H
#define ASH_LAB_VERDICT_H

#include "lab/figures.h"

enum { ASH_LAB_LINES = 5, ASH_LAB_LINE_MAX = 400 };

struct ash_lab_verdict_input {
    const struct ash_lab_survey *survey;
    const struct ash_lab_result *results;
    const struct ash_lab_figures *figures;
    size_t n, base;
    bool is_paced; /* foreign ones ran at recorded speed */
};

struct ash_lab_verdict {
    char lines[ASH_LAB_LINES][ASH_LAB_LINE_MAX];
    unsigned n_lines;
    const char *rule; /* which one spoke the first sentence */
    size_t best;      /* by peak; base: nobody is better */
    size_t best_average;
};

/* The base among the contenders; n: `wanted` is not among them. */
size_t ash_lab_base(const struct ash_lab_result *results, size_t n, const char *wanted);
void ash_lab_judge(const struct ash_lab_verdict_input *input, struct ash_lab_verdict *ret_verdict);
/* LV3: is `other` less than `base` by more than noise? */
bool ash_lab_is_less(uint64_t other, uint64_t base, uint64_t spread);

#endif
