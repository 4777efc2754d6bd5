/* pins.h: whose blocks hold nearly empty pages (LA5): resident pages less than a quarter live, by
 * call site where the trace has them, else by size.
 *
 * A page that several blocks hold is shared out by their bytes on it.
 */
#ifndef ASH_LAB_PINS_H
#define ASH_LAB_PINS_H

#include "lab/metric.h"

enum { ASH_LAB_PINS = 512 };

struct ash_lab_pin {
    uint64_t key; /* stack id, or the greatest size of the class; + 1, 0: none */
    uint64_t n_blocks, live_bytes, held_bytes;
};

struct ash_lab_pins {
    bool by_site;
    uint64_t entry;   /* of which sample */
    uint64_t n_pages; /* less than a quarter live */
    struct ash_lab_pin pins[ASH_LAB_PINS];
};

/* From the metric's last sample. Keys beyond the table's room go into its last row, key 0. */
void ash_lab_pins_take(struct ash_lab_pins *pins, const struct ash_lab_metric *metric,
                       const struct ash_lab_blocks *blocks, uint64_t entry);
/* The most held first; returns how many. */
size_t ash_lab_pins_sort(struct ash_lab_pins *pins);

#endif
