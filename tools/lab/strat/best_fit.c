/* best_fit.c: the smallest free block that is large enough; of equals the first in the order.
 *
 * A block of just the right size ends the search. The steps reported are those of the plain list:
 * all of it, or up to the exact fit. A tree would look at about log n blocks instead.
 * All but the choice of the block is store.h; its invariants are those of this strategy.
 */
#include "lab/fits.h"
#include "lab/store.h"

struct state {
    struct ash_store store;
    struct ash_fits fits;
};

static uintptr_t find(void *index, size_t size, size_t *n_looked)
{
    struct ash_fits *fits = index;
    uintptr_t found = ash_fits_smallest(fits, size);
    *n_looked = fits->n_looked;
    return found;
}

static const struct ash_store_index ops = {ash_fits_insert,  ash_fits_remove,
                                           ash_fits_replace, find,
                                           ash_fits_check,   "the smallest that fits"};

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct state *state = self;
    return ash_store_open(&state->store, memory, "last", &ops, &state->fits) &&
           ash_fits_open(&state->fits, memory);
}

const struct ash_lab_strategy ash_lab_best_fit = {
    .name = "best_fit",
    .about = "Best fit with boundary tags (Knuth 2.5; Johnstone and Wilson, ISMM 1998)",
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
