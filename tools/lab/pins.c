/* pins.c: whose blocks hold nearly empty pages; see pins.h. */
#include "lab/pins.h"
#include "base/base.h"
#include "lab/survey.h"
#include <stdlib.h>
#include <string.h>

enum { LOOK_MAX = 64 };

static struct ash_lab_pin *pin_of(struct ash_lab_pins *pins, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 40) % (ASH_LAB_PINS - 1);
    for (int look = 0; look < LOOK_MAX; look++, i = (i + 1) % (ASH_LAB_PINS - 1)) {
        if (pins->pins[i].key == 0)
            pins->pins[i].key = key;
        if (pins->pins[i].key == key)
            return &pins->pins[i];
    }
    return &pins->pins[ASH_LAB_PINS - 1];
}

static void add_block(struct ash_lab_pins *pins, const struct ash_lab_metric *metric,
                      const struct ash_lab_block *block)
{
    uintptr_t at = (uintptr_t)block->at, end = at + block->usable;
    uint64_t held = 0, live = 0;
    while (at < end) {
        uintptr_t next = ash_size_min(end, ash_align_down(at, ASH_LAB_PAGE) + ASH_LAB_PAGE);
        size_t on_page = ash_lab_metric_page_live(metric, at);
        if (on_page > 0 && on_page < ASH_LAB_PAGE / 4) {
            held += (next - at) * ASH_LAB_PAGE / on_page;
            live += next - at;
        }
        at = next;
        /* inside a block pages are full: only its ends share a page */
        if (end - at > 2 * ASH_LAB_PAGE)
            at = ash_align_down(end - 1, ASH_LAB_PAGE);
    }
    if (live == 0)
        return;
    uint64_t key = pins->by_site ? block->stack : ash_lab_size_top(ash_lab_size_class(block->size));
    struct ash_lab_pin *pin = pin_of(pins, key + 1);
    pin->n_blocks++;
    pin->live_bytes += live;
    pin->held_bytes += held;
}

void ash_lab_pins_take(struct ash_lab_pins *pins, const struct ash_lab_metric *metric,
                       const struct ash_lab_blocks *blocks, uint64_t entry)
{
    memset(pins->pins, 0, sizeof(pins->pins));
    pins->entry = entry;
    for (size_t i = 0; i < blocks->n_slots; i++)
        if (blocks->slots[i].at)
            add_block(pins, metric, &blocks->slots[i]);
    uint64_t held = 0;
    for (size_t i = 0; i < ASH_LAB_PINS; i++)
        held += pins->pins[i].held_bytes;
    pins->n_pages = (held + ASH_LAB_PAGE / 2) / ASH_LAB_PAGE;
}

static int by_held(const void *a, const void *b)
{
    const struct ash_lab_pin *x = a, *y = b;
    if (x->held_bytes != y->held_bytes)
        return x->held_bytes > y->held_bytes ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

size_t ash_lab_pins_sort(struct ash_lab_pins *pins)
{
    qsort(pins->pins, ASH_LAB_PINS, sizeof(pins->pins[0]), by_held);
    size_t n = 0;
    while (n < ASH_LAB_PINS && pins->pins[n].held_bytes > 0)
        n++;
    return n;
}
