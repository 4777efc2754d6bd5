/* strat.c: the table of all strategies: textbook ones first, then models. */
#include "lab/strat.h"
#include "base/base.h"
#include <string.h>

static const struct ash_lab_strategy *const strategies[] = {
    &ash_lab_first_fit, &ash_lab_next_fit, &ash_lab_best_fit, &ash_lab_worst_fit,
    &ash_lab_buddy,     &ash_lab_tlsf,     &ash_lab_arena,    &ash_lab_ptmalloc2,
    &ash_lab_tcmalloc,  &ash_lab_mimalloc, &ash_lab_jemalloc,
};

const struct ash_lab_strategy *ash_lab_nth(unsigned i)
{
    return i < ASH_COUNT_OF(strategies) ? strategies[i] : NULL;
}

const struct ash_lab_strategy *ash_lab_find(const char *name)
{
    for (unsigned i = 0; i < ASH_COUNT_OF(strategies); i++)
        if (strcmp(strategies[i]->name, name) == 0)
            return strategies[i];
    return NULL;
}
