/* buddy.c: binary buddies: blocks of 2^k units at multiples of their size.
 *
 * Knowlton, CACM 8 (1965); Knuth 2.5, algorithms R and S. Segments of 1 GiB are aligned to their
 * size and mapped once; above 512 MiB a block is a mapping of its own. No headers: two bitmaps per
 * segment tell all, one bit for each inner node of the implicit tree.
 *
 *     order 2   │       split        │          split: the node is in two halves
 *     order 1   │ split  │   free    │          pair:  exactly one of its halves is in use,
 *     order 0   │live│free│                            that is, not free as a whole
 *
 * A free walks from the root along the split bits to the node that holds the address; then one
 * look at each pair bit tells whether the buddy is free too. Half of a block may be waste inside.
 * Parameters: unit=32, pick=lifo|lowest (lowest: of the blocks of the best order the one with the
 * lowest address, after Robson), segment=1024m, return=none|pages.
 *
 * BU1   A node is split if and only if a part of it, but not as one block, is live.
 * BU2   A node that is not split and not live is in the list of its order, and only there.
 * BU3   pair is the exclusive or of "in use" (split or live) of both halves of a split node; two
 *       free buddies do not exist.
 * BU4   The bits aside, live and high, serve `each`, `check` and return only. The tree aside finds
 *       the lowest address as a walk along the list would (LC12).
 */
#include "base/check.h"
#include "base/print.h"
#include "lab/store.h"
#include "lab/tree.h"
#include <string.h>

#define OS_PAGE ((size_t)4096)
#define SEGMENT_BYTES ((size_t)1 << 30)
#define N_SEGMENTS 64
#define N_DIRECT 512 /* blocks with a mapping of their own */
#define N_ORDERS 33

struct links {
    struct links *next, *prev;
};

struct segment {
    uintptr_t base, high; /* high: behind the last byte ever handed out */
    uint64_t *split, *pair, *live;
    size_t map_bytes; /* of split and pair together */
};

struct direct {
    uintptr_t start;
    size_t size;
};

struct node {
    struct segment *segment;
    uintptr_t at;
    unsigned order;
};

struct state {
    struct ash_lab_memory *memory;
    unsigned unit_log2, order_max;
    bool picks_lowest, is_plain, purges;
    unsigned n_segments, n_direct;
    uint64_t orders; /* a bit for each list that is not empty */
    struct links *lists[N_ORDERS];
    size_t n_free[N_ORDERS];
    struct segment segments[N_SEGMENTS];
    struct direct directs[N_DIRECT];
    struct ash_tree tree;
    struct ash_line line;
};

static size_t bytes_of(const struct state *state, unsigned order)
{
    return (size_t)1 << (order + state->unit_log2);
}

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct state *state = self;
    const char *pick = ash_lab_param(memory, "pick", "lifo");
    size_t unit = ash_store_number(memory, "unit", 32);
    size_t segment = ash_store_number(memory, "segment", SEGMENT_BYTES);
    const char *gives = ash_lab_param(memory, "return", "none");
    state->memory = memory;
    state->picks_lowest = strcmp(pick, "lowest") == 0;
    state->purges = strcmp(gives, "pages") == 0;
    if (!ash_is_power_of_two(unit) || unit < sizeof(struct links) ||
        !ash_is_power_of_two(segment) || segment < OS_PAGE || segment > SEGMENT_BYTES ||
        unit * 64 > segment)
        return false;
    state->unit_log2 = (unsigned)__builtin_ctzll(unit);
    state->order_max = (unsigned)__builtin_ctzll(segment) - state->unit_log2;
    state->is_plain = strcmp(ash_lab_param(memory, "plain", "no"), "no") != 0 ||
                      !state->picks_lowest || !ash_tree_open(&state->tree, memory);
    return (state->picks_lowest || strcmp(pick, "lifo") == 0) &&
           (state->purges || strcmp(gives, "none") == 0);
}

/* --- bits of nodes --- */

/* Number of the node in the implicit tree: the root is 1. */
static size_t number_of(const struct state *state, struct node node)
{
    ASH_CHECK(node.order <= state->order_max && state->order_max < 64);
    size_t i = (node.at - node.segment->base) >> (node.order + state->unit_log2);
    return ((size_t)1 << (state->order_max - node.order)) + i;
}

static bool bit(const uint64_t *map, size_t i)
{
    return map[i / 64] >> i % 64 & 1;
}

static void flip(uint64_t *map, size_t i)
{
    map[i / 64] ^= (uint64_t)1 << i % 64;
}

static size_t unit_of(const struct state *state, struct node node)
{
    return (node.at - node.segment->base) >> state->unit_log2;
}

static bool is_split(const struct state *state, struct node node)
{
    return node.order > 0 && bit(node.segment->split, number_of(state, node));
}

static bool is_live(const struct state *state, struct node node)
{
    return !is_split(state, node) && bit(node.segment->live, unit_of(state, node));
}

static struct segment *segment_of(struct state *state, uintptr_t at)
{
    for (unsigned i = 0; i < state->n_segments; i++)
        if (at - state->segments[i].base < bytes_of(state, state->order_max))
            return &state->segments[i];
    return NULL;
}

/* The node that is split no further and holds this address. */
static struct node leaf_at(const struct state *state, struct segment *segment, uintptr_t at)
{
    struct node node = {segment, segment->base, state->order_max};
    while (is_split(state, node)) {
        node.order--;
        if (at >= node.at + bytes_of(state, node.order))
            node.at += bytes_of(state, node.order);
    }
    return node;
}

/* --- free lists --- */

static void insert(struct state *state, struct node node)
{
    struct links *links = (struct links *)node.at;
    links->prev = NULL;
    links->next = state->lists[node.order];
    if (links->next)
        links->next->prev = links;
    state->lists[node.order] = links;
    state->orders |= (uint64_t)1 << node.order;
    state->n_free[node.order]++;
    if (!state->is_plain)
        state->is_plain =
            !ash_tree_insert(&state->tree, node.at, bytes_of(state, node.order), node.at);
}

static void take_out(struct state *state, struct node node)
{
    struct links *links = (struct links *)node.at;
    *(links->prev ? &links->prev->next : &state->lists[node.order]) = links->next;
    if (links->next)
        links->next->prev = links->prev;
    if (--state->n_free[node.order] == 0)
        state->orders &= ~((uint64_t)1 << node.order);
    if (!state->is_plain)
        ash_tree_remove(&state->tree, ash_tree_of(&state->tree, node.at));
}

static uintptr_t lowest(const struct state *state, unsigned order)
{
    ash_lab_step(state->memory, (unsigned)state->n_free[order]);
    if (!state->is_plain) {
        uint32_t i = ash_tree_smallest(&state->tree, bytes_of(state, order));
        return ash_tree_node(&state->tree, i)->at;
    }
    struct links *best = state->lists[order];
    for (struct links *links = best; links; links = links->next)
        best = links < best ? links : best;
    return (uintptr_t)best;
}

/* One more segment, free as a whole. */
static bool grow(struct state *state)
{
    if (state->n_segments == N_SEGMENTS)
        return false;
    struct segment *segment = &state->segments[state->n_segments];
    size_t size = bytes_of(state, state->order_max);
    size_t map_bytes = ash_size_max((size_t)1 << state->order_max >> 3, 64);
    if (!segment->live) /* kept when an earlier try ended below */
        segment->live = ash_lab_aside(state->memory, map_bytes);
    segment->map_bytes = ash_align_up(2 * map_bytes, OS_PAGE);
    segment->split = ash_lab_map(state->memory, segment->map_bytes, 0);
    if (!segment->live || !segment->split)
        return false;
    segment->base = segment->high = (uintptr_t)ash_lab_map(state->memory, size, size);
    if (!segment->base) {
        ash_lab_unmap(state->memory, segment->split, segment->map_bytes);
        return false;
    }
    segment->pair = segment->split + map_bytes / sizeof *segment->split;
    state->n_segments++;
    insert(state, (struct node){segment, segment->base, state->order_max});
    return true;
}

/* --- blocks --- */

static struct node parent_of(const struct state *state, struct node node)
{
    size_t size = bytes_of(state, node.order + 1);
    uintptr_t at = node.segment->base + ash_align_down(node.at - node.segment->base, size);
    return (struct node){node.segment, at, node.order + 1};
}

/* Halves a node that is in no list down to this order; the upper halves become free. */
static struct node halve(struct state *state, struct node node, unsigned order)
{
    while (node.order > order) {
        size_t number = number_of(state, node);
        flip(node.segment->split, number);
        flip(node.segment->pair, number);
        node.order--;
        insert(state,
               (struct node){node.segment, node.at + bytes_of(state, node.order), node.order});
    }
    return node;
}

static void *alloc_direct(struct state *state, size_t size, size_t align)
{
    if (state->n_direct == N_DIRECT || size > PTRDIFF_MAX / 2)
        return NULL;
    size = ash_align_up(size, OS_PAGE);
    void *p = ash_lab_map(state->memory, size, align);
    ash_line_init(&state->line);
    ash_line_fmt(&state->line, "%zu bytes are more than half a segment: a mapping of their own",
                 size);
    if (p)
        state->directs[state->n_direct++] = (struct direct){(uintptr_t)p, size};
    return p;
}

static unsigned order_for(const struct state *state, size_t size)
{
    unsigned order = 0;
    while (bytes_of(state, order) < size)
        order++;
    return order;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct state *state = self;
    size_t need = ash_size_max(size, align);
    if (need > bytes_of(state, state->order_max - 1))
        return alloc_direct(state, ash_size_max(size, 1), align);
    unsigned order = order_for(state, need);
    ash_line_init(&state->line);
    if (!(state->orders >> order) && !grow(state)) {
        ash_line_fmt(&state->line, "refused: no free block of %zu bytes", bytes_of(state, order));
        return NULL;
    }
    unsigned found = order + (unsigned)__builtin_ctzll(state->orders >> order);
    uintptr_t at = state->picks_lowest ? lowest(state, found) : (uintptr_t)state->lists[found];
    ASH_CHECK(at);
    struct node node = {segment_of(state, at), at, found};
    ash_lab_step(state->memory, found - order + 1);
    take_out(state, node);
    if (found < state->order_max)
        flip(node.segment->pair, number_of(state, parent_of(state, node)));
    node = halve(state, node, order);
    flip(node.segment->live, unit_of(state, node));
    uintptr_t end = at + bytes_of(state, order);
    node.segment->high = ash_size_max(node.segment->high, end);
    ash_line_fmt(&state->line, "%zu bytes need a block of %zu; ", size, bytes_of(state, order));
    if (found == order)
        ash_line_fmt(&state->line, "one is free");
    else
        ash_line_fmt(&state->line, "the smallest free one has %zu and is halved %u times",
                     bytes_of(state, found), found - order);
    return (void *)at;
}

static struct direct *direct_of(struct state *state, void *block)
{
    unsigned i = 0;
    while (i < state->n_direct && state->directs[i].start != (uintptr_t)block)
        i++;
    return &state->directs[i];
}

/* Frees a node that is in use, and joins it with its buddy as long as that is free (BU3). */
static void release(struct state *state, struct node node)
{
    unsigned order = node.order;
    uintptr_t freed = node.at;
    while (node.order < state->order_max) {
        struct node parent = parent_of(state, node);
        size_t number = number_of(state, parent);
        flip(node.segment->pair, number);
        if (bit(node.segment->pair, number))
            break;
        struct node buddy = node;
        buddy.at = node.at == parent.at ? node.at + bytes_of(state, node.order) : parent.at;
        take_out(state, buddy);
        flip(node.segment->split, number);
        node = parent;
    }
    insert(state, node);
    ash_lab_step(state->memory, node.order - order + 1);
    ash_line_fmt(&state->line, "%zu bytes are free; ", bytes_of(state, order));
    if (node.order == order)
        ash_line_str(&state->line, "the buddy is in use");
    else
        ash_line_fmt(&state->line, "joined with free buddies %u times, to %zu", node.order - order,
                     bytes_of(state, node.order));
    /* Whole pages of what was live; the one with the links stays. */
    uintptr_t low = ash_align_up(ash_size_max(freed, node.at + sizeof(struct links)), OS_PAGE);
    uintptr_t end = node.at + bytes_of(state, node.order);
    uintptr_t high = ash_size_min(ash_align_up(freed + bytes_of(state, order), OS_PAGE), end);
    if (state->purges && low < high && bytes_of(state, node.order) > OS_PAGE)
        ash_lab_purge(state->memory, (void *)low, high - low);
}

static void free_block(void *self, void *block)
{
    struct state *state = self;
    struct segment *segment = segment_of(state, (uintptr_t)block);
    ash_line_init(&state->line);
    if (!segment) {
        struct direct *direct = direct_of(state, block);
        ash_lab_unmap(state->memory, block, direct->size);
        *direct = state->directs[--state->n_direct];
        ash_line_str(&state->line, "its mapping is given back");
        return;
    }
    struct node node = leaf_at(state, segment, (uintptr_t)block);
    ash_lab_step(state->memory, state->order_max - node.order + 1);
    flip(segment->live, unit_of(state, node));
    release(state, node);
}

static size_t usable(void *self, void *block)
{
    struct state *state = self;
    struct segment *segment = segment_of(state, (uintptr_t)block);
    if (!segment)
        return direct_of(state, block)->size;
    return bytes_of(state, leaf_at(state, segment, (uintptr_t)block).order);
}

/* Whether a lower half could grow to this order: all buddies up to there are free. */
static bool can_grow(const struct state *state, struct node node, unsigned order)
{
    for (; node.order < order; node = parent_of(state, node)) {
        struct node parent = parent_of(state, node);
        if (parent.at != node.at || !bit(node.segment->pair, number_of(state, parent)))
            return false;
    }
    return true;
}

static void *resize(void *self, void *block, size_t size)
{
    struct state *state = self;
    struct segment *segment = segment_of(state, (uintptr_t)block);
    if (!segment || size > bytes_of(state, state->order_max - 1))
        return NULL;
    struct node node = leaf_at(state, segment, (uintptr_t)block);
    unsigned order = order_for(state, size);
    if (order <= node.order) {
        halve(state, node, order);
        return block;
    }
    if (!can_grow(state, node, order))
        return NULL;
    while (node.order < order) {
        struct node parent = parent_of(state, node);
        size_t number = number_of(state, parent);
        struct node buddy = {segment, node.at + bytes_of(state, node.order), node.order};
        take_out(state, buddy);
        flip(segment->pair, number);
        flip(segment->split, number);
        node = parent;
    }
    segment->high = ash_size_max(segment->high, node.at + bytes_of(state, order));
    return block;
}

/* --- walking --- */

static bool show_segment(const struct state *state, struct segment *segment, ash_lab_visit *visit,
                         void *arg)
{
    uintptr_t end = segment->base + bytes_of(state, state->order_max);
    for (uintptr_t at = segment->base, size; at < end; at += size) {
        struct node node = {segment, segment->base, state->order_max};
        while (is_split(state, node)) {
            node.order--;
            node.at +=
                at >= node.at + bytes_of(state, node.order) ? bytes_of(state, node.order) : 0;
        }
        size = bytes_of(state, node.order);
        size_t used = segment->high > at ? ash_size_min(size, segment->high - at) : 0;
        if (is_live(state, node)) {
            if (!visit(arg, at, size, ASH_LAB_BLOCK))
                return false;
        } else if ((used && !visit(arg, at, used, ASH_LAB_FREE)) ||
                   (used < size && !visit(arg, at + used, size - used, ASH_LAB_FRESH))) {
            return false;
        }
    }
    return visit(arg, (uintptr_t)segment->split, segment->map_bytes, ASH_LAB_META);
}

static void each(void *self, ash_lab_visit *visit, void *arg)
{
    struct state *state = self;
    for (unsigned i = 0; i < state->n_segments; i++)
        if (!show_segment(state, &state->segments[i], visit, arg))
            return;
    for (unsigned i = 0; i < state->n_direct; i++)
        if (!visit(arg, state->directs[i].start, state->directs[i].size, ASH_LAB_BLOCK))
            return;
}

static bool in_use(const struct state *state, struct node node)
{
    return is_split(state, node) || is_live(state, node);
}

/* BU1 and BU3 for all nodes that exist, from the left; counts the free ones. */
static bool check_segment(const struct state *state, struct segment *segment, size_t *n_free)
{
    struct node node = {segment, segment->base, state->order_max};
    for (;;) {
        if (is_split(state, node)) {
            size_t number = number_of(state, node);
            struct node low = {segment, node.at, node.order - 1};
            struct node high = {segment, node.at + bytes_of(state, low.order), low.order};
            bool a = in_use(state, low), b = in_use(state, high);
            if ((!a && !b) || bit(segment->pair, number) != (a != b))
                return false;
            node = low;
            continue;
        }
        n_free[node.order] += !is_live(state, node);
        while (node.order < state->order_max && parent_of(state, node).at != node.at)
            node = parent_of(state, node);
        if (node.order == state->order_max)
            return true;
        node.at += bytes_of(state, node.order);
    }
}

static bool check(void *self)
{
    struct state *state = self;
    size_t n_free[N_ORDERS] = {0};
    for (unsigned i = 0; i < state->n_segments; i++)
        if (!check_segment(state, &state->segments[i], n_free))
            return false;
    for (unsigned order = 0; order <= state->order_max; order++) {
        size_t n = 0;
        for (struct links *links = state->lists[order]; links; links = links->next) {
            struct segment *segment = segment_of(state, (uintptr_t)links);
            struct node node = {segment, (uintptr_t)links, order};
            if (!segment || n++ == n_free[order] || in_use(state, node)) /* BU2 */
                return false;
        }
        bool is_listed = state->orders >> order & 1;
        if (n != n_free[order] || n != state->n_free[order] || (n > 0) != is_listed)
            return false;
    }
    return state->is_plain || ash_tree_check(&state->tree);
}

static const char *why(void *self)
{
    struct state *state = self;
    return state->line.text;
}

const struct ash_lab_strategy ash_lab_buddy = {
    .name = "buddy",
    .about = "Binary buddies (Knowlton, CACM 1965; Knuth 2.5, algorithms R and S)",
    .state_size = sizeof(struct state),
    .open = open,
    .alloc = alloc,
    .free = free_block,
    .usable = usable,
    .each = each,
    .check = check,
    .resize = resize,
    .why = why,
};
