/* tcmalloc_walk.c: what lies where in all spans, and whether it is right; see tcmalloc.h. */
#include "lab/model/tcmalloc.h"

static uintptr_t end_of(const struct ash_tcm_span *span)
{
    return span->start + span->length * ASH_TCM_PAGE;
}

static bool show_span(const struct ash_tcm *tcm, const struct ash_tcm_span *span,
                      ash_lab_visit *visit, void *arg)
{
    size_t bytes = span->length * ASH_TCM_PAGE;
    if (span->place != ASH_TCM_IN_USE)
        return visit(arg, span->start, bytes, ASH_LAB_FREE);
    if (span->size_class == 0)
        return visit(arg, span->start, bytes, ASH_LAB_BLOCK);
    size_t size = tcm->classes[span->size_class].size;
    uintptr_t at = span->start;
    for (; at + size <= end_of(span); at += size)
        if (!visit(arg, at, size, ash_marks_kind(&tcm->marks, at)))
            return false;
    return at == end_of(span) || visit(arg, at, end_of(span) - at, ASH_LAB_FREE);
}

/* All spans by address; f returns false to stop. */
typedef bool each_span(const struct ash_tcm *tcm, const struct ash_tcm_span *span, void *arg);

static bool all_spans(const struct ash_tcm *tcm, each_span *f, void *arg)
{
    const struct ash_tcm_pages *pages = &tcm->pages;
    uintptr_t end = pages->base + pages->system_bytes;
    for (uintptr_t at = pages->base; at < end;) {
        const struct ash_tcm_span *span = ash_tcm_span_of(pages, at);
        if (!span || span->start != at || span->length == 0 || !f(tcm, span, arg))
            return false;
        at = end_of(span);
    }
    return true;
}

struct visitor {
    ash_lab_visit *visit;
    void *arg;
};

static bool show(const struct ash_tcm *tcm, const struct ash_tcm_span *span, void *arg)
{
    struct visitor *visitor = arg;
    return show_span(tcm, span, visitor->visit, visitor->arg);
}

void ash_tcm_each(void *self, ash_lab_visit *visit, void *arg)
{
    struct ash_tcm *tcm = self;
    struct visitor visitor = {visit, arg};
    if (!all_spans(tcm, show, &visitor))
        return;
    for (unsigned i = 0; i < tcm->pages.n_pieces; i++) {
        uintptr_t start = tcm->pages.pieces[i].start, used = tcm->pages.pieces[i].used;
        uintptr_t end = tcm->pages.pieces[i].end;
        if (!visit(arg, start, used - start, ASH_LAB_META) ||
            (used < end && !visit(arg, used, end - used, ASH_LAB_FRESH)))
            return;
    }
}

struct tally {
    size_t n_cached, free_bytes, unmapped_bytes;
};

static bool check_span(const struct ash_tcm *tcm, const struct ash_tcm_span *span, void *arg)
{
    struct tally *tally = arg;
    size_t bytes = span->length * ASH_TCM_PAGE;
    if (ash_tcm_span_of(&tcm->pages, end_of(span) - ASH_TCM_PAGE) != span) /* TC1 */
        return false;
    tally->free_bytes += span->place == ASH_TCM_NORMAL ? bytes : 0;
    tally->unmapped_bytes += span->place == ASH_TCM_RETURNED ? bytes : 0;
    if (span->place != ASH_TCM_IN_USE || span->size_class == 0)
        return true;
    size_t size = tcm->classes[span->size_class].size, n = 0;
    for (uintptr_t at = span->start; at + size <= end_of(span); at += size) {
        enum ash_mark mark = ash_marks_get(&tcm->marks, at);
        n += mark != ASH_MARK_NONE;
        tally->n_cached += mark == ASH_MARK_CACHED;
    }
    size_t n_free = 0;
    for (uintptr_t at = span->objects; at && n_free <= bytes / size; at = *ash_tcm_next(at))
        n_free++;
    return n == span->refcount && n + n_free == bytes / size; /* TC3 */
}

static size_t length_of(uintptr_t object)
{
    size_t n = 0;
    for (; object; object = *ash_tcm_next(object))
        n++;
    return n;
}

bool ash_tcm_check(void *self)
{
    struct ash_tcm *tcm = self;
    struct tally tally = {0};
    size_t n = 0;
    if (!all_spans(tcm, check_span, &tally))
        return false;
    for (unsigned c = 1; c < tcm->n_classes; c++)
        for (unsigned i = 0; i < tcm->central[c].n_used; i++)
            n += length_of(tcm->central[c].slots[i]);
    for (struct ash_tcm_cache *cache = tcm->caches; cache; cache = cache->next) {
        size_t bytes = 0;
        for (unsigned c = 1; c < tcm->n_classes; c++) {
            const struct ash_tcm_list *list = &cache->lists[c];
            if (length_of(list->head) != list->length)
                return false;
            n += list->length;
            bytes += list->length * tcm->classes[c].size;
        }
        if (bytes != (size_t)cache->size)
            return false;
    }
    return n == tally.n_cached && tally.free_bytes == tcm->pages.free_bytes &&
           tally.unmapped_bytes == tcm->pages.unmapped_bytes; /* TC2 */
}
