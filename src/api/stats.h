/* stats.h: the library's own numbers in the three forms of wire/stat.h, and the report at exit.
 *
 * Threads   Any; numbers are exact while no other thread allocates.
 */
#ifndef ASH_API_STATS_H
#define ASH_API_STATS_H

#include "wire/stat.h"

void ash_stats_gather(struct ash_stat_values *ret_values);
/* Notes where stderr goes now, if a report is wanted: at the end of many programs descriptor 2
 * is closed, or another file's (F26). */
void ash_stats_start(void);
/* Writes the report that ASHLAR=stats asks for; nothing when stderr was closed at start. */
void ash_stats_report(void);
/* Writes one form to a descriptor. */
void ash_stats_write_fd(enum ash_stat_form form, int fd);

#endif
