/* tlsf.c: two-level segregated fit: a good fit in a constant number of steps.
 *
 * Masmano, Ripoll, Crespo, Real, "TLSF: a new dynamic memory allocator for real-time systems",
 * ECRTS 2004. Blocks, joining and growth are those of store.h: immediate coalescing, and the end of
 * the segment is a block like the others (top=equal).
 *
 *     first level    0: sizes below 512, steps of 16 │ 512… │ 1024… │ 2048… │ …
 *     second level   32 equal steps of each (sl=5), a list head and a bit for every one
 *
 * A block is listed by rounding its size down to its step, and searched by rounding up to the next:
 * every block of the list that is found fits, so no list is walked. What rounding up passes over
 * is at most 1/32 larger than the request. Lists are LIFO. When no list has a block the end of the
 * segment is taken if it fits all the same, and then grown.
 *
 * TL1   A free block is in the list of its size rounded down, and in no other.
 * TL2   A bit is set if and only if its list, or one of its first level, is not empty.
 */
#include "lab/store.h"

#define SL_MAX 5
#define N_FIRST 44

struct links {
    size_t tag;
    struct links *next, *prev;
};

struct index {
    struct ash_lab_memory *memory;
    unsigned sl; /* log2 of the steps of a first level */
    uint64_t first;
    uint32_t second[N_FIRST];
    struct links *lists[N_FIRST][1 << SL_MAX];
};

struct state {
    struct ash_store store;
    struct index index;
};

struct place {
    unsigned first, second;
};

static struct place place_of(const struct index *index, size_t size)
{
    unsigned small = index->sl + 4; /* log2: below it steps of 16 */
    if (size >> small == 0)
        return (struct place){0, (unsigned)(size / 16)};
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size);
    unsigned step = (unsigned)(size >> (log2 - index->sl)) - (1u << index->sl);
    return (struct place){log2 - small + 1, step};
}

/* The least size from which on every block of the size's list is large enough. */
static size_t round_up(const struct index *index, size_t size)
{
    if (size >> (index->sl + 4) == 0)
        return size;
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size);
    return size + ((size_t)1 << (log2 - index->sl)) - 1;
}

static void add(struct index *index, uintptr_t at, size_t size)
{
    struct place place = place_of(index, size);
    struct links *links = (struct links *)at;
    struct links **list = &index->lists[place.first][place.second];
    links->prev = NULL;
    links->next = *list;
    if (*list)
        (*list)->prev = links;
    *list = links;
    index->first |= (uint64_t)1 << place.first;
    index->second[place.first] |= (uint32_t)1 << place.second;
}

static void insert(void *self, uintptr_t at)
{
    struct index *index = self;
    ash_lab_step(index->memory, 1);
    add(index, at, ash_tag_size(at));
}

static void take_out(void *self, uintptr_t at)
{
    struct index *index = self;
    struct place place = place_of(index, ash_tag_size(at));
    struct links *links = (struct links *)at;
    struct links **list = &index->lists[place.first][place.second];
    ash_lab_step(index->memory, 1);
    *(links->prev ? &links->prev->next : list) = links->next;
    if (links->next)
        links->next->prev = links->prev;
    if (*list)
        return;
    index->second[place.first] &= ~((uint32_t)1 << place.second);
    if (!index->second[place.first])
        index->first &= ~((uint64_t)1 << place.first); /* TL2 */
}

static void replace(void *self, uintptr_t old, uintptr_t at, size_t size)
{
    take_out(self, old);
    add(self, at, size);
}

static uintptr_t find(void *self, size_t size, size_t *n_looked)
{
    struct index *index = self;
    struct place place = place_of(index, round_up(index, size));
    *n_looked = 1;
    ash_lab_step(index->memory, 2); /* two bit scans */
    uint32_t second = index->second[place.first] & UINT32_MAX << place.second;
    if (!second) {
        uint64_t first = index->first & UINT64_MAX << (place.first + 1);
        if (!first)
            return 0;
        place.first = (unsigned)__builtin_ctzll(first);
        second = index->second[place.first];
    }
    return (uintptr_t)index->lists[place.first][__builtin_ctz(second)];
}

static bool check_list(const struct index *index, struct place place, size_t *n)
{
    const struct links *before = NULL;
    const struct links *head = index->lists[place.first][place.second];
    for (const struct links *links = head; links; links = links->next) {
        struct place own = place_of(index, ash_tag_size((uintptr_t)links));
        if (links->prev != before || !ash_tag_has((uintptr_t)links, ASH_TAG_FREE) ||
            own.first != place.first || own.second != place.second) /* TL1 */
            return false;
        before = links;
        ++*n;
    }
    return (head != NULL) == (index->second[place.first] >> place.second & 1);
}

static bool check_index(void *self)
{
    struct index *index = self;
    size_t n = 0;
    for (unsigned first = 0; first < N_FIRST; first++) {
        for (unsigned second = 0; second < 1u << SL_MAX; second++)
            if (!check_list(index, (struct place){first, second}, &n))
                return false;
        if ((index->second[first] != 0) != (index->first >> first & 1))
            return false;
    }
    /* The index is part of the state: all free blocks are listed if as many are. */
    struct ash_tags *tags = &ASH_CONTAINER_OF(self, struct state, index)->store.tags;
    size_t n_free = tags->end && ash_tags_top_size(tags) >= ASH_TAG_MIN;
    n_free -= n_free && !ASH_CONTAINER_OF(self, struct state, index)->store.top_is_equal;
    for (uintptr_t at = tags->start; at < tags->top; at = ash_tag_next(at))
        n_free += ash_tag_has(at, ASH_TAG_FREE);
    return n == n_free;
}

static const struct ash_store_index ops = {insert, take_out,    replace,
                                           find,   check_index, "good fit by two bit scans"};

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct state *state = self;
    size_t sl = ash_store_number(memory, "sl", SL_MAX);
    state->index.memory = memory;
    state->index.sl = (unsigned)sl;
    return sl >= 1 && sl <= SL_MAX &&
           ash_store_open(&state->store, memory, "equal", &ops, &state->index);
}

const struct ash_lab_strategy ash_lab_tlsf = {
    .name = "tlsf",
    .about = "Two-level segregated fit (Masmano, Ripoll, Crespo, Real, ECRTS 2004)",
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
