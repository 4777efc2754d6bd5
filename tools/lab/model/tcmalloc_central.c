/* tcmalloc_central.c: size classes, and the central list of each; see tcmalloc.h. */
#include "lab/model/tcmalloc.h"

#define SMALL_MAX ((size_t)1024) /* classes are looked up by 8 bytes up to here, then by 128 */
#define BATCH_BYTES ((size_t)65536)
#define BATCH_MAX ((size_t)32)

/* --- classes --- */

static size_t step_after(size_t size)
{
    if (size < 128)
        return 16;
    return ash_size_min((size_t)1 << (63 - __builtin_clzll(size)) >> 3, ASH_TCM_PAGE);
}

static unsigned batch_of(size_t size)
{
    return (unsigned)ash_size_min(ash_size_max(BATCH_BYTES / size, 2), BATCH_MAX);
}

static size_t pages_for(size_t size)
{
    size_t bytes = 0;
    do {
        bytes += ASH_TCM_PAGE;
        while (bytes % size > bytes / 8)
            bytes += ASH_TCM_PAGE;
    } while (bytes / size < batch_of(size) / 4);
    return bytes / ASH_TCM_PAGE;
}

static size_t lookup_index(size_t size)
{
    return size <= SMALL_MAX ? (size + 7) / 8 : (size + 127 + (120 << 7)) / 128;
}

void ash_tcm_classes_init(struct ash_tcm *tcm)
{
    unsigned n = 1;
    for (size_t size = 16; size <= ASH_TCM_SIZE_MAX; size += step_after(size)) {
        size_t pages = pages_for(size);
        struct ash_tcm_class *before = &tcm->classes[n - 1];
        if (n > 1 && pages == before->pages &&
            pages * ASH_TCM_PAGE / size == pages * ASH_TCM_PAGE / before->size) {
            before->size = size; /* as many objects in a span: one class */
            before->batch = batch_of(size);
            continue;
        }
        tcm->classes[n++] = (struct ash_tcm_class){size, pages, batch_of(size)};
    }
    tcm->n_classes = n;
    size_t size = 0;
    for (unsigned c = 1; c < n; c++)
        for (; size <= tcm->classes[c].size; size += size < SMALL_MAX ? 8 : 128)
            tcm->class_of[lookup_index(size)] = (uint8_t)c;
    for (unsigned c = 1; c < n; c++) {
        struct ash_tcm_central *central = &tcm->central[c];
        size_t bytes = tcm->classes[c].size * tcm->classes[c].batch;
        ash_tcm_list_init(&central->empty);
        ash_tcm_list_init(&central->nonempty);
        central->slots_max = (unsigned)ash_size_min(
            ASH_TCM_SLOTS, ash_size_max(1, ((size_t)1 << 20) / bytes));
        central->n_slots = (unsigned)ash_size_min(16, central->slots_max);
    }
}

unsigned ash_tcm_class_of(const struct ash_tcm *tcm, size_t size)
{
    return tcm->class_of[lookup_index(size)];
}

/* --- objects and spans --- */

static void to_span(struct ash_tcm *tcm, unsigned size_class, uintptr_t object)
{
    struct ash_tcm_span *span = ash_tcm_span_of(&tcm->pages, object);
    ash_marks_set(&tcm->marks, object, ASH_MARK_NONE);
    if (!span->objects) {
        ash_tcm_list_remove(span);
        ash_tcm_list_push(&tcm->central[size_class].nonempty, span);
    }
    if (--span->refcount > 0) {
        *ash_tcm_next(object) = span->objects;
        span->objects = object;
        return;
    }
    ash_tcm_list_remove(span);
    ash_lab_lock(tcm->memory, &tcm->pages);
    ash_tcm_delete(&tcm->pages, span);
}

static void list_to_spans(struct ash_tcm *tcm, unsigned size_class, uintptr_t object)
{
    while (object) {
        uintptr_t next = *ash_tcm_next(object);
        to_span(tcm, size_class, object);
        object = next;
    }
}

static bool populate(struct ash_tcm *tcm, unsigned size_class)
{
    const struct ash_tcm_class *class = &tcm->classes[size_class];
    ash_lab_lock(tcm->memory, &tcm->pages);
    struct ash_tcm_span *span = ash_tcm_new(&tcm->pages, class->pages);
    if (!span)
        return false;
    ash_tcm_register(&tcm->pages, span, size_class);
    uintptr_t end = span->start + class->pages * ASH_TCM_PAGE;
    uintptr_t *tail = &span->objects;
    for (uintptr_t at = span->start; at + class->size <= end; at += class->size) {
        *tail = at;
        tail = ash_tcm_next(at);
    }
    *tail = 0;
    span->refcount = 0;
    ash_tcm_list_push(&tcm->central[size_class].nonempty, span);
    return true;
}

/* Puts up to n objects of one span in front of the list. */
static unsigned from_span(struct ash_tcm *tcm, unsigned size_class, uintptr_t *list, unsigned n)
{
    struct ash_tcm_central *central = &tcm->central[size_class];
    struct ash_tcm_span *span = central->nonempty.next;
    if (span == &central->nonempty)
        return 0;
    uintptr_t first = span->objects, last = 0, at = first;
    unsigned got = 0;
    for (; got < n && at; got++) {
        ash_marks_set(&tcm->marks, at, ASH_MARK_CACHED);
        last = at;
        at = *ash_tcm_next(at);
    }
    span->objects = at;
    span->refcount += got; /* TC3 */
    if (!at) {
        ash_tcm_list_remove(span);
        ash_tcm_list_push(&central->empty, span);
    }
    *ash_tcm_next(last) = *list;
    *list = first;
    return got;
}

/* --- transfer slots --- */

/* One slot fewer for this class, also a used one when forced. */
static bool shrink(struct ash_tcm *tcm, unsigned size_class, bool is_forced)
{
    struct ash_tcm_central *central = &tcm->central[size_class];
    if (size_class == 0 || central->n_slots == 0 ||
        (!is_forced && central->n_used == central->n_slots))
        return false;
    ash_lab_lock(tcm->memory, central);
    if (central->n_used == central->n_slots--)
        list_to_spans(tcm, size_class, central->slots[--central->n_used]);
    return true;
}

static bool evict(struct ash_tcm *tcm, unsigned size_class, bool is_forced)
{
    unsigned other = tcm->race++ % tcm->n_classes;
    return other != size_class && shrink(tcm, other, is_forced);
}

static bool has_slot(struct ash_tcm *tcm, unsigned size_class)
{
    struct ash_tcm_central *central = &tcm->central[size_class];
    if (central->n_used < central->n_slots)
        return true;
    if (central->n_slots == central->slots_max)
        return false;
    if (!evict(tcm, size_class, false) && !evict(tcm, size_class, true))
        return false;
    central->n_slots++;
    return true;
}

void ash_tcm_insert(struct ash_tcm *tcm, unsigned size_class, uintptr_t head, unsigned n)
{
    struct ash_tcm_central *central = &tcm->central[size_class];
    ash_lab_lock(tcm->memory, central);
    if (n == tcm->classes[size_class].batch && has_slot(tcm, size_class))
        central->slots[central->n_used++] = head;
    else
        list_to_spans(tcm, size_class, head);
}

unsigned ash_tcm_remove(struct ash_tcm *tcm, unsigned size_class, uintptr_t *ret_head, unsigned n)
{
    struct ash_tcm_central *central = &tcm->central[size_class];
    ash_lab_lock(tcm->memory, central);
    if (n == tcm->classes[size_class].batch && central->n_used > 0) {
        *ret_head = central->slots[--central->n_used];
        return n;
    }
    uintptr_t list = 0;
    unsigned got = from_span(tcm, size_class, &list, n);
    if (got == 0 && populate(tcm, size_class))
        got = from_span(tcm, size_class, &list, n);
    for (unsigned more = got; got > 0 && more > 0 && got < n; got += more)
        more = from_span(tcm, size_class, &list, n - got);
    *ret_head = list;
    return got;
}
