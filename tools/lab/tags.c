/* tags.c: writing, walking and judging boundary tags; see tags.h. */
#include "lab/tags.h"

#define OS_PAGE ((size_t)4096)

static void set_prev_free(uintptr_t at, bool is_free)
{
    *ash_tag(at) = (*ash_tag(at) & ~ASH_TAG_PREV_FREE) | (is_free ? ASH_TAG_PREV_FREE : 0);
}

void ash_tags_set_free(uintptr_t at, size_t size)
{
    *ash_tag(at) = size | ASH_TAG_FREE | (*ash_tag(at) & ASH_TAG_PREV_FREE);
    *ash_tag(at + size - ASH_TAG_BYTES) = size;
    set_prev_free(at + size, true);
}

void ash_tags_set_live(struct ash_tags *tags, uintptr_t at, size_t size, size_t keep)
{
    *ash_tag(at) = size | keep | (*ash_tag(at) & ASH_TAG_PREV_FREE);
    if (at + size > tags->fresh)
        tags->fresh = at + size; /* TA4 */
    set_prev_free(at + size, false);
}

size_t ash_tags_top_size(const struct ash_tags *tags)
{
    return tags->end ? tags->end - tags->top - ASH_TAG_BYTES : 0;
}

void ash_tags_set_top(struct ash_tags *tags, uintptr_t at)
{
    size_t kept = at <= tags->top ? *ash_tag(at) & ASH_TAG_PREV_FREE : 0;
    tags->top = at;
    *ash_tag(at) = ash_tags_top_size(tags) | ASH_TAG_FREE | kept;
}

size_t ash_tags_extend(struct ash_tags *tags, size_t need)
{
    size_t pad = tags->end ? 0 : 2 * ASH_TAG_BYTES; /* first pad, and the header of the top */
    if (need > PTRDIFF_MAX / 2)
        return 0;
    size_t size = ash_align_up(need + pad, tags->grow);
    void *at = ash_lab_extend(tags->memory, (ptrdiff_t)size);
    if (!at) {
        size = ash_align_up(need + pad, OS_PAGE);
        at = size < tags->grow ? ash_lab_extend(tags->memory, (ptrdiff_t)size) : NULL;
    }
    if (!at)
        return 0;
    if (!tags->end)
        tags->base = (uintptr_t)at;
    return size;
}

void ash_tags_grown(struct ash_tags *tags, size_t gained)
{
    if (!tags->end) {
        tags->start = tags->top = tags->fresh = tags->base + ASH_TAG_BYTES;
        tags->end = tags->base;
    }
    tags->end += gained;
    ash_tags_set_top(tags, tags->top);
}

void ash_tags_shrink(struct ash_tags *tags, size_t keep)
{
    size_t less = ash_align_down(ash_tags_top_size(tags) - keep, OS_PAGE);
    if (!less)
        return;
    ash_lab_extend(tags->memory, -(ptrdiff_t)less);
    tags->end -= less;
    tags->fresh = ash_size_min(tags->fresh, tags->end);
    ash_tags_set_top(tags, tags->top);
}

void ash_tags_each(const struct ash_tags *tags, ash_lab_visit *visit, void *arg)
{
    if (!tags->end || !visit(arg, tags->base, ASH_TAG_BYTES, ASH_LAB_META))
        return;
    for (uintptr_t at = tags->start; at < tags->top; at = ash_tag_next(at)) {
        size_t size = ash_tag_size(at);
        bool goes_on;
        if (ash_tag_has(at, ASH_TAG_FREE))
            goes_on = visit(arg, at, size, ASH_LAB_FREE);
        else if (ash_tag_has(at, ASH_TAG_PENDING))
            goes_on = visit(arg, at, size, ASH_LAB_CACHED);
        else
            goes_on = visit(arg, at, ASH_TAG_BYTES, ASH_LAB_HEADER) &&
                      visit(arg, at + ASH_TAG_BYTES, size - ASH_TAG_BYTES, ASH_LAB_BLOCK);
        if (!goes_on)
            return;
    }
    if (tags->fresh > tags->top && !visit(arg, tags->top, tags->fresh - tags->top, ASH_LAB_FREE))
        return;
    uintptr_t fresh = ash_size_max(tags->top, tags->fresh);
    if (fresh < tags->end)
        visit(arg, fresh, tags->end - fresh, ASH_LAB_FRESH);
}

bool ash_tags_check(const struct ash_tags *tags)
{
    if (!tags->end)
        return true;
    bool before_is_free = false;
    uintptr_t at = tags->start;
    while (at < tags->top) {
        size_t size = ash_tag_size(at);
        if (size < ASH_TAG_MIN || size > tags->top - at) /* TA1, TA2 */
            return false;
        if (ash_tag_has(at, ASH_TAG_PREV_FREE) != before_is_free) /* TA3 */
            return false;
        before_is_free = ash_tag_has(at, ASH_TAG_FREE);
        if (before_is_free && *ash_tag(at + size - ASH_TAG_BYTES) != size)
            return false;
        at += size;
    }
    return at == tags->top && ash_tag_has(at, ASH_TAG_PREV_FREE) == before_is_free &&
           ash_tag_size(at) == ash_tags_top_size(tags) && tags->fresh <= tags->end;
}
