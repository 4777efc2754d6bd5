/* tags.h: blocks with boundary tags in one contiguous segment (Knuth 2.5, algorithm C).
 *
 *     free   │ size │F │prev link│next link│ …            │ size │   footer only while free
 *     live   │ size │P │ payload, 16-aligned …                   │   P: the block before is free
 *
 *     segment   │pad│ block │ block │ … │ block │ top ………………… end │
 *
 * A block is named by the address of its 8-byte header; headers lie 8 bytes below a multiple of 16.
 * The top is what follows the last block: always there, always with a header, never with a footer,
 * since nothing follows. It may be too small to be a block.
 *
 * TA1   Headers lead from the first block to the top without gap or overlap.
 * TA2   Each size but the top's is a multiple of 16 and at least 32.
 * TA3   P is set if and only if the block before is free; then the word below the header is its
 *       size. A pending block (freed, not joined yet) is not free in this sense.
 * TA4   No byte at or above `fresh` was ever part of a live block since it was mapped.
 */
#ifndef ASH_LAB_TAGS_H
#define ASH_LAB_TAGS_H

#include "base/base.h"
#include "lab/lab.h"

#define ASH_TAG_FREE ((size_t)1)
#define ASH_TAG_PREV_FREE ((size_t)2)
#define ASH_TAG_PENDING ((size_t)4)
#define ASH_TAG_BITS ((size_t)15)
#define ASH_TAG_BYTES ((size_t)8)
#define ASH_TAG_MIN ((size_t)32) /* header, two links, footer */

struct ash_tags {
    struct ash_lab_memory *memory;
    uintptr_t base, start, top, end; /* the segment, its first block, its top, its end */
    uintptr_t fresh;
    size_t grow; /* steps of growth, whole OS pages */
};

ASH_INLINE size_t *ash_tag(uintptr_t at)
{
    return (size_t *)at;
}

ASH_INLINE size_t ash_tag_size(uintptr_t at)
{
    return *ash_tag(at) & ~ASH_TAG_BITS;
}

ASH_INLINE bool ash_tag_has(uintptr_t at, size_t bit)
{
    return (*ash_tag(at) & bit) != 0;
}

ASH_INLINE uintptr_t ash_tag_next(uintptr_t at)
{
    return at + ash_tag_size(at);
}

/* Only where the block before is free. */
ASH_INLINE uintptr_t ash_tag_prev(uintptr_t at)
{
    return at - *ash_tag(at - ASH_TAG_BYTES);
}

ASH_INLINE void *ash_tag_payload(uintptr_t at)
{
    return (void *)(at + ASH_TAG_BYTES);
}

ASH_INLINE uintptr_t ash_tag_of(void *payload)
{
    return (uintptr_t)payload - ASH_TAG_BYTES;
}

/* Bytes of a block that serves n. */
ASH_INLINE size_t ash_tag_fit(size_t n)
{
    return ash_size_max(ASH_TAG_MIN, ash_align_up(n + ASH_TAG_BYTES, 16));
}

/* Writes header, footer and the P of the follower; the block's own P stays. */
void ash_tags_set_free(uintptr_t at, size_t size);
/* The same for a live block. keep: what else the header shows (PENDING). */
void ash_tags_set_live(struct ash_tags *tags, uintptr_t at, size_t size, size_t keep);
/* The top begins here; its P stays when it does not move. */
void ash_tags_set_top(struct ash_tags *tags, uintptr_t at);
/* Bytes of the top that a block may take; 0 before the first growth. */
size_t ash_tags_top_size(const struct ash_tags *tags);
/* Asks for at least this many bytes behind the end, in steps of grow, else in pages. 0: refused;
 * else bytes gained, which ash_tags_grown admits. */
size_t ash_tags_extend(struct ash_tags *tags, size_t need);
void ash_tags_grown(struct ash_tags *tags, size_t gained);
/* Gives the end of the segment back: whole pages, `keep` bytes of the top stay. */
void ash_tags_shrink(struct ash_tags *tags, size_t keep);
void ash_tags_each(const struct ash_tags *tags, ash_lab_visit *visit, void *arg);
/* TA1 to TA3. */
bool ash_tags_check(const struct ash_tags *tags);

#endif
