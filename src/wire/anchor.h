/* anchor.h: where everything lies in a process that runs on the library, for readers outside.
 *
 * The library holds one anchor in its data. A reader finds it by its magic and its own address in
 * it (no symbol table is needed: the file may be replaced, deleted, or linked statically), and
 * from it every page and counter by plain reads, without a lock and without running code in the
 * process. All offsets and strides are in the anchor, so a reader of another release understands
 * it as long as the layout number is the same; otherwise it says so.
 *
 * A1  Fields are only added at the end; what changes meaning changes ASH_ANCHOR_LAYOUT.
 * A2  A reader trusts nothing it read: offsets are checked against strides here, every loop is
 *     bounded by a constant here or by a budget of reads, texts are made printable.
 *
 * Threads   Written once at start; constant afterwards.
 */
#ifndef ASH_WIRE_ANCHOR_H
#define ASH_WIRE_ANCHOR_H

#include "base/base.h"

#define ASH_ANCHOR_MAGIC "\177ASHLAR-ANCHOR\n" /* 15 characters and the 0 */
#define ASH_ANCHOR_LAYOUT 1u
#define ASH_ANCHOR_REGIONS_MAX 65536u
#define ASH_ANCHOR_HEAPS_MAX 1048576u
#define ASH_ANCHOR_GROUPS_MAX 4096u
#define ASH_ANCHOR_BINS_MAX 256u

/* Counters that lie at an address of their own, 8 bytes each. */
#define ASH_ANCHOR_COUNTERS(X)                                                                     \
    X(live_slices)                                                                                 \
    X(dirty_slices)                                                                                \
    X(huge_bytes)                                                                                  \
    X(huge_groups)                                                                                 \
    X(purged_bytes)                                                                                \
    X(purge_count)                                                                                 \
    X(peak_bytes)                                                                                  \
    X(limit_bytes)                                                                                 \
    X(window_count)                                                                                \
    X(large_count)                                                                                 \
    X(large_bytes)                                                                                 \
    X(large_ever)                                                                                  \
    X(huge_count)                                                                                  \
    X(thread_count)                                                                                \
    X(misuse_count)                                                                                \
    X(fail_count)                                                                                  \
    X(fail_injected_count)

struct ash_anchor {
    char magic[16];
    uint64_t self; /* address of this anchor; 0 until it is filled */
    uint32_t layout;
    uint32_t bytes; /* sizeof of the library's struct */
    char version[16];
    char options[256]; /* ASHLAR= as it was at start, cut to fit */

    uint32_t region_shift, slice_shift, group_shift;
    uint32_t first_group;
    uint64_t regions; /* address of the pointer to the first region */
    uint32_t region_next, region_base, region_open_end;
    uint32_t groups_offset, group_bytes, group_free, group_span;
    uint32_t meta_bytes;
    uint32_t meta_owner, meta_kind, meta_bsize, meta_n_slices;
    uint32_t meta_attn, meta_attn0, meta_out, meta_carved, meta_state, meta_xfree;
    uint32_t kind_small, kind_medium, state_empty;

    uint64_t heaps; /* address of the pointer to the first heap */
    uint32_t heap_bytes;
    uint32_t heap_next, heap_kind, heap_inbox, heap_tls, heap_handed, heap_remote;
    uint32_t heap_kind_thread, heap_kind_starter;
    uint32_t inbox_orphan; /* bit of the inbox word */

    /* A thread's lists of free blocks: pages count them as handed out, but nobody has them. */
    uint32_t tls_bins; /* offset of the list heads; number 0 is none */
    uint32_t bin_count;
    uint64_t class_bytes;    /* address of bin_count sizes, 4 bytes each */
    uint64_t page_bytes_max; /* all blocks of one list lie within so many bytes */

#define X(name) uint64_t name;
    ASH_ANCHOR_COUNTERS(X) /* addresses */
#undef X
};

enum ash_anchor_fault {
    ASH_ANCHOR_GOOD,
    ASH_ANCHOR_NONE,         /* no anchor at this address */
    ASH_ANCHOR_LAYOUT_OTHER, /* an anchor of another layout; version can be read */
    ASH_ANCHOR_DAMAGED,      /* numbers that cannot be */
};

/* Judges n bytes read from address addr. GOOD and LAYOUT_OTHER fill *ret_anchor; texts in it end
 * and hold printable ASCII only. */
enum ash_anchor_fault ash_anchor_judge(const void *read, size_t n, uint64_t addr,
                                       struct ash_anchor *ret_anchor);
/* Ends a text of n bytes and replaces what is not printable ASCII by '?': texts of another
 * process must not steer a terminal. */
void ash_anchor_clean_text(char *text, size_t n);

#endif
