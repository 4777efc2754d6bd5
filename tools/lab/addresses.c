/* addresses.c: a map from addresses to a word each; see addresses.h. */
#include "lab/addresses.h"
#include <stdlib.h>

static size_t home(const struct ash_addresses *map, uint64_t key)
{
    uint64_t x = key * 0x9e3779b97f4a7c15u;
    return (size_t)(x ^ x >> 32) & (map->n_rows - 1);
}

/* The row of the key, or the empty one where it would be. */
static size_t find(const struct ash_addresses *map, uint64_t key)
{
    size_t i = home(map, key);
    while (map->rows[i].key && map->rows[i].key != key)
        i = (i + 1) & (map->n_rows - 1);
    return i;
}

static bool grow(struct ash_addresses *map)
{
    struct ash_addresses bigger = {.n_rows = map->n_rows ? 2 * map->n_rows : 1024, .n = map->n};
    bigger.rows = calloc(bigger.n_rows, sizeof(*bigger.rows));
    if (!bigger.rows)
        return false;
    for (size_t i = 0; i < map->n_rows; i++)
        if (map->rows[i].key)
            bigger.rows[find(&bigger, map->rows[i].key)] = map->rows[i];
    free(map->rows);
    *map = bigger;
    return true;
}

bool ash_addresses_add(struct ash_addresses *map, uint64_t addr, uint64_t value)
{
    if (2 * (map->n + 1) > map->n_rows && !grow(map))
        return false;
    size_t i = find(map, addr + 1);
    map->n += map->rows[i].key == 0;
    map->rows[i] = (struct ash_address){addr + 1, value};
    return true;
}

struct ash_address *ash_addresses_find(const struct ash_addresses *map, uint64_t addr)
{
    if (map->n == 0)
        return NULL;
    struct ash_address *row = &map->rows[find(map, addr + 1)];
    return row->key ? row : NULL;
}

void ash_addresses_remove(struct ash_addresses *map, uint64_t addr)
{
    if (map->n == 0)
        return;
    size_t mask = map->n_rows - 1, gap = find(map, addr + 1), i = gap;
    if (!map->rows[gap].key)
        return;
    map->n--;
    for (;;) { /* rows behind it that could not lie at home move up */
        i = (i + 1) & mask;
        if (!map->rows[i].key)
            break;
        if (((i - home(map, map->rows[i].key)) & mask) >= ((i - gap) & mask)) {
            map->rows[gap] = map->rows[i];
            gap = i;
        }
    }
    map->rows[gap].key = 0;
}

void ash_addresses_free(struct ash_addresses *map)
{
    free(map->rows);
    *map = (struct ash_addresses){0};
}
