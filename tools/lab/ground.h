/* ground.h: which 8-byte units of the address space a live block lies on.
 *
 *   address │ 1 MiB region, looked up │ unit: a bit of 131072 │ 8 bytes │
 *
 * So an overlap is found when the second block is born, wherever it begins. Blocks start at
 * multiples of 8 at least, so the units of two blocks that do not overlap never meet. No malloc;
 * shared pages, as in blocks.h.
 */
#ifndef ASH_LAB_GROUND_H
#define ASH_LAB_GROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_lab_region; /* a row of the table */

struct ash_lab_ground {
    struct ash_lab_region *regions;
    uint64_t *bits;
    size_t n_regions;
};

/* false: no memory. */
bool ash_lab_ground_init(struct ash_lab_ground *ground);
void ash_lab_ground_end(struct ash_lab_ground *ground);
/* Takes the units of [at, at + size). false: some are taken, or the table is full; nothing
 * changed. */
bool ash_lab_ground_take(struct ash_lab_ground *ground, uintptr_t at, size_t size);
void ash_lab_ground_leave(struct ash_lab_ground *ground, uintptr_t at, size_t size);

#endif
