/* next_fit.c: the first free block that is large enough, from where the last search ended.
 *
 * The search begins at the rover, goes to the end of the order, then from the beginning to the
 * rover. Knuth, 2.5 exercise 6, to save steps; Bays, CACM 20 (1977), finds that it packs worse.
 *
 * NF1   The rover is a block of the list, or none: then the search begins at the first.
 * NF2   After a split it is the remainder, else the block behind the one taken. When its block is
 *       joined with others it is the joined one, unless that is the top.
 */
#include "lab/fits.h"
#include "lab/store.h"

struct rover {
    struct ash_fits fits;
    uintptr_t at;
    uintptr_t taken; /* by the last search */
    uintptr_t lost;  /* its block has just been taken out: joined with the one that comes next */
};

struct state {
    struct ash_store store;
    struct rover rover;
};

static uintptr_t find(void *index, size_t size, size_t *n_looked)
{
    struct rover *rover = index;
    uintptr_t found = ash_fits_round(&rover->fits, rover->at, size);
    *n_looked = rover->fits.n_looked;
    rover->taken = found;
    rover->lost = 0;
    if (found)
        rover->at = found; /* remove or replace moves it on (NF2) */
    return found;
}

static void insert(void *index, uintptr_t at)
{
    struct rover *rover = index;
    ash_fits_insert(&rover->fits, at);
    rover->taken = 0;
    if (rover->lost >= at && rover->lost < at + ash_tag_size(at))
        rover->at = at;
    rover->lost = 0;
}

static void take_out(void *index, uintptr_t at)
{
    struct rover *rover = index;
    if (rover->at == at) {
        rover->lost = at == rover->taken ? 0 : at;
        rover->at = ash_fits_next(at);
    }
    ash_fits_remove(&rover->fits, at);
}

static void replace(void *index, uintptr_t old, uintptr_t at, size_t size)
{
    struct rover *rover = index;
    ash_fits_replace(&rover->fits, old, at, size);
    if (rover->at == old)
        rover->at = at;
}

static bool check(void *index)
{
    struct rover *rover = index;
    bool is_listed = rover->at == 0;
    for (uintptr_t x = rover->fits.first; x && !is_listed; x = ash_fits_next(x))
        is_listed = x == rover->at;
    return ash_fits_check(&rover->fits) && is_listed; /* NF1 */
}

static const struct ash_store_index ops = {
    insert, take_out, replace, find, check, "the next that fits from the rover on"};

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct state *state = self;
    return ash_store_open(&state->store, memory, "last", &ops, &state->rover) &&
           ash_fits_open(&state->rover.fits, memory);
}

const struct ash_lab_strategy ash_lab_next_fit = {
    .name = "next_fit",
    .about = "Next fit with boundary tags and a roving pointer (Knuth 2.5, exercise 6)",
    .state_size = sizeof(struct state),
    .open = open,
    .alloc = ash_store_alloc,
    .free = ash_store_free,
    .usable = ash_store_usable,
    .each = ash_store_each,
    .check = ash_store_check,
    .resize = ash_store_resize,
    .why = ash_store_why,
};
