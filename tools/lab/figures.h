/* figures.h: a contender's samples as the few numbers that are compared.
 *
 * LA3   Four measures of the same run differ, so all are there: peak against peak, both at the
 *       moment of most live and of most resident bytes, and the average over recorded time.
 */
#ifndef ASH_LAB_FIGURES_H
#define ASH_LAB_FIGURES_H

#include "lab/replay.h"

struct ash_lab_figures {
    uint64_t peak, live_peak;       /* greatest T, greatest L */
    uint64_t average, live_average; /* over recorded time (LA4) */
    uint64_t resident_at_live_peak, live_at_peak;
    uint64_t ratio_average_permille; /* time average of T / L */
    uint64_t end;                    /* T after the last entry */
    struct ash_lab_sample at_peak;
    bool is_foreign, is_model, is_out; /* out: a fault, or refusals */
};

void ash_lab_figures(const struct ash_lab_result *result, struct ash_lab_figures *ret_figures);
/* Internal and external waste of a sample in permille (LA3). */
unsigned ash_lab_internal(const struct ash_lab_sample *sample);
unsigned ash_lab_external(const struct ash_lab_sample *sample);
/* "12.3 MiB", "512 B"; the text holds for the next seven calls. */
const char *ash_lab_bytes(uint64_t bytes);

#endif
