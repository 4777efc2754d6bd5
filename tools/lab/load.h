/* load.h: a trace as one ordered stream of entries whose deaths are paired with births.
 *
 *   source ──▶ entry with the file's names ──▶ live table ──▶ entry with slot and number
 *
 * Slots are dense: below the greatest number of live blocks, the last freed is used first. So
 * whoever replays needs memory for live blocks only, whatever the length of the trace.
 *
 * What does not pair is repaired and counted: a birth under a name that is alive closes the old
 * block first (missed death); the death of an unknown block is passed over (born before the
 * recording began, or malformed); a realloc of an unknown block is a birth.
 */
#ifndef ASH_LAB_LOAD_H
#define ASH_LAB_LOAD_H

#include "lab/source.h"

struct ash_lab_load;

struct ash_lab_load_count {
    uint64_t n_entries, n_births, n_deaths, n_missed, n_unknown;
    uint32_t n_slots; /* slots ever in use */
};

/* NULL: ret_error is one clear sentence without the path. */
struct ash_lab_load *ash_lab_load_open(const char *path, char ret_error[ASH_LAB_ERROR_MAX]);
/* 1 an entry, 0 the end, -1 no further: ash_lab_load_error. */
int ash_lab_load_next(struct ash_lab_load *load, struct ash_lab_entry *ret_entry);
const struct ash_lab_source *ash_lab_load_source(const struct ash_lab_load *load);
const struct ash_lab_load_count *ash_lab_load_count(const struct ash_lab_load *load);
const char *ash_lab_load_error(const struct ash_lab_load *load);
void ash_lab_load_close(struct ash_lab_load *load);

#endif
