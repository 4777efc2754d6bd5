/* marks.h: two bits for every 16 bytes of the window, in the aside: live, and cached.
 *
 * Several models do not know which of their free objects a cache holds, or which are live at all.
 * `each` and `check` do; they read it here. No placement ever depends on a mark (LC12).
 */
#ifndef ASH_LAB_MARKS_H
#define ASH_LAB_MARKS_H

#include "base/base.h"
#include "lab/lab.h"

enum ash_mark { ASH_MARK_NONE, ASH_MARK_LIVE, ASH_MARK_CACHED };

struct ash_marks {
    uintptr_t base;
    size_t bytes; /* of addresses that have marks */
    uint8_t *marks;
};

/* false: no aside. */
bool ash_marks_open(struct ash_marks *marks, struct ash_lab_memory *memory);

/* What is mapped without marks cannot be used. */
ASH_INLINE bool ash_marks_cover(const struct ash_marks *marks, void *p, size_t size)
{
    return (uintptr_t)p - marks->base < marks->bytes - size;
}

ASH_INLINE void ash_marks_set(struct ash_marks *marks, uintptr_t at, enum ash_mark mark)
{
    size_t i = (at - marks->base) / 16;
    unsigned shift = (unsigned)(i % 4 * 2);
    marks->marks[i / 4] =
        (uint8_t)((marks->marks[i / 4] & ~(3u << shift)) | (unsigned)mark << shift);
}

ASH_INLINE enum ash_mark ash_marks_get(const struct ash_marks *marks, uintptr_t at)
{
    size_t i = (at - marks->base) / 16;
    return (enum ash_mark)(marks->marks[i / 4] >> i % 4 * 2 & 3);
}

ASH_INLINE enum ash_lab_kind ash_marks_kind(const struct ash_marks *marks, uintptr_t at)
{
    enum ash_mark mark = ash_marks_get(marks, at);
    return mark == ASH_MARK_LIVE     ? ASH_LAB_BLOCK
           : mark == ASH_MARK_CACHED ? ASH_LAB_CACHED
                                     : ASH_LAB_FREE;
}

#endif
