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

/* Do 8 bytes at each offset lie within a record of this size? No sum may wrap. */
static bool lie_within(const uint32_t *offsets, size_t n, uint32_t record_bytes)
{
    for (size_t i = 0; i < n; i++)
        if (offsets[i] > record_bytes || record_bytes - offsets[i] < 8)
            return false;
    return true;
}

static bool fields_fit(const struct ash_anchor *anchor)
{
    const uint32_t in_meta[] = {anchor->meta_owner,   anchor->meta_kind,   anchor->meta_bsize,
                                anchor->meta_attn,    anchor->meta_attn0,  anchor->meta_out,
                                anchor->meta_state,   anchor->meta_carved, anchor->meta_xfree,
                                anchor->meta_n_slices};
    const uint32_t in_heap[] = {anchor->heap_next, anchor->heap_kind,   anchor->heap_inbox,
                                anchor->heap_tls,  anchor->heap_handed, anchor->heap_remote};
    const uint32_t in_group[] = {anchor->group_free, anchor->group_span};
    const uint32_t in_region[] = {anchor->region_next, anchor->region_base,
                                  anchor->region_open_end};
    return anchor->meta_bytes <= 4096 && anchor->group_bytes <= 4096 &&
           anchor->heap_bytes <= 65536 &&
           lie_within(in_meta, ASH_COUNT_OF(in_meta), anchor->meta_bytes) &&
           lie_within(in_heap, ASH_COUNT_OF(in_heap), anchor->heap_bytes) &&
           lie_within(in_group, ASH_COUNT_OF(in_group), anchor->group_bytes) &&
           lie_within(in_region, ASH_COUNT_OF(in_region), 4096) && anchor->tls_bins <= 65536 &&
           anchor->bin_count <= ASH_ANCHOR_BINS_MAX &&
           anchor->page_bytes_max <= (uint64_t)1 << anchor->region_shift;
}

void ash_anchor_clean_text(char *text, size_t n)
{
    text[n - 1] = 0;
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

enum ash_anchor_fault ash_anchor_judge(const void *read, size_t n, uint64_t addr,
                                       struct ash_anchor *ret_anchor)
{
    struct ash_anchor anchor;
    if (n < offsetof(struct ash_anchor, options))
        return ASH_ANCHOR_NONE;
    memset(&anchor, 0, sizeof(anchor));
    memcpy(&anchor, read, ash_size_min(n, sizeof(anchor)));
    if (memcmp(anchor.magic, ASH_ANCHOR_MAGIC, sizeof(anchor.magic)) != 0 || anchor.self != addr)
        return ASH_ANCHOR_NONE;
    bool other = anchor.layout != ASH_ANCHOR_LAYOUT;
    if (!other && (n < sizeof(anchor) || anchor.bytes < sizeof(anchor) || !shifts_fit(&anchor) ||
                   !fields_fit(&anchor)))
        return ASH_ANCHOR_DAMAGED;
    ash_anchor_clean_text(anchor.version, sizeof(anchor.version));
    ash_anchor_clean_text(anchor.options, sizeof(anchor.options));
    *ret_anchor = anchor;
    return other ? ASH_ANCHOR_LAYOUT_OTHER : ASH_ANCHOR_GOOD;
}
