/* paper.h: everything a replay found, as JSON or as a page with plots that needs no network.
 *
 * The JSON holds counts only, no seconds: the same trace with the same options gives the same
 * bytes (foreign allocators excepted). The page is the JSON with what the plots need besides, put
 * into a page made in report/.
 */
#ifndef ASH_LAB_PAPER_H
#define ASH_LAB_PAPER_H

#include "lab/verdict.h"
#include <stdio.h>

/* A call stack in words. */
struct ash_lab_site {
    uint32_t stack;
    char text[240];
};

struct ash_lab_paper {
    const char *file;
    const struct ash_lab_survey *survey;
    const struct ash_lab_plan *plan;
    const struct ash_lab_result *results;
    const struct ash_lab_figures *figures;
    const struct ash_lab_verdict *verdict;
    size_t n, base;
    const struct ash_lab_site *sites; /* of the base's pins */
    size_t n_sites;
};

/* Writing to `out` is the caller's to check. */
void ash_lab_paper_json(const struct ash_lab_paper *paper, bool with_plots, FILE *out);
bool ash_lab_paper_has_page(void);
void ash_lab_paper_html(const struct ash_lab_paper *paper, FILE *out);

#endif
