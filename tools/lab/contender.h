/* contender.h: who takes part, as the user named it: NAME, NAME:key=val:key=val, PATH.so, PATH.c,
 * ashlar.
 */
#ifndef ASH_LAB_CONTENDER_H
#define ASH_LAB_CONTENDER_H

#include "lab/input.h"
#include "lab/memory.h"
#include <limits.h>

enum { ASH_LAB_PARAMS_MAX = 16 };

enum ash_lab_contender_kind {
    ASH_LAB_STRATEGY_OF_OURS,
    ASH_LAB_STRATEGY_BROUGHT, /* PATH.c, compiled */
    ASH_LAB_FOREIGN,          /* PATH.so, ashlar */
};

struct ash_lab_contender {
    enum ash_lab_contender_kind kind;
    char label[64];                          /* what tables call it */
    const struct ash_lab_strategy *strategy; /* of ours */
    char path[PATH_MAX];                     /* PATH.so; PATH.c, and after compiling its .so */
    char text[256];                          /* params point into it */
    struct ash_lab_param params[ASH_LAB_PARAMS_MAX + 3]; /* ends with key NULL */
    unsigned n_params;
};

/* Reads one word of --with; n: its length. ashlar: where libashlar.so is, NULL: not found.
 * false: ret_error says why. */
bool ash_lab_contender_read(const char *word, size_t n, const char *ashlar,
                            struct ash_lab_contender *ret_contender,
                            char ret_error[ASH_LAB_ERROR_MAX]);
/* Adds a parameter unless the user gave it; both texts outlive the contender. */
void ash_lab_contender_add(struct ash_lab_contender *contender, const char *key, const char *value);

#endif
