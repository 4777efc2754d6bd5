/* option.h: ASHLAR=key=value,key: the one variable, as one table.
 *
 * A key alone means 1; ?key is taken only if this version knows it. An unknown key, or a value
 * that cannot be read, gives one line with the nearest name; with `strict` it ends the program.
 * Programs with raised privileges ignore the variable (F26).
 *
 *   X(key, value, default, help)
 *
 * Threads   Read once at start; constant afterwards. Nothing here allocates.
 */
#ifndef ASH_API_OPTION_H
#define ASH_API_OPTION_H

#include "base/base.h"
#include "probe/probe.h"
#include "wire/options.h"

struct ash_options {
    bool off, strict, help, reaper;
    bool stats;           /* a report is wanted */
    char stats_file[256]; /* "" stderr; %p is the pid */
    bool misuse_report;
    unsigned check;
    bool limit_cgroup;
    uint64_t limit_bytes; /* 0: none */
    bool region_sparse;
    bool thp_never;
    uint64_t seed;
    uint64_t fail_nth, fail_rate;
    unsigned fail_calls;  /* enum ash_fail_call, a set */
    char trace_file[256]; /* "": none; %p is the pid */
    bool trace_forks;
    uint64_t trace_pid; /* 0: any */
    enum ash_record_stacks trace_stacks;
};

extern struct ash_options ash_options;

/* Where problems go: one sentence each, without the prefix. */
typedef void ash_option_say(void *arg, const char *sentence);

/* Reads text into *options, which holds the defaults. Number of problems. */
unsigned ash_option_parse(const char *text, struct ash_options *options, ash_option_say *say,
                          void *arg);
/* Reads the environment and acts on what concerns the rooms below. */
void ash_option_start(void);

#endif
