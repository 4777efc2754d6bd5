/* replay.h: one process per contender, watched from here.
 *
 *                 fork   ┌─ inside: strategy ─┐
 *   ash_lab_replay ──────┤                    ├── records on a pipe ──▶ result
 *                        └─ outside: PATH.so ─┘   word of progress
 *
 * LR1   Each contender has a process, so that residency and faults are its own.
 * LR5   One that crashes, hangs or breaks a rule is told as such with the entry's number; the
 *       others go on. A user who interrupts keeps what there is.
 */
#ifndef ASH_LAB_REPLAY_H
#define ASH_LAB_REPLAY_H

#include "lab/channel.h"
#include "lab/contender.h"
#include "lab/picture.h"
#include "lab/player.h"

struct ash_lab_step_kept {
    struct ash_lab_step_head head;
    struct ash_lab_run *runs;
    char *words;
};

struct ash_lab_result {
    const struct ash_lab_contender *contender;
    struct ash_lab_hello hello;
    struct ash_lab_fault fault; /* kind NONE: it came to the end */
    struct ash_lab_end end;
    struct ash_lab_sample *samples;
    size_t n_samples, sample_room;
    struct ash_lab_rect *rects;
    size_t n_rects, rect_room;
    struct ash_lab_step_kept *steps;
    size_t n_steps, step_room;
    struct ash_lab_pins *pins;       /* NULL: none */
    struct ash_lab_picture *picture; /* NULL: none */
    uint64_t spread_bytes;           /* foreign: between the peaks of its runs */
    unsigned n_runs;
};

struct ash_lab_watch {
    unsigned n_jobs;  /* processes at a time */
    unsigned hang_ms; /* without a new entry: it hangs */
    unsigned n_foreign_runs;
    bool shows_progress; /* on stderr */
    const char *runner;  /* the command itself, for foreign contenders */
};

struct ash_lab_plan {
    const char *path;
    const struct ash_lab_contender *contenders;
    size_t n_contenders;
    struct ash_lab_order order;
    struct ash_lab_watch watch;
};

/* results: n_contenders of them, zero; their owner ends them. Returns how many came to the end. */
size_t ash_lab_replay(const struct ash_lab_plan *plan, struct ash_lab_result *results);
void ash_lab_result_end(struct ash_lab_result *result);

#endif
