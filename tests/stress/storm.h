/* storm.h: the frame of the stress and fault tests.
 *
 * A program is a table of cases. Each case runs in a fresh process of this program, in a
 * process group of its own, with a deadline: when it passes, what every thread of the group
 * waits for is printed and the whole group is killed. The program ends with one line,
 * `N passed, N failed`, and skipped cases say why.
 *
 *     program [--quick | --long] [--seed N] [--list] [CASE...]
 *
 * ASHLAR_STORM=quick|short|long does the same as the flags: quick for the matrix, short (the
 * usual size) for CI, long for the night. A case whose name begins with a dot runs only when
 * it is named: it is a part of another one that needs a process of its own.
 */
#ifndef STRESS_STORM_H
#define STRESS_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct storm_case {
    const char *name; /* what it proves */
    void (*run)(void);
    unsigned limit_s; /* deadline of the short form; the long one has twenty times as much */
};

int storm_main(int argc, char **argv, const struct storm_case *cases, size_t n_cases);

/* The count for the size asked for. */
unsigned storm_size(unsigned quick, unsigned normal, unsigned large);
bool storm_is_long(void);
/* A number that differs for each stream and repeats with the seed. */
uint64_t storm_seed(uint64_t stream);
uint64_t storm_random(uint64_t *state);

/* Ends this process as failed, with the place and the text. Usable in any child. */
void storm_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
/* Ends the case as skipped, with a sentence. */
void storm_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A line about the case. */
void storm_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define STORM_REQUIRE(cond, ...)                                                                   \
    do {                                                                                           \
        if (!(cond))                                                                               \
            storm_fail(__FILE__, __LINE__, __VA_ARGS__);                                           \
    } while (0)

/* Seconds that every child may live. */
#define STORM_CHILD_S 20
/* The first thing in a child: a hang ends it, and its parent sees that. */
void storm_child_begins(void);
/* Waits for a child and requires that it ended with 0. `what` is for the message. */
void storm_child_ends(pid_t pid, const char *what);
/* This program again, with one case, as an argv for exec. */
char **storm_argv(const char *case_name);
/* ASHLAR with more options than the environment has: "old,more". The caller frees it. */
char *storm_options(const char *more);

/* A pattern over all of a block up to 4 KiB, else over both ends and each OS page. */
void storm_fill(void *p, size_t n, uint64_t tag);
bool storm_is_filled(const void *p, size_t n, uint64_t tag);
/* A size as programs ask for: mostly small, some medium, few large, at most max. */
size_t storm_pick_size(uint64_t *state, size_t max);
bool storm_is_zero(const void *p, size_t n);

/* Resident bytes of this process; allocates nothing. */
size_t storm_resident(void);
double storm_now_s(void);

#endif
