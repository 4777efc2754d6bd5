/* ptmalloc2.c: a model of the malloc of glibc 2.36: Lea's dlmalloc, Gloger's arenas, thread caches.
 *
 * Faithful, as far as placement and memory are concerned: chunks and their headers; thread caches
 * of 64 bins with 7 entries; fast bins up to 128 bytes; unsorted, small and large bins and the
 * order in which they are tried and filled; last remainder; top, growth by 128 KiB more than is
 * needed, trimming from 128 KiB on; mappings of single chunks, with thresholds that rise; arenas of
 * threads up to 8 per CPU in heaps of 64 MiB; memalign, realloc, the end of a thread. One thread
 * gets the addresses that glibc 2.36 gives, as long as no mapping has to grow: the test compares.
 * Left out: locks (counted only), security checks, pointer mangling, malloc_trim, huge pages.
 * Different: all 64 MiB of a heap are mapped at once (glibc reserves and opens them), so mapped
 * bytes are those of the address space; a mapped chunk grows by a copy, not by mremap; when brk is
 * refused there is no second try by mmap, and the main arena does not retry in another one.
 * Parameters, as glibc's tunables: mmap_threshold=, trim_threshold=, top_pad=, mmap_max=,
 * tcache_count=, mxfast=, arena_max=.
 *
 * Invariants and names: model/ptmalloc.h.
 */
#include "base/check.h"
#include "lab/model/ptmalloc.h"
#include "lab/store.h"
#include <string.h>

#define DEFAULT_BYTES ((size_t)128 << 10) /* mmap and trim threshold, pad of the top */
#define CONSOLIDATION_BYTES ((size_t)64 << 10)
#define N_UNSORTED_MAX 10000 /* looked at by one call */
#define SIZE_MOST ((size_t)1 << 46)

/* One call: who asks, where. */
struct call {
    struct ash_pt *pt;
    struct ash_pt_tcache *tcache; /* NULL: none */
    struct ash_pt_arena *arena;
};

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct ash_pt *pt = self;
    pt->memory = memory;
    pt->mmap_threshold = ash_store_number(memory, "mmap_threshold", DEFAULT_BYTES);
    pt->trim_threshold = ash_store_number(memory, "trim_threshold", DEFAULT_BYTES);
    pt->top_pad = ash_store_number(memory, "top_pad", DEFAULT_BYTES);
    /* As with mallopt: who sets one of these has it stay. */
    pt->is_dynamic = !*ash_lab_param(memory, "mmap_threshold", "") &&
                     !*ash_lab_param(memory, "trim_threshold", "") &&
                     !*ash_lab_param(memory, "top_pad", "");
    pt->n_mapped_max = ash_store_number(memory, "mmap_max", 65536);
    size_t mxfast = ash_store_number(memory, "mxfast", 120);
    pt->fast_max = mxfast ? ash_size_min(ash_align_down(mxfast + 8, 16), 176) : 0;
    pt->tcache_count = (unsigned)ash_size_min(ash_store_number(memory, "tcache_count", 7), 65535);
    pt->n_arenas_max =
        (unsigned)ash_store_number(memory, "arena_max", (size_t)8 * ash_lab_cpus(memory));
    pt->main.is_main = true;
    pt->main.next = &pt->main;
    ash_pt_bins_init(&pt->main);
    return pt->n_arenas_max > 0 && ash_tree_open(&pt->mapped, memory);
}

/* --- thread caches --- */

static unsigned tcache_of(size_t chunk)
{
    return chunk <= ASH_PT_TCACHE_MAX ? (unsigned)(chunk / 16 - 2) : ASH_PT_N_TCACHE;
}

static bool tcache_has_room(const struct call *call, size_t chunk)
{
    unsigned i = tcache_of(chunk);
    return call->tcache && i < ASH_PT_N_TCACHE && call->tcache->counts[i] < call->pt->tcache_count;
}

static void tcache_put(const struct call *call, uintptr_t at)
{
    ASH_CHECK(call->tcache);
    unsigned i = tcache_of(ash_tag_size(at));
    uintptr_t *links = ash_tag_payload(at);
    links[0] = call->tcache->entries[i];
    links[1] = (uintptr_t)call->tcache; /* glibc's key: its store touches the same page */
    *ash_tag(at) |= ASH_PT_CACHED;
    call->tcache->entries[i] = at;
    call->tcache->counts[i]++;
}

static uintptr_t tcache_take(struct ash_pt_tcache *tcache, size_t chunk)
{
    unsigned i = tcache_of(chunk);
    if (!tcache || i >= ASH_PT_N_TCACHE || tcache->counts[i] == 0)
        return 0;
    uintptr_t at = tcache->entries[i];
    tcache->entries[i] = *(uintptr_t *)ash_tag_payload(at);
    tcache->counts[i]--;
    *ash_tag(at) &= ~ASH_PT_CACHED;
    return at;
}

/* --- _int_malloc --- */

static void set_used(uintptr_t at, size_t size)
{
    *ash_tag(at) = size | (*ash_tag(at) & ASH_TAG_PREV_FREE);
    *ash_tag(at + size) &= ~ASH_TAG_PREV_FREE;
}

static uintptr_t pop_fast(struct ash_pt_arena *arena, size_t n)
{
    uintptr_t *bin = &arena->fast[n / 16 - 2];
    uintptr_t at = *bin;
    if (at) {
        *bin = *(uintptr_t *)ash_tag_payload(at);
        *ash_tag(at) &= ~ASH_PT_CACHED;
    }
    return at;
}

static uintptr_t from_fast(const struct call *call, size_t n)
{
    uintptr_t at = pop_fast(call->arena, n);
    while (at && tcache_has_room(call, n)) {
        uintptr_t more = pop_fast(call->arena, n);
        if (!more)
            break;
        tcache_put(call, more);
    }
    return at;
}

/* The oldest of a small bin, made used. */
static uintptr_t pop_small(struct ash_pt_arena *arena, size_t n)
{
    struct ash_pt_chunk *bin = ash_pt_bin(arena, ash_pt_bin_of(n));
    if (bin->bk == bin)
        return 0;
    uintptr_t at = (uintptr_t)bin->bk;
    ash_pt_unlink(at);
    set_used(at, n);
    return at;
}

static uintptr_t from_small(const struct call *call, size_t n)
{
    uintptr_t at = pop_small(call->arena, n);
    while (at && tcache_has_room(call, n)) {
        uintptr_t more = pop_small(call->arena, n);
        if (!more)
            break;
        tcache_put(call, more);
    }
    return at;
}

/* Everything in fast bins is joined, and goes to unsorted or top. */
static void consolidate(struct ash_pt_arena *arena)
{
    arena->has_fast = false;
    for (unsigned i = 0; i < ASH_PT_N_FAST; i++)
        for (uintptr_t at; (at = pop_fast(arena, i * 16 + ASH_PT_MIN)) != 0;)
            ash_pt_join(arena, at);
}

/* Takes n bytes of a chunk that is in no bin; what is left becomes unsorted. */
static uintptr_t carve(struct ash_pt_arena *arena, uintptr_t at, size_t n, bool is_last)
{
    size_t size = ash_tag_size(at), rest = size - n;
    if (rest < ASH_PT_MIN) {
        set_used(at, size);
        return at;
    }
    set_used(at, size);
    *ash_tag(at) -= rest;
    *ash_tag(at + n) = 0;
    ash_tags_set_free(at + n, rest);
    ash_pt_to_unsorted(arena, at + n);
    if (is_last)
        arena->last_remainder = at + n;
    return at;
}

/* Sorts the unsorted bin from its old end, until something serves. */
static uintptr_t from_unsorted(const struct call *call, size_t n)
{
    struct ash_pt_arena *arena = call->arena;
    struct ash_pt_chunk *bin = ash_pt_bin(arena, ASH_PT_UNSORTED);
    bool has_cached = false;
    unsigned n_looked = 0;
    while (bin->bk != bin && n_looked++ < N_UNSORTED_MAX) {
        uintptr_t at = (uintptr_t)bin->bk;
        size_t size = ash_tag_size(at);
        bool is_only = bin->bk->bk == bin;
        ash_pt_unlink(at);
        if (n < ASH_PT_SMALL_MAX && is_only && at == arena->last_remainder &&
            size > n + ASH_PT_MIN) {
            ash_lab_step(call->pt->memory, n_looked);
            return carve(arena, at, n, true);
        }
        if (size != n) {
            ash_pt_to_bin(call->pt->memory, arena, at);
            continue;
        }
        set_used(at, size);
        if (!tcache_has_room(call, n)) {
            ash_lab_step(call->pt->memory, n_looked);
            return at;
        }
        tcache_put(call, at);
        has_cached = true;
    }
    ash_lab_step(call->pt->memory, n_looked);
    return has_cached ? tcache_take(call->tcache, n) : 0;
}

static uintptr_t from_top(struct ash_pt_arena *arena, size_t n)
{
    uintptr_t at = arena->top;
    size_t size = ash_pt_top_size(arena);
    if (!at || size < n + ASH_PT_MIN)
        return 0;
    *ash_tag(at) = n;
    ash_pt_set_top(arena, at + n, size - n);
    return at;
}

static uintptr_t from_system(const struct call *call, size_t n)
{
    struct ash_pt *pt = call->pt;
    bool tried = n >= pt->mmap_threshold && pt->n_mapped < pt->n_mapped_max;
    uintptr_t at = tried ? ash_pt_map(pt, n) : 0;
    if (at)
        return at;
    if (ash_pt_grow(pt, call->arena, n))
        return from_top(call->arena, n);
    return tried || call->arena->is_main ? 0 : ash_pt_map(pt, n);
}

/* From the bins and the top; 0: only the system can help. */
static uintptr_t from_bins(const struct call *call, size_t n)
{
    struct ash_pt_arena *arena = call->arena;
    unsigned bin = ash_pt_bin_of(n);
    for (;;) {
        uintptr_t at = from_unsorted(call, n);
        if (at)
            return at;
        if (n >= ASH_PT_SMALL_MAX)
            at = ash_pt_best(call->pt->memory, arena, bin, n);
        bool is_own = at != 0;
        if (!at)
            at = ash_pt_next_bin(call->pt->memory, arena, bin + 1);
        if (at) {
            ash_pt_unlink(at);
            return carve(arena, at, n, !is_own && n < ASH_PT_SMALL_MAX);
        }
        at = from_top(arena, n);
        if (at || !arena->has_fast)
            return at;
        consolidate(arena);
    }
}

static uintptr_t int_malloc(const struct call *call, size_t n)
{
    uintptr_t at = 0;
    if (n <= call->pt->fast_max)
        at = from_fast(call, n);
    if (!at && n < ASH_PT_SMALL_MAX)
        at = from_small(call, n);
    else if (!at && call->arena->has_fast)
        consolidate(call->arena);
    if (!at)
        at = from_bins(call, n);
    return at ? at : from_system(call, n);
}

/* --- _int_free --- */

static void int_free(const struct call *call, uintptr_t at)
{
    struct ash_pt *pt = call->pt;
    struct ash_pt_arena *arena = call->arena;
    size_t size = ash_tag_size(at);
    if (tcache_has_room(call, size)) {
        tcache_put(call, at);
        return;
    }
    if (size <= pt->fast_max) {
        uintptr_t *bin = &arena->fast[size / 16 - 2];
        *(uintptr_t *)ash_tag_payload(at) = *bin;
        *ash_tag(at) |= ASH_PT_CACHED;
        *bin = at;
        arena->has_fast = true;
        return;
    }
    ash_lab_lock(pt->memory, arena);
    if (ash_pt_join(arena, at) < CONSOLIDATION_BYTES)
        return;
    if (arena->has_fast)
        consolidate(arena);
    ash_pt_trim(pt, arena);
}

/* --- threads --- */

static struct ash_pt_thread *thread_of(struct ash_pt *pt)
{
    void **slot = ash_lab_slot(pt->memory);
    struct ash_pt_thread *thread = *slot;
    if (thread)
        return thread;
    thread = pt->unused;
    if (thread)
        pt->unused = thread->next;
    else
        thread = ash_lab_aside(pt->memory, sizeof *thread);
    if (!thread)
        return NULL;
    *thread = (struct ash_pt_thread){.next = pt->threads};
    if (pt->threads)
        pt->threads->prev = thread;
    pt->threads = thread;
    *slot = thread;
    return thread;
}

/* The calling thread with its cache, whose table is a chunk like others. */
static struct ash_pt_thread *enter(struct ash_pt *pt)
{
    struct ash_pt_thread *thread = thread_of(pt);
    if (!thread || thread->tcache || pt->tcache_count == 0)
        return thread;
    const struct call call = {pt, NULL, ash_pt_arena_get(pt, thread)};
    uintptr_t at = int_malloc(&call, ash_tag_fit(sizeof(struct ash_pt_tcache)));
    if (!at)
        return thread;
    if (ash_tag_has(at, ASH_PT_MAPPED)) { /* a threshold this low has no room for the mark */
        ash_pt_unmap(pt, at);
        return thread;
    }
    *ash_tag(at) |= ASH_PT_META;
    thread->tcache = ash_tag_payload(at);
    memset(thread->tcache, 0, sizeof *thread->tcache);
    return thread;
}

static void flush(struct ash_pt *pt, struct ash_pt_tcache *tcache)
{
    for (unsigned i = 0; i < ASH_PT_N_TCACHE; i++)
        for (uintptr_t at; (at = tcache_take(tcache, (i + 2) * 16)) != 0;) {
            const struct call call = {pt, NULL, ash_pt_arena_of(pt, at)};
            int_free(&call, at);
        }
    uintptr_t at = ash_tag_of(tcache);
    *ash_tag(at) &= ~ASH_PT_META;
    const struct call call = {pt, NULL, ash_pt_arena_of(pt, at)};
    int_free(&call, at);
}

static void thread_event(void *self, enum ash_lab_event event)
{
    struct ash_pt *pt = self;
    void **slot = ash_lab_slot(pt->memory);
    struct ash_pt_thread *thread = *slot;
    if (event != ASH_LAB_WENT || !thread)
        return;
    if (thread->tcache)
        flush(pt, thread->tcache);
    ash_pt_arena_leave(pt, thread);
    *(thread->prev ? &thread->prev->next : &pt->threads) = thread->next;
    if (thread->next)
        thread->next->prev = thread->prev;
    thread->next = pt->unused;
    pt->unused = thread;
    *slot = NULL;
}

/* --- the family --- */

/* A chunk from the thread's arena, else from the main one. */
static uintptr_t get_chunk(struct call *call, struct ash_pt_thread *thread, size_t n)
{
    call->arena = ash_pt_arena_get(call->pt, thread);
    uintptr_t at = int_malloc(call, n);
    if (at || call->arena->is_main)
        return at;
    call->arena = &call->pt->main;
    ash_lab_lock(call->pt->memory, call->arena);
    return int_malloc(call, n);
}

/* Cuts a used chunk to n bytes, when what is left can be a chunk. */
static void cut(const struct call *call, uintptr_t at, size_t n, size_t least)
{
    size_t size = ash_tag_size(at);
    if (size - n < least)
        return;
    *ash_tag(at) -= size - n;
    *ash_tag(at + n) = size - n;
    int_free(call, at + n);
}

static void *align_mapped(uintptr_t at, size_t align)
{
    uintptr_t start = at - ASH_TAG_BYTES, payload = ash_align_up(at + ASH_TAG_BYTES, align);
    if (payload - at - ASH_TAG_BYTES < ASH_PT_MIN && payload != at + ASH_TAG_BYTES)
        payload += align;
    size_t size = ash_tag_size(at), front = payload - 2 * ASH_TAG_BYTES - start;
    *(size_t *)start = front;
    *ash_tag(payload - ASH_TAG_BYTES) = (size - front) | ASH_PT_MAPPED;
    *ash_tag(payload - 2 * ASH_TAG_BYTES) = front;
    return (void *)payload;
}

static void *memalign(struct call *call, struct ash_pt_thread *thread, size_t n, size_t align)
{
    uintptr_t at = get_chunk(call, thread, ash_tag_fit(n + align + ASH_PT_MIN));
    if (!at)
        return NULL;
    if (ash_tag_has(at, ASH_PT_MAPPED))
        return align_mapped(at, align);
    call->arena = ash_pt_arena_of(call->pt, at);
    uintptr_t payload = ash_align_up(at + ASH_TAG_BYTES, align);
    if (payload != at + ASH_TAG_BYTES) {
        if (payload - at - ASH_TAG_BYTES < ASH_PT_MIN)
            payload += align;
        size_t front = payload - at - ASH_TAG_BYTES, size = ash_tag_size(at);
        *ash_tag(at + front) = size - front;
        *ash_tag(at) -= size - front;
        int_free(call, at);
        at += front;
    }
    cut(call, at, n, ASH_PT_MIN + 16);
    return (void *)payload;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct ash_pt *pt = self;
    struct ash_pt_thread *thread = enter(pt);
    if (!thread || size > SIZE_MOST || align > SIZE_MOST)
        return NULL;
    struct call call = {pt, thread->tcache, NULL};
    size_t n = ash_tag_fit(size);
    if (align > 16)
        return memalign(&call, thread, n, ash_size_max(align, ASH_PT_MIN));
    uintptr_t at = tcache_take(call.tcache, n);
    if (!at)
        at = get_chunk(&call, thread, n);
    return at ? ash_tag_payload(at) : NULL;
}

static void free_block(void *self, void *block)
{
    struct ash_pt *pt = self;
    uintptr_t at = ash_tag_of(block);
    if (ash_tag_has(at, ASH_PT_MAPPED)) {
        ash_pt_unmap(pt, at);
        return;
    }
    struct ash_pt_thread *thread = enter(pt);
    const struct call call = {pt, thread ? thread->tcache : NULL, ash_pt_arena_of(pt, at)};
    int_free(&call, at);
}

static size_t usable(void *self, void *block)
{
    uintptr_t at = ash_tag_of(block);
    (void)self;
    return ash_tag_size(at) - ASH_TAG_BYTES * (ash_tag_has(at, ASH_PT_MAPPED) ? 2 : 1);
}

/* mremap in place: only the same pages. */
static void *resize_mapped(uintptr_t at, size_t n)
{
    size_t front = *ash_tag(at - ASH_TAG_BYTES);
    size_t size = ash_align_up(n + ASH_TAG_BYTES + front, ASH_PT_PAGE);
    return size == front + ash_tag_size(at) ? ash_tag_payload(at) : NULL;
}

/* The new chunk never comes from the thread cache; the old one may go there. */
static void *move(const struct call *call, uintptr_t at, size_t n)
{
    uintptr_t fresh = int_malloc(call, n);
    if (!fresh)
        return NULL;
    size_t old = ash_tag_size(at);
    if (fresh == at + old) {
        *ash_tag(at) += ash_tag_size(fresh);
        cut(call, at, n, ASH_PT_MIN);
        return ash_tag_payload(at);
    }
    memcpy(ash_tag_payload(fresh), ash_tag_payload(at), old - ASH_TAG_BYTES);
    int_free(call, at);
    return ash_tag_payload(fresh);
}

static void *resize(void *self, void *block, size_t size)
{
    struct ash_pt *pt = self;
    uintptr_t at = ash_tag_of(block);
    if (size > SIZE_MOST)
        return NULL;
    size_t n = ash_tag_fit(size), old = ash_tag_size(at);
    if (ash_tag_has(at, ASH_PT_MAPPED))
        return resize_mapped(at, n);
    struct ash_pt_thread *thread = thread_of(pt);
    const struct call call = {pt, thread ? thread->tcache : NULL, ash_pt_arena_of(pt, at)};
    uintptr_t next = at + old;
    ash_lab_lock(pt->memory, call.arena);
    if (n > old && next == call.arena->top && old + ash_pt_top_size(call.arena) >= n + ASH_PT_MIN) {
        size_t top = ash_pt_top_size(call.arena);
        *ash_tag(at) += n - old;
        ash_pt_set_top(call.arena, at + n, top - (n - old));
        return block;
    }
    if (n > old) {
        if (next == call.arena->top || !ash_tag_has(next, ASH_TAG_FREE) ||
            old + ash_tag_size(next) < n)
            return move(&call, at, n);
        ash_pt_unlink(next);
        set_used(at, old + ash_tag_size(next));
    }
    cut(&call, at, n, ASH_PT_MIN);
    return block;
}

const struct ash_lab_strategy ash_lab_ptmalloc2 = {
    .name = "ptmalloc2",
    .about = "A model of the malloc of glibc 2.36 (Lea, Gloger)",
    .flags = ASH_LAB_THREADS | ASH_LAB_MODEL,
    .state_size = sizeof(struct ash_pt),
    .open = open,
    .alloc = alloc,
    .free = free_block,
    .usable = usable,
    .each = ash_pt_each,
    .check = ash_pt_check,
    .thread = thread_event,
    .resize = resize,
};
