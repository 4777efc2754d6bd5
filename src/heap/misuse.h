/* misuse.h: mistakes of the program: one line with a code and the facts, then abort.
 *
 * With ASHLAR=misuse=report, for roll-outs: each mistake is counted, reported once for each
 * place in the program, the block is leaked, and the program goes on.
 *
 * What is seen at the call: any pointer that is not the start of a block on every path but
 * the owner's plain free of a small block; there the owner's list is looked at when it is
 * taken (check_list): its first entry and its link always, all of it with ASHLAR=check=1. A
 * page with more frees than blocks is always seen.
 *
 * Threads   Any. Reporting allocates nothing and takes no lock.
 */
#ifndef ASH_HEAP_MISUSE_H
#define ASH_HEAP_MISUSE_H

#include "heap/find.h"
#include "heap/page.h"

enum ash_misuse {
    ASH_MISUSE_FREE,
    ASH_MISUSE_REALLOC,
    ASH_MISUSE_USABLE,
    ASH_MISUSE_SIZE,
    ASH_MISUSE_ALIGN,
};

/* p is no live block for this call; place says what it is instead. Returns only in report
 * mode. */
ASH_COLD void ash_misuse_report(enum ash_misuse what, const void *p, enum ash_place place);
/* The same for callers that go on, so that they return to the program and not this: site is
 * where they return to. */
ASH_COLD void ash_misuse_report_from(const void *site, enum ash_misuse what, const void *p,
                                     enum ash_place place);
/* A sized free with the wrong size or alignment. */
ASH_COLD void ash_misuse_report_size(enum ash_misuse what, const void *p, size_t stated);
/* A page counts more frees than it had blocks out: finds the block, reports, sets the
 * counts anew. */
ASH_COLD void ash_misuse_overfreed(struct ash_meta *page);
/* The slow half of check_list: walks the list, reports what does not belong there, and
 * leaves a sound list. */
ASH_COLD void ash_misuse_scrub(struct ash_meta *page);

enum ash_misuse_mode { ASH_MISUSE_ABORT, ASH_MISUSE_GO_ON };
extern enum ash_misuse_mode ash_misuse_mode; /* written at start */
extern unsigned ash_misuse_check_level;      /* written at start */
extern _Atomic uint64_t ash_misuse_count;

/* The link of a free block leads to another block of its page, or ends the list. */
ASH_INLINE bool ash_misuse_link_is_sound(const struct ash_meta *page, uintptr_t block)
{
    uintptr_t next = *(const uintptr_t *)block;
    return next == 0 ||
           (next != block && next - page->start < ash_meta_slices(page) * ASH_SLICE_BYTES);
}

/* A list is about to be handed out: does it look like a list of this page's blocks? */
ASH_INLINE void ash_misuse_check_list(struct ash_meta *page)
{
    uintptr_t first = (uintptr_t)page->lfree;
    unsigned i = ash_page_index(page, first);
    bool sound = page->start + (uintptr_t)i * ash_meta_bsize(page) == first &&
                 i < ash_meta_carved(page) && ash_misuse_link_is_sound(page, first);
    if (ASH_UNLIKELY(!sound || ash_misuse_check_level != 0))
        ash_misuse_scrub(page);
}

#endif
