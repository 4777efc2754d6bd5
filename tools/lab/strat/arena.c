/* arena.c: bump allocation: a block is the next bytes of a region, and a free is a count.
 *
 *     │ region │tag│ block │tag│ dead │tag│ block │ ← used               end │
 *
 * What many programs build for themselves (Hanson, "Fast allocation and deallocation of memory
 * based on object lifetimes", SP&E 20, 1990), seen through malloc: nobody says when a phase ends,
 * so a region is reset when the last of its blocks dies. Dead bytes are not used before. Fast, and
 * small where blocks die together; one survivor keeps a whole region.
 *
 * Regions are `region` bytes (65536), aligned to their size. A block above half of it, or with such
 * an alignment, has a region of its own, given back when it dies. Empty regions are kept for reuse,
 * or with return=unmap all but one are given back.
 *
 * AR1   Tags lead from the first byte behind the region's head to `used`.
 * AR2   n_live counts the live tags; a region without one is reset and idle, unless it is current.
 * AR3   The head lies at the last multiple of `region` below the payload.
 */
#include "base/check.h"
#include "base/print.h"
#include "lab/store.h"
#include <string.h>

#define OS_PAGE ((size_t)4096)
#define REGION_BYTES ((size_t)65536)
#define LIVE ((size_t)1)
#define TAG_BYTES ((size_t)8)

struct region {
    struct region *next, *prev; /* all of them */
    struct region *idle;
    size_t size, n_live;
    uintptr_t used, high; /* high: behind the last byte ever used */
};

/* The first tag lies 8 below a multiple of 16, so that its payload is one. */
static_assert(sizeof(struct region) % 16 == TAG_BYTES, "the first tag would be misplaced");

struct state {
    struct ash_lab_memory *memory;
    size_t region_bytes;
    bool unmaps;
    struct region *all, *current, *idle;
    struct ash_line line;
};

static uintptr_t first_tag(const struct region *region)
{
    return (uintptr_t)region + sizeof *region;
}

static uintptr_t end_of(const struct region *region)
{
    return (uintptr_t)region + region->size;
}

static size_t *tag(uintptr_t at)
{
    return (size_t *)at;
}

static size_t size_at(uintptr_t at)
{
    return *tag(at) & ~LIVE;
}

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct state *state = self;
    const char *gives = ash_lab_param(memory, "return", "none");
    state->memory = memory;
    state->region_bytes = ash_store_number(memory, "region", REGION_BYTES);
    state->unmaps = strcmp(gives, "unmap") == 0;
    return ash_is_power_of_two(state->region_bytes) && state->region_bytes >= OS_PAGE &&
           (state->unmaps || strcmp(gives, "none") == 0);
}

static struct region *region_of(const struct state *state, void *block)
{
    return (struct region *)ash_align_down((uintptr_t)block - 1, state->region_bytes); /* AR3 */
}

static struct region *begin(struct state *state, uintptr_t at, size_t size)
{
    struct region *region = (struct region *)at;
    *region = (struct region){.next = state->all, .size = size};
    region->used = region->high = first_tag(region);
    if (state->all)
        state->all->prev = region;
    state->all = region;
    return region;
}

static void end(struct state *state, struct region *region)
{
    *(region->prev ? &region->prev->next : &state->all) = region->next;
    if (region->next)
        region->next->prev = region->prev;
    ash_lab_unmap(state->memory, region, region->size);
}

/* The next bytes of the region, or NULL when they are too few. */
static void *bump(struct region *region, size_t size, size_t align)
{
    uintptr_t payload = ash_align_up(region->used + TAG_BYTES, align);
    size_t all = ash_align_up(size + TAG_BYTES, 16);
    uintptr_t at = payload - TAG_BYTES;
    if (at > end_of(region) || all > end_of(region) - at)
        return NULL;
    if (at > region->used) /* AR1: the gap before an aligned block is dead from the start */
        *tag(region->used) = at - region->used;
    *tag(at) = all | LIVE;
    region->used = at + all;
    region->high = ash_size_max(region->high, region->used);
    region->n_live++;
    return (void *)payload;
}

/* A region for one block. */
static void *alloc_alone(struct state *state, size_t size, size_t align)
{
    /* A large alignment needs the head one region below the payload; what is below goes back. */
    size_t front = align >= state->region_bytes ? align : 0;
    size_t need = front ? size : sizeof(struct region) + TAG_BYTES + size + align;
    size_t all = ash_align_up(front + need + 16, OS_PAGE);
    char *p = ash_lab_map(state->memory, all, ash_size_max(align, state->region_bytes));
    if (!p)
        return NULL;
    size_t unused = front ? front - state->region_bytes : 0;
    if (unused)
        ash_lab_unmap(state->memory, p, unused);
    return bump(begin(state, (uintptr_t)p + unused, all - unused), size, align);
}

/* A current region for at least half of its size. */
static bool renew(struct state *state)
{
    struct region *region = state->idle;
    if (region) {
        state->idle = region->idle;
    } else {
        void *p = ash_lab_map(state->memory, state->region_bytes, state->region_bytes);
        if (!p)
            return false;
        region = begin(state, (uintptr_t)p, state->region_bytes);
    }
    state->current = region;
    return true;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct state *state = self;
    struct ash_line *line = &state->line;
    ash_line_init(line);
    if (size > PTRDIFF_MAX / 4 || align > PTRDIFF_MAX / 4)
        return NULL;
    size = ash_size_max(size, 1);
    if (size + align > state->region_bytes / 2) {
        ash_line_fmt(line, "%zu bytes are more than half a region: a region of their own", size);
        return alloc_alone(state, size, align);
    }
    void *p = state->current ? bump(state->current, size, align) : NULL;
    if (p) {
        ash_line_fmt(line, "the next %zu bytes of the current region", size);
        return p;
    }
    struct region *old = state->current;
    bool reuses = state->idle != NULL;
    if (!renew(state)) {
        ash_line_str(line, "refused: the current region is used up, and there is no other");
        return NULL;
    }
    ash_line_fmt(line, "%s: the first bytes of %s one",
                 old ? "the current region is used up" : "there is no region yet",
                 reuses ? "an empty" : "a new");
    return bump(state->current, size, align);
}

static void reset(struct state *state, struct region *region)
{
    region->used = first_tag(region);
    if (region->size != state->region_bytes || (state->unmaps && state->idle)) {
        end(state, region);
        return;
    }
    region->idle = state->idle;
    state->idle = region;
}

static void free_block(void *self, void *block)
{
    struct state *state = self;
    struct region *region = region_of(state, block);
    ash_line_init(&state->line);
    *tag((uintptr_t)block - TAG_BYTES) &= ~LIVE;
    if (--region->n_live > 0) {
        ash_line_fmt(&state->line, "%zu bytes are dead; %zu live blocks keep their region",
                     size_at((uintptr_t)block - TAG_BYTES), region->n_live);
        return;
    }
    ash_line_str(&state->line, "the last block of its region is dead: all of it is free again");
    if (region == state->current)
        region->used = first_tag(region);
    else
        reset(state, region); /* AR2 */
}

static size_t usable(void *self, void *block)
{
    (void)self;
    return size_at((uintptr_t)block - TAG_BYTES) - TAG_BYTES;
}

/* Only the last block of a region can change. */
static void *resize(void *self, void *block, size_t size)
{
    struct state *state = self;
    struct region *region = region_of(state, block);
    uintptr_t at = (uintptr_t)block - TAG_BYTES;
    if (size > PTRDIFF_MAX / 4)
        return NULL;
    size_t all = ash_align_up(ash_size_max(size, 1) + TAG_BYTES, 16);
    if (at + size_at(at) != region->used || all > end_of(region) - at)
        return NULL;
    *tag(at) = all | LIVE;
    region->used = at + all;
    region->high = ash_size_max(region->high, region->used);
    return block;
}

static bool show(const struct region *region, ash_lab_visit *visit, void *arg)
{
    if (!visit(arg, (uintptr_t)region, sizeof *region, ASH_LAB_META))
        return false;
    for (uintptr_t at = first_tag(region); at < region->used; at += size_at(at)) {
        bool goes_on = *tag(at) & LIVE
                           ? visit(arg, at, TAG_BYTES, ASH_LAB_HEADER) &&
                                 visit(arg, at + TAG_BYTES, size_at(at) - TAG_BYTES, ASH_LAB_BLOCK)
                           : visit(arg, at, size_at(at), ASH_LAB_FREE);
        if (!goes_on)
            return false;
    }
    if (region->high > region->used &&
        !visit(arg, region->used, region->high - region->used, ASH_LAB_FREE))
        return false;
    return region->high == end_of(region) ||
           visit(arg, region->high, end_of(region) - region->high, ASH_LAB_FRESH);
}

static void each(void *self, ash_lab_visit *visit, void *arg)
{
    struct state *state = self;
    for (struct region *region = state->all; region; region = region->next)
        if (!show(region, visit, arg))
            return;
}

static bool check(void *self)
{
    struct state *state = self;
    size_t n_idle = 0, n_empty = 0;
    for (struct region *region = state->all; region; region = region->next) {
        size_t n_live = 0;
        uintptr_t at = first_tag(region);
        while (at < region->used && size_at(at) >= 16) {
            n_live += *tag(at) & LIVE;
            at += size_at(at);
        }
        if (at != region->used || n_live != region->n_live || region->used > region->high ||
            region->high > end_of(region))
            return false;
        if (n_live == 0 && region->used != first_tag(region)) /* AR2 */
            return false;
        n_empty += n_live == 0 && region != state->current;
    }
    for (struct region *region = state->idle; region && n_idle <= n_empty; region = region->idle)
        n_idle++;
    return n_idle == n_empty;
}

static const char *why(void *self)
{
    struct state *state = self;
    return state->line.text;
}

const struct ash_lab_strategy ash_lab_arena = {
    .name = "arena",
    .about = "Bump allocation, a region is reset when all in it is dead (Hanson, SP&E 1990)",
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
