/* figures.c: a contender's samples as the few numbers that are compared; see figures.h. */
#include "lab/figures.h"
#include "base/base.h"
#include <stdio.h>

/* A sample stands from its moment until the next one. */
static void average(const struct ash_lab_result *result, struct ash_lab_figures *figures)
{
    __extension__ typedef unsigned __int128 wide;
    wide resident = 0, live = 0, ratio = 0;
    uint64_t span = 0, ratio_span = 0;
    for (size_t i = 0; i + 1 < result->n_samples; i++) {
        const struct ash_lab_sample *sample = &result->samples[i];
        uint64_t ns = result->samples[i + 1].ns - sample->ns;
        span += ns;
        resident += (wide)sample->resident * ns;
        live += (wide)sample->live * ns;
        if (sample->live > 0) {
            ratio += (wide)sample->resident * 1000 / sample->live * ns;
            ratio_span += ns;
        }
    }
    if (span == 0) {
        figures->average = figures->peak;
        figures->live_average = figures->live_peak;
        return;
    }
    figures->average = (uint64_t)(resident / span);
    figures->live_average = (uint64_t)(live / span);
    figures->ratio_average_permille = ratio_span ? (uint64_t)(ratio / ratio_span) : 0;
}

void ash_lab_figures(const struct ash_lab_result *result, struct ash_lab_figures *ret_figures)
{
    struct ash_lab_figures figures = {.is_foreign = result->contender->kind == ASH_LAB_FOREIGN,
                                      .is_model = (result->hello.flags & ASH_LAB_MODEL) != 0,
                                      .is_out = result->fault.kind != ASH_LAB_FAULT_NONE ||
                                                result->end.n_refused > 0 ||
                                                result->n_samples == 0};
    for (size_t i = 0; i < result->n_samples; i++) {
        const struct ash_lab_sample *sample = &result->samples[i];
        if (sample->resident > figures.peak) {
            figures.peak = sample->resident;
            figures.live_at_peak = sample->live;
            figures.at_peak = *sample;
        }
        if (sample->live > figures.live_peak) {
            figures.live_peak = sample->live;
            figures.resident_at_live_peak = sample->resident;
        }
        figures.end = sample->resident;
    }
    average(result, &figures);
    *ret_figures = figures;
}

static unsigned permille(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)(part * 1000 / whole) : 0;
}

unsigned ash_lab_internal(const struct ash_lab_sample *sample)
{
    uint64_t inside = sample->rounding + sample->headers;
    return permille(inside, sample->asked + inside);
}

unsigned ash_lab_external(const struct ash_lab_sample *sample)
{
    return permille(sample->holes + sample->kept + sample->meta, sample->resident);
}

const char *ash_lab_bytes(uint64_t bytes)
{
    static char texts[8][24];
    static unsigned next;
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    char *text = texts[next++ % ASH_COUNT_OF(texts)];
    if (bytes < 1024) {
        snprintf(text, sizeof(texts[0]), "%u B", (unsigned)bytes);
        return text;
    }
    unsigned unit = 0;
    double x = (double)bytes / 1024;
    while (x >= 1023.95 && unit + 1 < ASH_COUNT_OF(units)) {
        x /= 1024;
        unit++;
    }
    snprintf(text, sizeof(texts[0]), "%.1f %s", x, units[unit]);
    return text;
}
