/* picture.c: address × time in bounded memory; see picture.h. */
#include "lab/picture.h"
#include "base/base.h"

#define ZONE_SHIFT 34

/* What add_part is to add. */
struct brush {
    struct ash_lab_picture *picture;
    const struct ash_lab_metric *metric; /* NULL: live bytes */
    uint32_t column;
};

static struct ash_lab_zone *zone_of(struct ash_lab_picture *picture, uintptr_t addr)
{
    uint64_t base = (uint64_t)addr >> ZONE_SHIFT << ZONE_SHIFT;
    for (uint32_t i = 0; i < picture->n_zones; i++)
        if (picture->zones[i].base == base)
            return &picture->zones[i];
    if (picture->n_zones == ASH_LAB_ZONES)
        return NULL;
    struct ash_lab_zone *zone = &picture->zones[picture->n_zones++];
    zone->base = base;
    zone->row_bytes = ASH_LAB_PAGE;
    return zone;
}

static void join_rows(struct ash_lab_zone *zone, uint32_t n_columns)
{
    for (unsigned row = 0; row < ASH_LAB_ROWS; row++)
        for (uint32_t column = 0; column < n_columns; column++) {
            bool has_two = 2 * row + 1 < ASH_LAB_ROWS;
            uint64_t live =
                has_two ? zone->live[2 * row][column] + zone->live[2 * row + 1][column] : 0;
            uint64_t resident =
                has_two ? zone->resident[2 * row][column] + zone->resident[2 * row + 1][column] : 0;
            zone->live[row][column] = live;
            zone->resident[row][column] = resident;
        }
    zone->row_bytes *= 2;
}

static void add(const struct brush *brush, uintptr_t start, size_t size)
{
    struct ash_lab_picture *picture = brush->picture;
    while (size > 0) {
        size_t in_zone = ((size_t)1 << ZONE_SHIFT) - (start & (((uintptr_t)1 << ZONE_SHIFT) - 1));
        size_t rest = ash_size_min(size, in_zone);
        size -= rest;
        struct ash_lab_zone *zone = zone_of(picture, start);
        uintptr_t next = start + rest;
        while (zone && next - zone->base > zone->row_bytes * ASH_LAB_ROWS)
            join_rows(zone, picture->n_columns + 1);
        while (zone && rest > 0) {
            size_t row = (start - zone->base) / zone->row_bytes;
            size_t part = ash_size_min(rest, (row + 1) * zone->row_bytes - (start - zone->base));
            if (brush->metric)
                zone->resident[row][brush->column] +=
                    ash_lab_metric_resident(brush->metric, start, part);
            else
                zone->live[row][brush->column] += part;
            start += part;
            rest -= part;
        }
        start = next;
    }
}

static void add_range(void *arg, uintptr_t start, size_t size)
{
    add(arg, start, size);
}

void ash_lab_picture_take(struct ash_lab_picture *picture, const struct ash_lab_metric *metric,
                          const struct ash_lab_blocks *blocks, uint64_t entry)
{
    if (picture->n_columns == ASH_LAB_COLUMNS)
        return;
    struct brush brush = {picture, metric, picture->n_columns};
    ash_lab_metric_ranges(metric, add_range, &brush);
    brush.metric = NULL;
    for (size_t i = 0; i < blocks->n_slots; i++)
        if (blocks->slots[i].at)
            add(&brush, (uintptr_t)blocks->slots[i].at, blocks->slots[i].size);
    picture->entries[picture->n_columns++] = entry;
}
