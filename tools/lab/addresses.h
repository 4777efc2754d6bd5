/* addresses.h: a map from addresses to a word each; open addressing. */
#ifndef ASH_LAB_ADDRESSES_H
#define ASH_LAB_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_address {
    uint64_t key; /* address + 1; 0: the row is empty */
    uint64_t value;
};

struct ash_addresses {
    struct ash_address *rows;
    size_t n_rows, n;
};

/* Adds an address, or gives one that is there another value. false: no memory. */
bool ash_addresses_add(struct ash_addresses *map, uint64_t addr, uint64_t value);
/* Its row until the next call that changes the map, or NULL. */
struct ash_address *ash_addresses_find(const struct ash_addresses *map, uint64_t addr);
void ash_addresses_remove(struct ash_addresses *map, uint64_t addr);
void ash_addresses_free(struct ash_addresses *map);

#endif
