/* tcmalloc.c: a model of tcmalloc as in gperftools 2.10 (Ghemawat and Menage).
 *
 * Faithful: size classes and span lengths; thread caches with slow start, overages, scavenging by
 * low-water marks, and a common budget of 32 MiB handed out and stolen 64 KiB at a time; transfer
 * slots; central lists; the page heap with normal and returned spans, joined only among themselves;
 * growth by 128 pages; release at rate 1; release of all before a growth past 128 MiB; memalign.
 * Sizes are the real library's: the test compares.
 * Left out: sampling, emergency malloc, memfs, heap limit, aggressive decommit; locks are counted.
 * Different: no class of 8 bytes, since every block here is 16-aligned; long free spans are found
 * by a tree aside instead of a std::set of the metadata; after refused growth there is no mmap.
 * google/tcmalloc is another design. Parameters: release_rate=1 (0: never), cache_bytes=32m.
 *
 * Invariants: model/tcmalloc.h.
 */
#include "lab/model/tcmalloc.h"
#include "lab/store.h"
#include <string.h>

#define CACHE_BYTES ((size_t)32 << 20)
#define CACHE_LEAST ((int64_t)ASH_TCM_SIZE_MAX * 2)
#define STEAL_BYTES ((int64_t)65536)
#define OVERAGES_MAX 3
#define LIST_MAX 8192
#define SIZE_MOST ((size_t)1 << 46)

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct ash_tcm *tcm = self;
    tcm->memory = memory;
    tcm->unclaimed = (int64_t)ash_store_number(memory, "cache_bytes", CACHE_BYTES);
    tcm->pages.release_rate = ash_store_number(memory, "release_rate", 1);
    ash_tcm_classes_init(tcm);
    return ash_tcm_pages_open(&tcm->pages, memory) && ash_marks_open(&tcm->marks, memory);
}

/* --- the budget of caches --- */

static void raise_limit(struct ash_tcm *tcm, struct ash_tcm_cache *cache)
{
    ash_lab_lock(tcm->memory, &tcm->pages);
    if (tcm->unclaimed > 0) {
        tcm->unclaimed -= STEAL_BYTES;
        cache->size_max += STEAL_BYTES;
        return;
    }
    for (unsigned i = 0; i < 10; i++) {
        struct ash_tcm_cache *victim = tcm->steal_next ? tcm->steal_next : tcm->caches;
        if (!victim)
            return;
        tcm->steal_next = victim->next;
        if (victim == cache || victim->size_max <= CACHE_LEAST)
            continue;
        victim->size_max -= STEAL_BYTES;
        cache->size_max += STEAL_BYTES;
        return;
    }
}

static struct ash_tcm_cache *cache_of(struct ash_tcm *tcm)
{
    void **slot = ash_lab_slot(tcm->memory);
    struct ash_tcm_cache *cache = *slot;
    if (cache)
        return cache;
    cache = tcm->unused;
    if (cache)
        tcm->unused = cache->next;
    else
        cache = ash_tcm_meta(&tcm->pages, sizeof *cache);
    if (!cache)
        return NULL;
    memset(cache, 0, sizeof *cache);
    raise_limit(tcm, cache);
    if (cache->size_max == 0) {
        cache->size_max = CACHE_LEAST;
        tcm->unclaimed -= CACHE_LEAST;
    }
    for (unsigned c = 0; c < ASH_TCM_CLASSES; c++)
        cache->lists[c].max = 1;
    cache->next = tcm->caches;
    if (tcm->caches)
        tcm->caches->prev = cache;
    tcm->caches = cache;
    *slot = cache;
    return cache;
}

/* --- lists of a cache --- */

static void push(struct ash_tcm *tcm, struct ash_tcm_list *list, uintptr_t object)
{
    ash_marks_set(&tcm->marks, object, ASH_MARK_CACHED);
    *ash_tcm_next(object) = list->head;
    list->head = object;
    list->length++;
}

/* Takes the first n off, as a list of their own. */
static uintptr_t pop_range(struct ash_tcm_list *list, unsigned n)
{
    uintptr_t head = list->head, last = head;
    for (unsigned i = 1; i < n; i++)
        last = *ash_tcm_next(last);
    list->head = *ash_tcm_next(last);
    *ash_tcm_next(last) = 0;
    list->length -= n;
    if (list->length < list->low)
        list->low = list->length;
    return head;
}

static void give_back(struct ash_tcm *tcm, struct ash_tcm_cache *cache, unsigned c, unsigned n)
{
    struct ash_tcm_list *list = &cache->lists[c];
    unsigned batch = tcm->classes[c].batch;
    if (n > list->length)
        n = list->length;
    cache->size -= (int64_t)(n * tcm->classes[c].size);
    for (; n > batch; n -= batch)
        ash_tcm_insert(tcm, c, pop_range(list, batch), batch);
    if (n)
        ash_tcm_insert(tcm, c, pop_range(list, n), n);
}

/* What was not needed since the last time: half of it goes. */
static void scavenge(struct ash_tcm *tcm, struct ash_tcm_cache *cache)
{
    for (unsigned c = 1; c < tcm->n_classes; c++) {
        struct ash_tcm_list *list = &cache->lists[c];
        unsigned batch = tcm->classes[c].batch;
        if (list->low > 0) {
            give_back(tcm, cache, c, list->low > 1 ? list->low / 2 : 1);
            if (list->max > batch)
                list->max = list->max - batch > batch ? list->max - batch : batch;
        }
        list->low = list->length;
    }
    raise_limit(tcm, cache);
}

static void list_too_long(struct ash_tcm *tcm, struct ash_tcm_cache *cache, unsigned c)
{
    struct ash_tcm_list *list = &cache->lists[c];
    unsigned batch = tcm->classes[c].batch;
    give_back(tcm, cache, c, batch);
    if (list->max < batch) {
        list->max++;
    } else if (list->max > batch && ++list->n_over > OVERAGES_MAX) {
        list->max -= batch;
        list->n_over = 0;
    }
}

static uintptr_t fetch(struct ash_tcm *tcm, struct ash_tcm_cache *cache, unsigned c)
{
    struct ash_tcm_list *list = &cache->lists[c];
    unsigned batch = tcm->classes[c].batch;
    uintptr_t head = 0;
    unsigned n = ash_tcm_remove(tcm, c, &head, list->max < batch ? list->max : batch);
    if (n == 0)
        return 0;
    cache->size += (int64_t)((n - 1) * tcm->classes[c].size);
    list->head = *ash_tcm_next(head);
    list->length = n - 1;
    if (list->max < batch) {
        list->max++;
    } else {
        unsigned more = list->max + batch < LIST_MAX ? list->max + batch : LIST_MAX;
        list->max = more - more % batch;
    }
    return head;
}

/* --- the family --- */

static void *alloc_small(struct ash_tcm *tcm, unsigned c)
{
    struct ash_tcm_cache *cache = cache_of(tcm);
    if (!cache)
        return NULL;
    struct ash_tcm_list *list = &cache->lists[c];
    uintptr_t object = list->head;
    if (object) {
        pop_range(list, 1);
        cache->size -= (int64_t)tcm->classes[c].size;
    } else {
        object = fetch(tcm, cache, c);
    }
    if (object)
        ash_marks_set(&tcm->marks, object, ASH_MARK_LIVE);
    return (void *)object;
}

static void *alloc_pages(struct ash_tcm *tcm, size_t size, size_t align)
{
    struct ash_tcm_pages *pages = &tcm->pages;
    size_t n = (size + ASH_TCM_PAGE - 1) / ASH_TCM_PAGE;
    size_t front = align > ASH_TCM_PAGE ? align / ASH_TCM_PAGE : 0;
    ash_lab_lock(tcm->memory, pages);
    struct ash_tcm_span *span = ash_tcm_new(pages, n + front);
    if (!span || !front)
        return span ? (void *)span->start : NULL;
    size_t skip = (ash_align_up(span->start, align) - span->start) / ASH_TCM_PAGE;
    struct ash_tcm_span *rest = span;
    if (skip) {
        rest = ash_tcm_split(pages, span, skip);
        ash_tcm_delete(pages, span);
    }
    if (rest && rest->length > n) {
        struct ash_tcm_span *behind = ash_tcm_split(pages, rest, n);
        if (behind)
            ash_tcm_delete(pages, behind);
    }
    return rest ? (void *)rest->start : NULL;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct ash_tcm *tcm = self;
    if (size > SIZE_MOST || align > SIZE_MOST)
        return NULL;
    size = ash_size_max(size, 1);
    if (size > ASH_TCM_SIZE_MAX || align > ASH_TCM_PAGE)
        return alloc_pages(tcm, size, align);
    unsigned c = ash_tcm_class_of(tcm, size);
    while (c < tcm->n_classes && tcm->classes[c].size % align)
        c++;
    return c < tcm->n_classes ? alloc_small(tcm, c) : alloc_pages(tcm, size, align);
}

static void free_block(void *self, void *block)
{
    struct ash_tcm *tcm = self;
    uintptr_t object = (uintptr_t)block;
    struct ash_tcm_span *span = ash_tcm_span_of(&tcm->pages, object);
    unsigned c = span->size_class;
    if (c == 0) {
        ash_lab_lock(tcm->memory, &tcm->pages);
        ash_tcm_delete(&tcm->pages, span);
        return;
    }
    struct ash_tcm_cache *cache = *ash_lab_slot(tcm->memory);
    if (!cache) { /* a thread that frees only has no cache */
        *ash_tcm_next(object) = 0;
        ash_marks_set(&tcm->marks, object, ASH_MARK_CACHED);
        ash_tcm_insert(tcm, c, object, 1);
        return;
    }
    push(tcm, &cache->lists[c], object);
    cache->size += (int64_t)tcm->classes[c].size;
    if (cache->lists[c].length > cache->lists[c].max)
        list_too_long(tcm, cache, c);
    if (cache->size > cache->size_max)
        scavenge(tcm, cache);
}

static size_t usable(void *self, void *block)
{
    struct ash_tcm *tcm = self;
    const struct ash_tcm_span *span = ash_tcm_span_of(&tcm->pages, (uintptr_t)block);
    return span->size_class ? tcm->classes[span->size_class].size : span->length * ASH_TCM_PAGE;
}

/* realloc moves when it grows, then by a quarter at least, or when half would be unused. */
static void *resize(void *self, void *block, size_t size)
{
    size_t old = usable(self, block);
    if (size <= old && size >= old / 2)
        return block;
    if (size > SIZE_MOST)
        return NULL;
    size_t more = old + old / 4;
    void *moved = size > old && size < more ? alloc(self, more, 16) : NULL;
    if (!moved)
        moved = alloc(self, size, 16);
    if (!moved)
        return NULL;
    memcpy(moved, block, ash_size_min(old, size));
    free_block(self, block);
    return moved;
}

static void thread_event(void *self, enum ash_lab_event event)
{
    struct ash_tcm *tcm = self;
    void **slot = ash_lab_slot(tcm->memory);
    struct ash_tcm_cache *cache = *slot;
    if (event != ASH_LAB_WENT || !cache)
        return;
    for (unsigned c = 1; c < tcm->n_classes; c++)
        give_back(tcm, cache, c, cache->lists[c].length);
    *(cache->prev ? &cache->prev->next : &tcm->caches) = cache->next;
    if (cache->next)
        cache->next->prev = cache->prev;
    if (tcm->steal_next == cache)
        tcm->steal_next = cache->next;
    tcm->unclaimed += cache->size_max;
    cache->next = tcm->unused;
    tcm->unused = cache;
    *slot = NULL;
}

const struct ash_lab_strategy ash_lab_tcmalloc = {
    .name = "tcmalloc",
    .about = "A model of tcmalloc in gperftools 2.10 (Ghemawat and Menage)",
    .flags = ASH_LAB_THREADS | ASH_LAB_MODEL,
    .state_size = sizeof(struct ash_tcm),
    .open = open,
    .alloc = alloc,
    .free = free_block,
    .usable = usable,
    .each = ash_tcm_each,
    .check = ash_tcm_check,
    .thread = thread_event,
    .resize = resize,
};
