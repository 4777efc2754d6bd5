/* cli.h: the verbs of the command and what they share.
 *
 * A verb gets its own argv (argv[0] is "ashlar VERB") and returns the exit status:
 * 0 done, 1 wrong usage, 2 could not do it. Every verb ends with a line that can be typed next.
 */
#ifndef ASH_CLI_CLI_H
#define ASH_CLI_CLI_H

#include "base/errors.h"
#include <stdbool.h>
#include <stdio.h>

enum { ASH_EXIT_DONE = 0, ASH_EXIT_USAGE = 1, ASH_EXIT_FAILED = 2 };

typedef int ash_verb_run(int argc, char **argv);

struct ash_verb {
    const char *name;
    const char *usage; /* what follows the name */
    const char *about; /* one line */
    ash_verb_run *run;
};

/* Ends with a row without a name. */
extern const struct ash_verb ash_verbs[];

ash_verb_run ash_verb_run_run, ash_verb_stats_run, ash_verb_ps_run, ash_verb_help_run;
ash_verb_run ash_verb_record_run, ash_verb_lab_run;
/* `ashlar lab info FILE`: argv[0] is "ashlar lab info". */
int ash_cli_lab_info(int argc, char **argv);
/* `ashlar lab compact FILE`: the same. */
int ash_cli_lab_compact(int argc, char **argv);

/* "ashlar: T06 what: detail | ashlar help T06" to stderr; returns ASH_EXIT_FAILED. */
int ash_cli_fail(enum ash_error code, const char *detail);
/* Opens a file for output; "-" is stdout. NULL after a T05 line. */
FILE *ash_cli_open(const char *path);
/* Closes it; false after a T05 line when something could not be written. */
int ash_cli_close(FILE *file, const char *path);

#endif
