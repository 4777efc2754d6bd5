/* own.h: a strategy that the user brings as one C file: compiled with cc into a library of a
 * temporary folder, which the contender's process loads.
 */
#ifndef ASH_LAB_OWN_H
#define ASH_LAB_OWN_H

#include "lab/contender.h"

/* Compiles the contender's file; its path then names the library. The compiler's own words go to
 * stderr. false: ret_error says why. */
bool ash_lab_own_compile(struct ash_lab_contender *contender, char ret_error[ASH_LAB_ERROR_MAX]);
/* Removes what compile made. */
void ash_lab_own_remove(const struct ash_lab_contender *contender);

#endif
