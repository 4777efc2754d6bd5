/* anchor.c: telling outsiders where everything lies; see wire/anchor.h. */
#include "api/anchor.h"
#include "wire/anchor.h"
#include "ashlar.h"
#include "heap/heap.h"
#include <string.h>

/* tidy: macro: offsetof and the cast, thirty times. */
#define FIELD(type, name) (uint32_t) offsetof(struct type, name)

/* In data and not in bss: a reader looks through file mappings. Addresses are filled in at start:
 * here each were a relocation of 24 bytes, in pages that the loader reads. */
struct ash_anchor ashlar_anchor __attribute__((used, aligned(64))) = {
    .magic = ASH_ANCHOR_MAGIC,
    .layout = ASH_ANCHOR_LAYOUT,
    .bytes = sizeof(struct ash_anchor),
    .version = ASHLAR_VERSION,
    .region_shift = ASH_REGION_SHIFT,
    .slice_shift = ASH_SLICE_SHIFT,
    .group_shift = ASH_GROUP_SHIFT,
    .first_group = ASH_FIRST_GROUP,
    .region_next = FIELD(ash_region, next),
    .region_base = FIELD(ash_region, base),
    .region_open_end = FIELD(ash_region, open_end),
    .groups_offset = (uint32_t)ASH_GROUPS_OFFSET,
    .group_bytes = (uint32_t)sizeof(struct ash_group),
    .group_free = FIELD(ash_group, free),
    .group_span = FIELD(ash_group, span),
    .meta_bytes = ASH_META_BYTES,
    .meta_owner = FIELD(ash_meta, owner),
    .meta_kind = FIELD(ash_meta, kind),
    .meta_bsize = FIELD(ash_meta, bsize),
    .meta_n_slices = FIELD(ash_meta, n_slices),
    .meta_attn = FIELD(ash_meta, attn),
    .meta_attn0 = FIELD(ash_meta, attn0),
    .meta_out = FIELD(ash_meta, out),
    .meta_carved = FIELD(ash_meta, carved),
    .meta_state = FIELD(ash_meta, state),
    .meta_xfree = FIELD(ash_meta, xfree),
    .kind_small = ASH_KIND_SMALL,
    .kind_medium = ASH_KIND_MEDIUM,
    .state_empty = ASH_PAGE_EMPTY,
    .heap_bytes = (uint32_t)sizeof(struct ash_heap),
    .heap_next = FIELD(ash_heap, all_next),
    .heap_kind = FIELD(ash_heap, kind),
    .heap_inbox = FIELD(ash_heap, inbox),
    .heap_tls = FIELD(ash_heap, tls),
    .heap_handed = FIELD(ash_heap, handed_count),
    .heap_remote = FIELD(ash_heap, remote_count),
    .heap_kind_thread = ASH_HEAP_THREAD,
    .heap_kind_starter = ASH_HEAP_STARTER,
    .inbox_orphan = (uint32_t)ASH_INBOX_ORPHAN,
    .tls_bins = FIELD(ash_tls, bin),
    .bin_count = ASH_BIN_COUNT,
    .page_bytes_max = 8 * ASH_SLICE_BYTES, /* a page has one slice or eight (heap/class.h) */
};

static uint64_t at(const void *place)
{
    return (uint64_t)(uintptr_t)place;
}

static void fill_places(struct ash_anchor *to)
{
    to->regions = at(&ash_region_list);
    to->heaps = at(&ash_heap_registry);
    to->class_bytes = at(ash_class_bytes);
}

static void fill_counters(struct ash_anchor *to)
{
    to->live_slices = at(&ash_space_count.live);
    to->dirty_slices = at(&ash_space_count.dirty);
    to->huge_bytes = at(&ash_space_count.huge_bytes);
    to->huge_groups = at(&ash_space_count.huge_groups);
    to->purged_bytes = at(&ash_space_count.purged_bytes);
    to->purge_count = at(&ash_space_count.purge_count);
    to->peak_bytes = at(&ash_space_count.peak_bytes);
    to->limit_bytes = at(&ash_space_count.limit_bytes);
    to->window_count = at(&ash_space_count.window_count);
    to->large_count = at(&ash_large_count);
    to->large_bytes = at(&ash_large_bytes);
    to->large_ever = at(&ash_large_ever);
    to->huge_count = at(&ash_huge_count);
    to->thread_count = at(&ash_thread_count);
    to->misuse_count = at(&ash_misuse_count);
    to->fail_count = at(&ash_count_fails);
    to->fail_injected_count = at(&ash_os_fail_n);
}

void ash_anchor_start(const char *options)
{
    struct ash_anchor *to = &ashlar_anchor;
    if (options) {
        size_t n = strnlen(options, sizeof(to->options) - 1);
        memcpy(to->options, options, n);
    }
    fill_places(to);
    fill_counters(to);
    to->self = (uint64_t)(uintptr_t)to;
}
