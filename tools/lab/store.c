/* store.c: splitting, joining, growing and giving back; see store.h. */
#include "lab/store.h"
#include <string.h>

#define OS_PAGE ((size_t)4096)
#define GROW_BYTES ((size_t)65536)
#define RETURN_BYTES ((size_t)131072) /* return=top: a top of this size is cut to one step */
#define SIZE_MOST ((size_t)1 << 46)

size_t ash_store_number(struct ash_lab_memory *memory, const char *key, size_t otherwise)
{
    const char *text = ash_lab_param(memory, key, "");
    size_t n = 0;
    if (!*text)
        return otherwise;
    for (; *text >= '0' && *text <= '9' && n < SIZE_MOST; text++)
        n = n * 10 + (size_t)(*text - '0');
    if (*text == 'k' || *text == 'm')
        n <<= *text++ == 'k' ? 10 : 20;
    return *text ? otherwise : n;
}

/* The number of the value among the names; a value that is none of them: n. */
static unsigned choice(struct ash_lab_memory *memory, const char *key, const char *const *names,
                       unsigned n)
{
    const char *value = ash_lab_param(memory, key, names[0]);
    unsigned i = 0;
    while (i < n && strcmp(value, names[i]) != 0)
        i++;
    return i;
}

bool ash_store_open(struct ash_store *store, struct ash_lab_memory *memory, const char *top,
                    const struct ash_store_index *ops, void *index)
{
    static const char *const coalesces[] = {"now", "deferred", "never"};
    static const char *const returns[] = {"none", "top", "pages"};
    unsigned coalesce = choice(memory, "coalesce", coalesces, ASH_COUNT_OF(coalesces));
    unsigned gives = choice(memory, "return", returns, ASH_COUNT_OF(returns));
    top = ash_lab_param(memory, "top", top);
    store->memory = memory;
    store->ops = ops;
    store->index = index;
    store->top_is_equal = strcmp(top, "equal") == 0;
    store->coalesce = (enum ash_store_coalesce)coalesce;
    store->returns = (enum ash_store_return)gives;
    size_t split = ash_store_number(memory, "split", ASH_TAG_MIN);
    store->split = ash_size_max(ASH_TAG_MIN, ash_align_up(split, 16));
    store->tags.memory = memory;
    size_t grow = ash_store_number(memory, "grow", GROW_BYTES);
    store->tags.grow = ash_align_up(ash_size_max(grow, OS_PAGE), OS_PAGE);
    if (!ash_is_power_of_two(store->tags.grow)) /* steps are aligned: round up to one that is */
        store->tags.grow = (size_t)1 << (64 - __builtin_clzll(store->tags.grow));
    return coalesce < ASH_COUNT_OF(coalesces) && gives < ASH_COUNT_OF(returns) &&
           (store->top_is_equal || strcmp(top, "last") == 0);
}

/* --- joining --- */

static bool top_is_listed(const struct ash_store *store)
{
    return store->top_is_equal && ash_tags_top_size(&store->tags) >= ASH_TAG_MIN; /* ST1 */
}

/* The whole free OS pages around what has just become free, all inside [at, at + size). */
static void purge_pages(struct ash_store *store, uintptr_t at, size_t size, uintptr_t freed,
                        size_t freed_size)
{
    bool is_top = at == store->tags.top;
    uintptr_t low = ash_align_up(at + ASH_TAG_BYTES + 2 * sizeof(uintptr_t), OS_PAGE);
    uintptr_t high = ash_align_down(at + size - (is_top ? 0 : ASH_TAG_BYTES), OS_PAGE);
    uintptr_t start = ash_size_max(low, ash_align_down(freed, OS_PAGE));
    uintptr_t end = ash_size_min(high, ash_align_up(freed + freed_size, OS_PAGE));
    if (start < end)
        ash_lab_purge(store->memory, (void *)start, end - start);
}

static void move_top(struct ash_store *store, uintptr_t at)
{
    if (top_is_listed(store))
        store->ops->remove(store->index, store->tags.top);
    ash_tags_set_top(&store->tags, at);
    size_t size = ash_tags_top_size(&store->tags);
    if (top_is_listed(store))
        store->ops->insert(store->index, at);
    if (store->returns == ASH_STORE_TOP && size >= RETURN_BYTES && size > store->tags.grow) {
        if (top_is_listed(store))
            store->ops->remove(store->index, at);
        ash_tags_shrink(&store->tags, store->tags.grow);
        if (top_is_listed(store))
            store->ops->insert(store->index, at);
    }
}

/* Makes a block free that is not in any list, and joins it with its neighbours. */
static void join(struct ash_store *store, uintptr_t at)
{
    uintptr_t freed = at;
    size_t size = ash_tag_size(at), freed_size = size;
    struct ash_store_story *story = &store->story;
    if (store->coalesce != ASH_STORE_NEVER) {
        if (ash_tag_has(at, ASH_TAG_PREV_FREE)) {
            uintptr_t prev = ash_tag_prev(at);
            store->ops->remove(store->index, prev);
            size += ash_tag_size(prev);
            at = prev;
            story->joined_before = true;
        }
        uintptr_t next = at + size;
        if (next == store->tags.top) {
            story->joined_top = true;
        } else if (ash_tag_has(next, ASH_TAG_FREE)) {
            store->ops->remove(store->index, next);
            size += ash_tag_size(next);
            story->joined_after = true;
        }
        if (at + size == store->tags.top) { /* ST2 */
            move_top(store, at);
            size = store->tags.end - at;
            if (store->returns == ASH_STORE_PAGES)
                purge_pages(store, at, size, freed, freed_size);
            return;
        }
    }
    ash_tags_set_free(at, size);
    store->ops->insert(store->index, at);
    if (store->returns == ASH_STORE_PAGES)
        purge_pages(store, at, size, freed, freed_size);
}

static void join_pending(struct ash_store *store)
{
    for (size_t i = 0; i < ASH_STORE_PENDING_LISTS; i++)
        while (store->pending[i]) {
            uintptr_t at = store->pending[i];
            store->pending[i] = *(uintptr_t *)ash_tag_payload(at);
            *ash_tag(at) &= ~ASH_TAG_PENDING;
            join(store, at);
        }
    store->story.n_joined = store->n_pending;
    store->n_pending = 0;
}

/* --- placing --- */

/* Takes n bytes from a free block of the index. */
static void place(struct ash_store *store, uintptr_t at, size_t n)
{
    size_t size = ash_tag_size(at);
    if (size - n < store->split) {
        store->ops->remove(store->index, at);
        ash_tags_set_live(&store->tags, at, size, 0);
        return;
    }
    uintptr_t rest = at + n;
    store->ops->replace(store->index, at, rest, size - n);
    ash_tags_set_live(&store->tags, at, n, 0);
    ash_tags_set_free(rest, size - n);
    store->story.rest = size - n;
}

/* Takes n bytes that the top has. */
static void place_in_top(struct ash_store *store, size_t n)
{
    uintptr_t at = store->tags.top;
    size_t rest = ash_tags_top_size(&store->tags) - n;
    if (top_is_listed(store)) {
        if (rest >= ASH_TAG_MIN)
            store->ops->replace(store->index, at, at + n, rest);
        else
            store->ops->remove(store->index, at);
    }
    ash_tags_set_top(&store->tags, at + n);
    ash_tags_set_live(&store->tags, at, n, 0);
    store->story.rest = rest;
}

/* Makes the top have n bytes. false: refused, nothing changed. */
static bool grow_top(struct ash_store *store, size_t n)
{
    size_t has = ash_tags_top_size(&store->tags);
    if (n <= has)
        return true;
    size_t gained = ash_tags_extend(&store->tags, n - has);
    if (!gained)
        return false;
    if (top_is_listed(store))
        store->ops->remove(store->index, store->tags.top);
    ash_tags_grown(&store->tags, gained);
    if (top_is_listed(store))
        store->ops->insert(store->index, store->tags.top);
    store->story.source = ASH_STORE_GROWN;
    return true;
}

/* A live block of at least n bytes, or 0. */
static uintptr_t take(struct ash_store *store, size_t n)
{
    struct ash_store_story *story = &store->story;
    uintptr_t at = store->ops->find(store->index, n, &story->n_looked);
    if (!at && store->n_pending) {
        join_pending(store);
        at = store->ops->find(store->index, n, &story->n_looked);
    }
    if (at && at != store->tags.top) {
        story->found = ash_tag_size(at);
        place(store, at, n);
        return at;
    }
    story->source = ASH_STORE_FROM_TOP;
    if (!grow_top(store, n))
        return 0;
    at = store->tags.top;
    story->found = ash_tags_top_size(&store->tags);
    place_in_top(store, n);
    return at;
}

/* Splits a live block: what is behind n bytes becomes free. */
static void cut(struct ash_store *store, uintptr_t at, size_t n)
{
    size_t rest = ash_tag_size(at) - n;
    if (rest < store->split)
        return;
    *ash_tag(at + n) = 0;
    ash_tags_set_live(&store->tags, at + n, rest, 0);
    ash_tags_set_live(&store->tags, at, n, 0);
    join(store, at + n);
}

void *ash_store_alloc(void *self, size_t size, size_t align)
{
    struct ash_store *store = self;
    store->story = (struct ash_store_story){.deed = ASH_STORE_REFUSED, .wanted = size};
    if (size > SIZE_MOST || align > SIZE_MOST)
        return NULL;
    size_t n = ash_tag_fit(size);
    /* A front part that is not empty must be a block itself. */
    size_t want = align > 16 ? n + align + 16 : n;
    uintptr_t at = take(store, want);
    if (!at)
        return NULL;
    store->story.deed = ASH_STORE_PLACED;
    store->story.wanted = n;
    if (align > 16) {
        size_t front = ash_align_up(at + ASH_TAG_BYTES, align) - at - ASH_TAG_BYTES;
        if (front == 16)
            front += align;
        if (front) {
            size_t all = ash_tag_size(at);
            *ash_tag(at + front) = 0;
            ash_tags_set_live(&store->tags, at + front, all - front, 0);
            ash_tags_set_live(&store->tags, at, front, 0);
            join(store, at);
            at += front;
        }
        cut(store, at, n);
    }
    return ash_tag_payload(at);
}

size_t ash_store_usable(void *self, void *block)
{
    (void)self;
    return ash_tag_size(ash_tag_of(block)) - ASH_TAG_BYTES;
}

void ash_store_free(void *self, void *block)
{
    struct ash_store *store = self;
    uintptr_t at = ash_tag_of(block);
    size_t size = ash_tag_size(at);
    store->story = (struct ash_store_story){.deed = ASH_STORE_FREED, .found = size};
    if (store->coalesce != ASH_STORE_DEFERRED || size > ASH_STORE_PENDING_MAX) {
        join(store, at);
        return;
    }
    uintptr_t *list = &store->pending[size / 16]; /* ST3 */
    *ash_tag(at) |= ASH_TAG_PENDING;
    *(uintptr_t *)block = *list;
    *list = at;
    store->n_pending++;
    store->story.is_pending = true;
}

void *ash_store_resize(void *self, void *block, size_t size)
{
    struct ash_store *store = self;
    uintptr_t at = ash_tag_of(block);
    size_t old = ash_tag_size(at);
    if (size > SIZE_MOST)
        return NULL;
    size_t n = ash_tag_fit(size);
    store->story = (struct ash_store_story){.deed = ASH_STORE_PLACED, .wanted = n, .found = old};
    if (n <= old) {
        cut(store, at, n);
        return block;
    }
    uintptr_t next = at + old;
    if (next == store->tags.top) {
        if (!grow_top(store, n - old))
            return NULL;
        place_in_top(store, n - old);
        ash_tags_set_live(&store->tags, at, n, 0);
        return block;
    }
    if (!ash_tag_has(next, ASH_TAG_FREE) || store->coalesce == ASH_STORE_NEVER ||
        old + ash_tag_size(next) < n)
        return NULL;
    size_t all = old + ash_tag_size(next);
    size_t taken = all - n < store->split ? all : n;
    /* The links of the follower may lie where the remainder's header comes: tags come last. */
    if (taken == all)
        store->ops->remove(store->index, next);
    else
        store->ops->replace(store->index, next, at + n, all - n);
    if (taken != all) {
        *ash_tag(at + n) = 0;
        ash_tags_set_free(at + n, all - n);
    }
    ash_tags_set_live(&store->tags, at, taken, 0);
    return block;
}

/* --- judging and telling --- */

void ash_store_each(void *self, ash_lab_visit *visit, void *arg)
{
    struct ash_store *store = self;
    ash_tags_each(&store->tags, visit, arg);
}

bool ash_store_check(void *self)
{
    struct ash_store *store = self;
    if (!ash_tags_check(&store->tags) || !store->ops->check(store->index))
        return false;
    size_t n_pending = 0;
    for (size_t i = 0; i < ASH_STORE_PENDING_LISTS; i++)
        for (uintptr_t at = store->pending[i]; at; at = *(uintptr_t *)ash_tag_payload(at))
            if (n_pending++ == store->n_pending || ash_tag_size(at) != i * 16 ||
                !ash_tag_has(at, ASH_TAG_PENDING)) /* ST3 */
                return false;
    if (n_pending != store->n_pending)
        return false;
    if (store->coalesce != ASH_STORE_NOW)
        return true;
    for (uintptr_t at = store->tags.start; at < store->tags.top; at = ash_tag_next(at))
        if (ash_tag_has(at, ASH_TAG_FREE) &&
            (ash_tag_has(at, ASH_TAG_PREV_FREE) || ash_tag_next(at) == store->tags.top))
            return false; /* ST2 */
    return true;
}

static void tell_placed(struct ash_line *line, const struct ash_store *store)
{
    const struct ash_store_story *story = &store->story;
    if (story->n_joined)
        ash_line_fmt(line, "nothing fitted, so %zu pending blocks were joined; ", story->n_joined);
    if (story->source == ASH_STORE_FOUND)
        ash_line_fmt(line, "%s: %zu bytes of a free block of %zu, %zu looked at", store->ops->rule,
                     story->wanted, story->found, story->n_looked);
    else
        ash_line_fmt(line, "no free block fits (%zu looked at): %zu bytes of the top%s",
                     story->n_looked, story->wanted,
                     story->source == ASH_STORE_GROWN ? ", which had to grow" : "");
    if (story->rest)
        ash_line_fmt(line, "; %zu bytes are left of it", story->rest);
    else
        ash_line_fmt(line, "; nothing is split off");
}

const char *ash_store_why(void *self)
{
    struct ash_store *store = self;
    const struct ash_store_story *story = &store->story;
    struct ash_line *line = &store->line;
    ash_line_init(line);
    if (story->deed == ASH_STORE_PLACED) {
        tell_placed(line, store);
    } else if (story->deed == ASH_STORE_REFUSED) {
        ash_line_fmt(line, "refused: no free block of %zu bytes, and no growth", story->wanted);
    } else if (story->deed == ASH_STORE_FREED) {
        ash_line_fmt(line, "%zu bytes are free", story->found);
        if (story->is_pending)
            ash_line_str(line, ", and wait in the list of their size to be joined");
        else if (store->coalesce == ASH_STORE_NEVER)
            ash_line_str(line, "; neighbours are never joined");
        else if (!story->joined_before && !story->joined_after && !story->joined_top)
            ash_line_str(line, "; both neighbours are in use");
        else
            ash_line_fmt(
                line, "; joined with the free block %s%s%s", story->joined_before ? "before" : "",
                story->joined_before && (story->joined_after || story->joined_top) ? " and " : "",
                story->joined_top     ? "the top"
                : story->joined_after ? "behind"
                                      : "");
    }
    return line->text;
}
