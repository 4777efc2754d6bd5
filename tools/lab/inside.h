/* inside.h: a contender that is a strategy: it runs in the replay's own process, on pages of
 * memory.c, its threads virtual (LR2).
 */
#ifndef ASH_LAB_INSIDE_H
#define ASH_LAB_INSIDE_H

#include "lab/contender.h"
#include "lab/player.h"

/* Replays the file; called in a process of its own, tells everything on the player's fd. */
void ash_lab_inside_run(const struct ash_lab_contender *contender, const char *path,
                        struct ash_lab_player *player);

#endif
