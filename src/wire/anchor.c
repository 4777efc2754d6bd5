/* anchor.c: judging an anchor that was read from somewhere; see anchor.h. */
#include "wire/anchor.h"
#include <string.h>

static bool shifts_fit(const struct ash_anchor *anchor)
{
    return anchor->slice_shift >= 12 && anchor->slice_shift < anchor->group_shift &&
           anchor->group_shift - anchor->slice_shift <= 6 &&
           anchor->group_shift < anchor->region_shift && anchor->region_shift <= 40 &&
           (uint64_t)1 << (anchor->region_shift - anchor->group_shift) <= ASH_ANCHOR_GROUPS_MAX;
}

static bool fields_fit(const struct ash_anchor *anchor)
{
    const uint32_t in_meta[] = {anchor->meta_owner,   anchor->meta_kind,   anchor->meta_bsize,
                                anchor->meta_attn,    anchor->meta_attn0,  anchor->meta_out,
                                anchor->meta_state,   anchor->meta_carved, anchor->meta_xfree,
                                anchor->meta_n_slices};
    const uint32_t in_heap[] = {anchor->heap_next, anchor->heap_kind,   anchor->heap_inbox,
                                anchor->heap_tls,  anchor->heap_handed, anchor->heap_remote};
    if (anchor->meta_bytes < 64 || anchor->meta_bytes > 4096 || anchor->group_bytes < 8 ||
        anchor->group_bytes > 4096 || anchor->heap_bytes < 64 || anchor->heap_bytes > 65536 ||
        anchor->group_free + 4 > anchor->group_bytes ||
        anchor->group_span + 4 > anchor->group_bytes)
        return false;
    for (size_t i = 0; i < ASH_COUNT_OF(in_meta); i++)
        if (in_meta[i] + 8 > anchor->meta_bytes)
            return false;
    for (size_t i = 0; i < ASH_COUNT_OF(in_heap); i++)
        if (in_heap[i] + 8 > anchor->heap_bytes)
            return false;
    return anchor->region_next < 4096 && anchor->region_base < 4096 &&
           anchor->region_open_end < 4096;
}

enum ash_anchor_fault ash_anchor_judge(const void *read, size_t n, uint64_t addr)
{
    struct ash_anchor anchor;
    size_t head = offsetof(struct ash_anchor, options);
    if (n < head)
        return ASH_ANCHOR_NONE;
    memset(&anchor, 0, sizeof(anchor));
    memcpy(&anchor, read, n < sizeof(anchor) ? n : sizeof(anchor));
    if (memcmp(anchor.magic, ASH_ANCHOR_MAGIC, sizeof(anchor.magic)) != 0 || anchor.self != addr)
        return ASH_ANCHOR_NONE;
    if (anchor.layout != ASH_ANCHOR_LAYOUT)
        return ASH_ANCHOR_LAYOUT_OTHER;
    if (n < sizeof(anchor) || anchor.bytes < sizeof(anchor) || !shifts_fit(&anchor) ||
        !fields_fit(&anchor))
        return ASH_ANCHOR_DAMAGED;
    return ASH_ANCHOR_GOOD;
}
