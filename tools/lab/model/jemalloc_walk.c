/* jemalloc_walk.c: what lies where in all extents, and whether it is right; see jemalloc.h. */
#include "lab/model/jemalloc.h"

static bool show_slab(const struct ash_je *je, const struct ash_je_extent *slab,
                      ash_lab_visit *visit, void *arg)
{
    size_t size = je->sizes[slab->size_class];
    for (uintptr_t at = slab->start; at < slab->start + slab->size; at += size)
        if (!visit(arg, at, size, ash_marks_kind(&je->marks, at)))
            return false;
    return true;
}

static bool show_large(const struct ash_je *je, const struct ash_je_extent *extent,
                       ash_lab_visit *visit, void *arg)
{
    size_t size = je->sizes[extent->size_class];
    uintptr_t end = extent->start + extent->size, behind = extent->block + size;
    if (ash_marks_get(&je->marks, extent->block) != ASH_MARK_LIVE)
        return visit(arg, extent->start, extent->size, ASH_LAB_CACHED);
    return (extent->block == extent->start ||
            visit(arg, extent->start, extent->block - extent->start, ASH_LAB_HEADER)) &&
           visit(arg, extent->block, size, ASH_LAB_BLOCK) &&
           (behind == end || visit(arg, behind, end - behind, ASH_LAB_HEADER));
}

static bool show_extents(const struct ash_je *je, const struct ash_je_mapping *mapping,
                         ash_lab_visit *visit, void *arg)
{
    uintptr_t end = mapping->start + mapping->size;
    for (uintptr_t at = mapping->start; at < end;) {
        const struct ash_je_extent *extent = ash_je_extent_of(je, at);
        bool goes_on = extent->state != ASH_JE_ACTIVE ? visit(arg, at, extent->size, ASH_LAB_FREE)
                       : extent->is_slab              ? show_slab(je, extent, visit, arg)
                                                      : show_large(je, extent, visit, arg);
        if (!goes_on)
            return false;
        at += extent->size;
    }
    return true;
}

void ash_je_each(void *self, ash_lab_visit *visit, void *arg)
{
    struct ash_je *je = self;
    for (const struct ash_je_mapping *mapping = je->mappings; mapping; mapping = mapping->next) {
        bool goes_on = mapping->is_meta ? visit(arg, mapping->start, mapping->size, ASH_LAB_META)
                                        : show_extents(je, mapping, visit, arg);
        if (!goes_on)
            return;
    }
}

/* --- check --- */

struct tally {
    size_t n_dirty, n_retained, n_cached;
};

static bool check_slab(const struct ash_je *je, const struct ash_je_extent *slab,
                       struct tally *tally)
{
    size_t size = je->sizes[slab->size_class], n_free = 0, i = 0;
    for (uintptr_t at = slab->start; at < slab->start + slab->size; at += size, i++) {
        bool is_free = slab->bits[i / 64] >> i % 64 & 1;
        enum ash_mark mark = ash_marks_get(&je->marks, at);
        if (is_free != (mark == ASH_MARK_NONE))
            return false;
        n_free += is_free;
        tally->n_cached += mark == ASH_MARK_CACHED;
    }
    const struct ash_je_bin *bin = &slab->arena->bins[slab->size_class];
    if (n_free != slab->n_free || i != je->n_regions[slab->size_class]) /* JE3 */
        return false;
    return n_free < i || bin->current == slab; /* JE4 */
}

static bool check_extents(const struct ash_je *je, const struct ash_je_mapping *mapping,
                          struct tally *tally)
{
    uintptr_t end = mapping->start + mapping->size;
    for (uintptr_t at = mapping->start; at < end;) {
        const struct ash_je_extent *extent = ash_je_extent_of(je, at);
        if (!extent || extent->start != at || extent->size == 0 || extent->size > end - at ||
            ash_je_extent_of(je, at + extent->size - ASH_JE_PAGE) != extent) /* JE1 */
            return false;
        size_t n_pages = extent->size / ASH_JE_PAGE;
        tally->n_dirty += extent->state == ASH_JE_DIRTY ? n_pages : 0;
        tally->n_retained += extent->state == ASH_JE_RETAINED ? n_pages : 0;
        if (extent->state == ASH_JE_ACTIVE && extent->is_slab && !check_slab(je, extent, tally))
            return false;
        if (extent->state == ASH_JE_ACTIVE && !extent->is_slab)
            tally->n_cached += ash_marks_get(&je->marks, extent->block) == ASH_MARK_CACHED;
        at += extent->size;
    }
    return true;
}

/* JE2: the list by last use holds what n_pages says. */
static bool check_set(const struct ash_je_set *set, size_t *n)
{
    size_t n_pages = 0;
    for (const struct ash_je_extent *x = set->oldest; x; x = x->younger) {
        if (x->state != set->state || (x->younger ? x->younger->older : set->youngest) != x)
            return false;
        n_pages += x->size / ASH_JE_PAGE;
    }
    *n -= n_pages;
    return n_pages == set->n_pages;
}

bool ash_je_check(void *self)
{
    struct ash_je *je = self;
    struct tally tally = {0};
    for (const struct ash_je_mapping *mapping = je->mappings; mapping; mapping = mapping->next)
        if (!mapping->is_meta && !check_extents(je, mapping, &tally))
            return false;
    for (unsigned i = 0; i <= ASH_JE_ARENAS_MAX; i++)
        if (je->arenas[i] && (!check_set(&je->arenas[i]->dirty, &tally.n_dirty) ||
                              !check_set(&je->arenas[i]->retained, &tally.n_retained)))
            return false;
    for (const struct ash_je_cache *cache = je->caches; cache; cache = cache->next)
        for (unsigned c = 1; c < ASH_JE_N_CACHED; c++)
            tally.n_cached -= cache->stacks[c].n;
    return tally.n_dirty == 0 && tally.n_retained == 0 && tally.n_cached == 0;
}
