/* fits.c: the free list and its index; see fits.h. */
#include "lab/fits.h"
#include <string.h>

static uintptr_t *link_before(uintptr_t at)
{
    return (uintptr_t *)(at + ASH_TAG_BYTES);
}

static uintptr_t *link_after(uintptr_t at)
{
    return (uintptr_t *)(at + ASH_TAG_BYTES + sizeof(uintptr_t));
}

uintptr_t ash_fits_next(uintptr_t at)
{
    return *link_after(at);
}

bool ash_fits_open(struct ash_fits *fits, struct ash_lab_memory *memory)
{
    static const char *const orders[] = {"address", "lifo", "fifo"};
    const char *order = ash_lab_param(memory, "order", "address");
    fits->memory = memory;
    fits->is_plain = strcmp(ash_lab_param(memory, "plain", "no"), "no") != 0 ||
                     !ash_tree_open(&fits->tree, memory);
    for (unsigned i = 0; i < ASH_COUNT_OF(orders); i++)
        if (strcmp(order, orders[i]) == 0) {
            fits->order = (enum ash_fits_order)i;
            return true;
        }
    return false;
}

/* --- keeping --- */

/* The block after which a new one belongs; 0: to the front. */
static uintptr_t predecessor(const struct ash_fits *fits, uintptr_t at, uint32_t node)
{
    if (fits->order == ASH_FITS_LIFO)
        return 0;
    if (fits->order == ASH_FITS_FIFO)
        return fits->last;
    if (node) {
        uint32_t before = ash_tree_before(&fits->tree, node);
        return before ? ash_tree_node(&fits->tree, before)->at : 0;
    }
    uintptr_t before = 0;
    for (uintptr_t x = fits->first; x && x < at; x = ash_fits_next(x))
        before = x;
    return before;
}

void ash_fits_insert(void *index, uintptr_t at)
{
    struct ash_fits *fits = index;
    uint32_t node = 0;
    fits->time++;
    if (!fits->is_plain) {
        uint64_t key = fits->order == ASH_FITS_ADDRESS ? at
                       : fits->order == ASH_FITS_LIFO  ? UINT64_MAX - fits->time
                                                       : fits->time;
        node = ash_tree_insert(&fits->tree, at, ash_tag_size(at), key);
        fits->is_plain = !node;
    }
    uintptr_t before = predecessor(fits, at, node);
    uintptr_t after = before ? ash_fits_next(before) : fits->first;
    *link_before(at) = before;
    *link_after(at) = after;
    *(before ? link_after(before) : &fits->first) = at;
    *(after ? link_before(after) : &fits->last) = at;
    fits->n++;
}

void ash_fits_remove(void *index, uintptr_t at)
{
    struct ash_fits *fits = index;
    uintptr_t before = *link_before(at), after = *link_after(at);
    *(before ? link_after(before) : &fits->first) = after;
    *(after ? link_before(after) : &fits->last) = before;
    fits->n--;
    if (!fits->is_plain)
        ash_tree_remove(&fits->tree, ash_tree_of(&fits->tree, at));
}

void ash_fits_replace(void *index, uintptr_t old, uintptr_t at, size_t size)
{
    struct ash_fits *fits = index;
    uintptr_t before = *link_before(old), after = *link_after(old);
    *link_before(at) = before;
    *link_after(at) = after;
    *(before ? link_after(before) : &fits->first) = at;
    *(after ? link_before(after) : &fits->last) = at;
    if (!fits->is_plain)
        ash_tree_replace(&fits->tree, ash_tree_of(&fits->tree, old), at, size,
                         fits->order != ASH_FITS_ADDRESS);
}

/* --- searching --- */

static uintptr_t looked(struct ash_fits *fits, uintptr_t found, size_t n)
{
    fits->n_looked = n;
    ash_lab_step(fits->memory, (unsigned)n);
    return found;
}

/* The walk itself: from `x` until `end`. */
static uintptr_t walk(uintptr_t x, uintptr_t end, size_t size, size_t *n)
{
    for (; x != end; x = ash_fits_next(x)) {
        ++*n;
        if (ash_tag_size(x) >= size)
            return x;
    }
    return 0;
}

static size_t rank_of(const struct ash_fits *fits, uintptr_t at)
{
    return ash_tree_rank(&fits->tree, ash_tree_of(&fits->tree, at));
}

uintptr_t ash_fits_first(struct ash_fits *fits, uintptr_t from, size_t size)
{
    size_t n = 0;
    if (fits->is_plain) {
        uintptr_t found = walk(from ? from : fits->first, 0, size, &n);
        return looked(fits, found, n);
    }
    const struct ash_tree *tree = &fits->tree;
    uint32_t i = ash_tree_first_fit(tree, from ? ash_tree_of(tree, from) : 0, size);
    size_t skipped = from ? rank_of(fits, from) : 0;
    if (!i)
        return looked(fits, 0, fits->n - skipped);
    return looked(fits, ash_tree_node(tree, i)->at, ash_tree_rank(tree, i) + 1 - skipped);
}

uintptr_t ash_fits_round(struct ash_fits *fits, uintptr_t from, size_t size)
{
    uintptr_t found = ash_fits_first(fits, from, size);
    if (found || !from)
        return found;
    size_t n = 0;
    if (fits->is_plain) {
        found = walk(fits->first, from, size, &n);
    } else {
        uint32_t i = ash_tree_first_fit(&fits->tree, 0, size);
        found = i ? ash_tree_node(&fits->tree, i)->at : 0;
        n = i ? ash_tree_rank(&fits->tree, i) + 1 : rank_of(fits, from);
    }
    size_t n_before = fits->n_looked;
    looked(fits, found, n);
    fits->n_looked += n_before;
    return found;
}

uintptr_t ash_fits_smallest(struct ash_fits *fits, size_t size)
{
    if (!fits->is_plain) {
        uint32_t i = ash_tree_smallest(&fits->tree, size);
        const struct ash_tree_node *node = i ? ash_tree_node(&fits->tree, i) : NULL;
        bool ends = node && node->size == size;
        return looked(fits, node ? node->at : 0,
                      ends ? ash_tree_rank(&fits->tree, i) + 1 : fits->n);
    }
    uintptr_t best = 0;
    size_t n = 0;
    for (uintptr_t x = fits->first; x; x = ash_fits_next(x)) {
        size_t here = ash_tag_size(x);
        n++;
        if (here >= size && (!best || here < ash_tag_size(best)))
            best = x;
        if (here == size)
            break;
    }
    return looked(fits, best, n);
}

uintptr_t ash_fits_largest(struct ash_fits *fits, size_t size)
{
    uintptr_t best = 0;
    if (!fits->is_plain) {
        size_t largest = ash_tree_largest(&fits->tree);
        uint32_t i = largest >= size ? ash_tree_smallest(&fits->tree, largest) : 0;
        return looked(fits, i ? ash_tree_node(&fits->tree, i)->at : 0, fits->n);
    }
    for (uintptr_t x = fits->first; x; x = ash_fits_next(x))
        if (!best || ash_tag_size(x) > ash_tag_size(best))
            best = x;
    return looked(fits, best && ash_tag_size(best) >= size ? best : 0, fits->n);
}

bool ash_fits_check(void *index)
{
    struct ash_fits *fits = index;
    size_t n = 0;
    uintptr_t before = 0;
    for (uintptr_t x = fits->first; x; x = ash_fits_next(x)) {
        if (!ash_tag_has(x, ASH_TAG_FREE) || *link_before(x) != before || n++ == fits->n)
            return false;
        if (fits->order == ASH_FITS_ADDRESS && x <= before) /* FI1 */
            return false;
        uint32_t i = fits->is_plain ? 0 : ash_tree_of(&fits->tree, x);
        if (!fits->is_plain && (!i || ash_tree_node(&fits->tree, i)->size != ash_tag_size(x) ||
                                ash_tree_rank(&fits->tree, i) != n - 1)) /* FI2 */
            return false;
        before = x;
    }
    return n == fits->n && fits->last == before &&
           (fits->is_plain || (fits->tree.n_held == n && ash_tree_check(&fits->tree)));
}
