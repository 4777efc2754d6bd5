/* tcmalloc_pages.c: the page heap: spans, their map, growth and release; see tcmalloc.h. */
#include "lab/model/tcmalloc.h"

#define PIECE_BYTES ((size_t)8 << 20)
#define RELEASE_DELAY 262144
#define RELEASE_DELAY_MAX 1048576
#define FORCED_BYTES ((size_t)128 << 20)

void ash_tcm_list_init(struct ash_tcm_span *sentinel)
{
    sentinel->next = sentinel->prev = sentinel;
}

void ash_tcm_list_push(struct ash_tcm_span *sentinel, struct ash_tcm_span *span)
{
    span->next = sentinel->next;
    span->prev = sentinel;
    sentinel->next->prev = span;
    sentinel->next = span;
}

void ash_tcm_list_remove(struct ash_tcm_span *span)
{
    span->prev->next = span->next;
    span->next->prev = span->prev;
    span->prev = span->next = NULL;
}

bool ash_tcm_pages_open(struct ash_tcm_pages *pages, struct ash_lab_memory *memory)
{
    pages->memory = memory;
    pages->base = (uintptr_t)ash_lab_extend(memory, 0);
    pages->release_i = ASH_TCM_PAGES_MAX;
    for (unsigned state = 0; state < 2; state++) {
        for (unsigned i = 0; i <= ASH_TCM_PAGES_MAX; i++)
            ash_tcm_list_init(&pages->lists[state][i]);
        if (!ash_tree_open(&pages->large[state], memory))
            return false;
    }
    return pages->base % ASH_TCM_PAGE == 0;
}

/* --- metadata and the map --- */

void *ash_tcm_meta(struct ash_tcm_pages *pages, size_t size)
{
    size = ash_align_up(size, 64);
    unsigned i = pages->n_pieces;
    if (i == 0 || pages->pieces[i - 1].end - pages->pieces[i - 1].used < size) {
        uintptr_t start =
            i < ASH_TCM_PIECES ? (uintptr_t)ash_lab_map(pages->memory, PIECE_BYTES, 0) : 0;
        if (!start)
            return NULL;
        pages->pieces[i].start = pages->pieces[i].used = start;
        pages->pieces[i].end = start + PIECE_BYTES;
        i = ++pages->n_pieces;
    }
    void *p = (void *)pages->pieces[i - 1].used;
    pages->pieces[i - 1].used += size;
    return p;
}

static struct ash_tcm_span **entry(const struct ash_tcm_pages *pages, uintptr_t at)
{
    size_t page = (at - pages->base) / ASH_TCM_PAGE;
    size_t leaf = page / ASH_TCM_LEAF_PAGES;
    if (leaf >= ASH_TCM_LEAVES || !pages->leaves[leaf])
        return NULL;
    return &pages->leaves[leaf][page % ASH_TCM_LEAF_PAGES];
}

struct ash_tcm_span *ash_tcm_span_of(const struct ash_tcm_pages *pages, uintptr_t at)
{
    struct ash_tcm_span **found = entry(pages, at);
    return found ? *found : NULL;
}

/* Makes the map have entries for a range. */
static bool ensure_map(struct ash_tcm_pages *pages, uintptr_t start, size_t n)
{
    size_t first = (start - pages->base) / ASH_TCM_PAGE / ASH_TCM_LEAF_PAGES;
    size_t last = ((start - pages->base) / ASH_TCM_PAGE + n - 1) / ASH_TCM_LEAF_PAGES;
    for (size_t i = first; i <= last; i++) {
        if (i >= ASH_TCM_LEAVES)
            return false;
        if (!pages->leaves[i])
            pages->leaves[i] = ash_tcm_meta(pages, ASH_TCM_LEAF_PAGES * sizeof(void *));
        if (!pages->leaves[i])
            return false;
    }
    return true;
}

static uintptr_t end_of(const struct ash_tcm_span *span)
{
    return span->start + span->length * ASH_TCM_PAGE;
}

/* TC1 */
static void record(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    *entry(pages, span->start) = span;
    *entry(pages, end_of(span) - ASH_TCM_PAGE) = span;
}

static struct ash_tcm_span *new_span(struct ash_tcm_pages *pages, uintptr_t start, size_t length)
{
    struct ash_tcm_span *span = pages->unused;
    if (span)
        pages->unused = span->next;
    else
        span = ash_tcm_meta(pages, sizeof *span);
    if (!span)
        return NULL;
    *span = (struct ash_tcm_span){.start = start, .length = length};
    record(pages, span);
    return span;
}

static void delete_span(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    span->next = pages->unused;
    pages->unused = span;
}

void ash_tcm_register(struct ash_tcm_pages *pages, struct ash_tcm_span *span, unsigned size_class)
{
    span->size_class = (uint8_t)size_class;
    for (size_t i = 0; i < span->length; i++)
        *entry(pages, span->start + i * ASH_TCM_PAGE) = span;
}

/* --- free spans --- */

static void add_free(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    unsigned state = span->place == ASH_TCM_RETURNED;
    *(state ? &pages->unmapped_bytes : &pages->free_bytes) += span->length * ASH_TCM_PAGE;
    if (span->length <= ASH_TCM_PAGES_MAX)
        ash_tcm_list_push(&pages->lists[state][span->length], span);
    else
        ash_tree_insert(&pages->large[state], span->start, span->length, span->start);
}

static void remove_free(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    unsigned state = span->place == ASH_TCM_RETURNED;
    *(state ? &pages->unmapped_bytes : &pages->free_bytes) -= span->length * ASH_TCM_PAGE;
    if (span->length <= ASH_TCM_PAGES_MAX) {
        ash_tcm_list_remove(span);
        return;
    }
    struct ash_tree *tree = &pages->large[state];
    ash_tree_remove(tree, ash_tree_of(tree, span->start));
}

/* TC2: joins with neighbours of the same state. */
static void merge(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    struct ash_tcm_span *prev = ash_tcm_span_of(pages, span->start - ASH_TCM_PAGE);
    if (prev && prev->place == span->place) {
        remove_free(pages, prev);
        span->start = prev->start;
        span->length += prev->length;
        delete_span(pages, prev);
    }
    struct ash_tcm_span *next = ash_tcm_span_of(pages, end_of(span));
    if (next && next->place == span->place) {
        remove_free(pages, next);
        span->length += next->length;
        delete_span(pages, next);
    }
    record(pages, span);
    add_free(pages, span);
}

static size_t release_span(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    size_t n = span->length;
    if (!ash_lab_purge(pages->memory, (void *)span->start, n * ASH_TCM_PAGE))
        return 0;
    remove_free(pages, span);
    span->place = ASH_TCM_RETURNED;
    merge(pages, span);
    return n;
}

/* The normal span whose turn it is in this list; NULL: none. */
static struct ash_tcm_span *turn_of(struct ash_tcm_pages *pages, unsigned i)
{
    if (i < ASH_TCM_PAGES_MAX) {
        struct ash_tcm_span *list = &pages->lists[0][i + 1];
        return list->prev == list ? NULL : list->prev;
    }
    uint32_t node = ash_tree_smallest(&pages->large[0], 0);
    return node ? ash_tcm_span_of(pages, ash_tree_node(&pages->large[0], node)->at) : NULL;
}

/* Round robin through the lists, until this many pages are released or nothing is left. */
static size_t release(struct ash_tcm_pages *pages, size_t n)
{
    size_t released = 0;
    while (released < n && pages->free_bytes > 0) {
        if (pages->release_i > ASH_TCM_PAGES_MAX)
            pages->release_i = 0;
        struct ash_tcm_span *span = turn_of(pages, pages->release_i++);
        size_t got = span ? release_span(pages, span) : 0;
        if (span && !got)
            break;
        released += got;
    }
    return released;
}

static void scavenge(struct ash_tcm_pages *pages, size_t n)
{
    pages->scavenge -= (int64_t)n;
    if (pages->scavenge >= 0)
        return;
    size_t released = pages->release_rate ? release(pages, 1) : 0;
    pages->scavenge = RELEASE_DELAY;
    if (released)
        pages->scavenge =
            (int64_t)ash_size_min(1000 * released / pages->release_rate, RELEASE_DELAY_MAX);
}

void ash_tcm_delete(struct ash_tcm_pages *pages, struct ash_tcm_span *span)
{
    size_t n = span->length;
    span->size_class = 0;
    span->place = ASH_TCM_NORMAL;
    merge(pages, span);
    scavenge(pages, n);
}

/* --- taking --- */

static struct ash_tcm_span *carve(struct ash_tcm_pages *pages, struct ash_tcm_span *span, size_t n)
{
    uint8_t place = span->place;
    if (span->length > n) {
        uintptr_t start = span->start + n * ASH_TCM_PAGE;
        /* Records only the ends of the rest; the taken part is recorded below. */
        struct ash_tcm_span *rest = new_span(pages, start, span->length - n);
        if (!rest)
            return NULL;
        remove_free(pages, span);
        rest->place = place;
        span->length = n;
        add_free(pages, rest);
    } else {
        remove_free(pages, span);
    }
    span->place = ASH_TCM_IN_USE;
    record(pages, span);
    return span;
}

static struct ash_tcm_span *take_large(struct ash_tcm_pages *pages, size_t n)
{
    const struct ash_tree_node *best = NULL;
    for (unsigned state = 0; state < 2; state++) {
        uint32_t i = ash_tree_smallest(&pages->large[state], n);
        const struct ash_tree_node *node = i ? ash_tree_node(&pages->large[state], i) : NULL;
        if (node &&
            (!best || node->size < best->size || (node->size == best->size && node->at < best->at)))
            best = node;
    }
    return best ? carve(pages, ash_tcm_span_of(pages, best->at), n) : NULL;
}

static struct ash_tcm_span *search(struct ash_tcm_pages *pages, size_t n)
{
    for (size_t i = n; i <= ASH_TCM_PAGES_MAX; i++) {
        ash_lab_step(pages->memory, 1);
        for (unsigned state = 0; state < 2; state++) {
            struct ash_tcm_span *list = &pages->lists[state][i];
            if (list->next != list)
                return carve(pages, list->next, n);
        }
    }
    return take_large(pages, n);
}

static bool grow(struct ash_tcm_pages *pages, size_t n)
{
    size_t ask = ash_size_max(n, ASH_TCM_GROW_PAGES);
    void *p = ash_lab_extend(pages->memory, (ptrdiff_t)(ask * ASH_TCM_PAGE));
    if (!p && n < ask) {
        ask = n;
        p = ash_lab_extend(pages->memory, (ptrdiff_t)(ask * ASH_TCM_PAGE));
    }
    if (!p)
        return false;
    struct ash_tcm_span *span =
        ensure_map(pages, (uintptr_t)p, ask) ? new_span(pages, (uintptr_t)p, ask) : NULL;
    if (!span) { /* the original keeps the memory, and never uses it */
        ash_lab_extend(pages->memory, -(ptrdiff_t)(ask * ASH_TCM_PAGE));
        return false;
    }
    pages->system_bytes += ask * ASH_TCM_PAGE;
    ash_tcm_delete(pages, span);
    return true;
}

struct ash_tcm_span *ash_tcm_new(struct ash_tcm_pages *pages, size_t n)
{
    struct ash_tcm_span *span = search(pages, n);
    if (span)
        return span;
    size_t idle = pages->free_bytes + pages->unmapped_bytes, system = pages->system_bytes;
    if (pages->free_bytes && pages->unmapped_bytes && idle >= system / 4 &&
        system / FORCED_BYTES != (system + n * ASH_TCM_PAGE) / FORCED_BYTES) {
        release(pages, SIZE_MAX); /* so that all free spans can be joined */
        span = search(pages, n);
    }
    if (!span && grow(pages, n))
        span = search(pages, n);
    return span;
}

struct ash_tcm_span *ash_tcm_split(struct ash_tcm_pages *pages, struct ash_tcm_span *span, size_t n)
{
    struct ash_tcm_span *rest = new_span(pages, span->start + n * ASH_TCM_PAGE, span->length - n);
    if (!rest)
        return NULL;
    span->length = n;
    record(pages, span);
    return rest;
}
