/* live.h: another process, read from outside.
 *
 * A target is found by pid or name, its memory is read with process_vm_readv (else /proc/PID/mem),
 * nothing runs in it and nothing is stopped. What was read may be of different moments; every
 * loop over it is bounded (wire/anchor.h, A2).
 *
 * Errors   Functions return enum ash_live_error; ash_live_say turns one into a sentence with a
 *          T-code and what to do.
 * Threads  For one thread.
 */
#ifndef ASH_LIVE_LIVE_H
#define ASH_LIVE_LIVE_H

#include "wire/anchor.h"
#include "wire/stat.h"
#include <stdio.h>
#include <sys/types.h>

enum ash_live_error {
    ASH_LIVE_OK = 0,
    ASH_LIVE_NOBODY,     /* T01 no such process or name */
    ASH_LIVE_AMBIGUOUS,  /* T01 several processes have this name */
    ASH_LIVE_DENIED,     /* T02 */
    ASH_LIVE_NOT_ASHLAR, /* T03 */
    ASH_LIVE_OTHER,      /* T04 another layout version */
    ASH_LIVE_GONE,       /* T08 ended or changed while it was read */
};

struct ash_live {
    pid_t pid;
    char command[64];
    struct ash_anchor anchor; /* valid after ash_live_attach */
};

/* Resolves a pid or a program name (as in /proc/PID/comm or the last part of argv[0], or of a
 * script's path). With a name only processes of Ashlar count; several of them: AMBIGUOUS, and
 * their pids are printed to list when it is not NULL. */
enum ash_live_error ash_live_find(const char *name, struct ash_live *ret_live, FILE *list);
/* Finds and reads the anchor of a pid. */
enum ash_live_error ash_live_attach(pid_t pid, struct ash_live *ret_live);
/* Reads exactly n bytes. false: not readable. */
bool ash_live_read(const struct ash_live *live, uint64_t addr, void *ret_bytes, size_t n);
/* Computes the statistics as the library would. */
enum ash_live_error ash_live_stats(const struct ash_live *live, struct ash_stat_values *ret_values);

/* Why a process does not run on Ashlar, in words; NULL when nothing can be said. */
const char *ash_live_why_not(pid_t pid);

/* A thread of the kernel, which has no memory of its own to look at. */
bool ash_live_is_kernel(pid_t pid);
/* Calls visit for every process; stops when it returns false. */
void ash_live_each(bool (*visit)(void *arg, pid_t pid), void *arg);

/* To stderr: "ashlar: T03 …: what | ashlar help T03", and a line of advice. */
void ash_live_say(enum ash_live_error error, const char *target, const struct ash_live *live);

#endif
