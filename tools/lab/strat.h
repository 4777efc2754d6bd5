/* strat.h: the table of all strategies. */
#ifndef ASH_LAB_STRAT_H
#define ASH_LAB_STRAT_H

#include "lab/lab.h"

/* NULL: there is none of this name. */
const struct ash_lab_strategy *ash_lab_find(const char *name);
/* The i-th, in the order of the documents; NULL behind the last. */
const struct ash_lab_strategy *ash_lab_nth(unsigned i);

#endif
