/* find.c: where an address lies; see find.h. */
#include "heap/find.h"
#include "heap/page.h"

static struct ash_meta *head_of(uintptr_t addr, struct ash_meta *meta, enum ash_kind kind)
{
    if (kind == ASH_KIND_INTERIOR)
        return (struct ash_meta *)meta->head;
    if (kind != ASH_KIND_NONE)
        return meta;
    /* acquire; pairs with the release in cover (large.c) */
    uint32_t span = atomic_load_explicit(&ash_group_of(addr)->span, memory_order_acquire);
    return span ? (struct ash_meta *)(addr & ~(ASH_REGION_BYTES - 1)) + span : NULL;
}

static enum ash_kind kind_of(const struct ash_meta *meta)
{
    /* acquire; pairs with the release that published the page or object (S9) */
    return (enum ash_kind)atomic_load_explicit(&meta->kind, memory_order_acquire);
}

static struct ash_found found_in_object(struct ash_meta *head, uintptr_t addr)
{
    struct ash_found found = {ASH_PLACE_RELEASED, head, head->start, 0};
    size_t bytes =
        kind_of(head) == ASH_KIND_HUGE ? head->head : ash_meta_slices(head) * ASH_SLICE_BYTES;
    if (addr >= head->start && addr < head->start + bytes)
        found.place = addr == head->start ? ASH_PLACE_BLOCK : ASH_PLACE_INSIDE;
    return found;
}

static struct ash_found found_in_page(struct ash_meta *page, uintptr_t addr)
{
    struct ash_found found = {ASH_PLACE_RELEASED, page, 0, ash_page_index(page, addr)};
    if (found.index >= ash_meta_carved(page)) /* never handed out */
        return (struct ash_found){ASH_PLACE_FOREIGN, page, 0, 0};
    found.block = page->start + (uintptr_t)found.index * ash_meta_bsize(page);
    found.place = found.block == addr ? ASH_PLACE_BLOCK : ASH_PLACE_INSIDE;
    return found;
}

struct ash_found ash_page_find(uintptr_t addr)
{
    struct ash_found none = {ASH_PLACE_FOREIGN, NULL, 0, 0};
    enum ash_window window = ash_window_of(addr);
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    if (window == ASH_WINDOW_GONE)
        return (struct ash_found){ASH_PLACE_RELEASED, NULL, 0, 0};
    if (window == ASH_WINDOW_NONE)
        return none;
    while (window == ASH_WINDOW_HUGE_CONT) {
        base -= ASH_REGION_BYTES;
        window = ash_window_of(base);
    }
    if (window == ASH_WINDOW_HUGE) {
        struct ash_meta *first = (struct ash_meta *)base;
        for (unsigned i = ASH_FIRST_SLICE; i < ASH_REGION_SLICES; i *= 2)
            if (kind_of(first + i) == ASH_KIND_HUGE)
                return found_in_object(first + i, addr);
        return none;
    }
    if (addr - base < ASH_REGION_BYTES / 8) /* S2 */
        return none;
    struct ash_meta *meta = ash_meta_of(addr);
    enum ash_kind kind = kind_of(meta);
    struct ash_meta *head = head_of(addr, meta, kind);
    if (!head || kind_of(head) == ASH_KIND_NONE) {
        if (atomic_load_explicit(&meta->owner, memory_order_relaxed) == ASH_TAG_RELEASED)
            return (struct ash_found){ASH_PLACE_RELEASED, meta, 0, 0};
        return none;
    }
    return kind_of(head) == ASH_KIND_LARGE ? found_in_object(head, addr)
                                           : found_in_page(head, addr);
}
