/* outside.h: a contender that is a library with the malloc family: a program of its own, preloaded
 * with it, one thread for each recorded one, each call made by the thread that made it (LR2, LR4).
 *
 *   feeder ── entries on a pipe ──▶ ashlar lab --contender (LD_PRELOAD=PATH.so) ── records ──▶
 *
 * The program's own memory is never malloc's: what it maps, it shares, and resident is what is
 * private. Resident at the start is taken off.
 */
#ifndef ASH_LAB_OUTSIDE_H
#define ASH_LAB_OUTSIDE_H

#include "lab/replay.h"

/* In the contender's process: starts a feeder and becomes the program. Returns only on failure. */
void ash_lab_outside_become(const struct ash_lab_plan *plan,
                            const struct ash_lab_contender *contender,
                            struct ash_lab_player *player, int progress_fd);
/* The program itself: fds are those of outside_become. Returns its exit status. */
int ash_lab_outside_main(const char *words);

#endif
