/* picture.h: address × time of one contender, in bounded memory: rows of addresses, columns of
 * time, in each cell the live and the resident bytes.
 *
 * A zone is 16 GiB of addresses and has rows of its own. A row begins with an OS page; when
 * addresses pass the last row, rows become twice as large and neighbours are joined.
 */
#ifndef ASH_LAB_PICTURE_H
#define ASH_LAB_PICTURE_H

#include "lab/metric.h"

enum { ASH_LAB_ZONES = 4, ASH_LAB_ROWS = 128, ASH_LAB_COLUMNS = 240 };

struct ash_lab_zone {
    uint64_t base, row_bytes; /* row_bytes 0: not in use */
    uint64_t live[ASH_LAB_ROWS][ASH_LAB_COLUMNS];
    uint64_t resident[ASH_LAB_ROWS][ASH_LAB_COLUMNS];
};

struct ash_lab_picture {
    uint64_t entries[ASH_LAB_COLUMNS]; /* when the column was taken */
    uint32_t n_columns, n_zones;
    struct ash_lab_zone zones[ASH_LAB_ZONES];
};

/* Adds a column from the metric's last sample; none when there are enough. */
void ash_lab_picture_take(struct ash_lab_picture *picture, const struct ash_lab_metric *metric,
                          const struct ash_lab_blocks *blocks, uint64_t entry);

#endif
