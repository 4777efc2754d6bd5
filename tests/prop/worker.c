/* worker.c: what one thread of the property test does; see worker.h. */
#include "worker.h"
#include "base/rng.h"

/* A worker above this only frees: the machine of CI has little memory. Large blocks are touched on
 * a lattice, so what is resident is a fraction. */
#define LIVE_BYTES_CAP ((size_t)192 << 20)

static uint64_t next(struct worker *w)
{
    return ash_rng_next(&w->rng);
}

/* Log-uniform in [0, 2^bits]. */
static size_t random_size(uint64_t r, unsigned bits)
{
    unsigned width = (unsigned)((r >> 32) % (bits + 1));
    return r & (((size_t)1 << width) - 1);
}

/* Nine of ten up to 1 KiB, one in 4000 up to 64 MiB. */
static size_t pick_size(struct worker *w)
{
    uint64_t r = next(w);
    unsigned dice = (unsigned)(r >> 48) % 4000;
    if (dice == 0)
        return random_size(r, 26);
    if (dice < 30)
        return random_size(r, 21);
    if (dice < 400)
        return random_size(r, 16);
    return random_size(r, 10);
}

static size_t pick_align(struct worker *w)
{
    uint64_t r = next(w);
    unsigned dice = (unsigned)(r >> 40) % 1000;
    unsigned shift_max = dice == 0 ? 26 : dice < 20 ? 20 : dice < 200 ? 16 : 9;
    return (size_t)8 << r % (shift_max - 2);
}

static void count(struct worker *w, enum count which)
{
    w->n_calls[which]++;
    w->n_done++;
}

static void gain(struct worker *w, const struct block *block)
{
    w->live_bytes += block->size;
    if (w->live_bytes > w->live_bytes_max)
        w->live_bytes_max = w->live_bytes;
}

static void allocate(struct worker *w, struct block *slot)
{
    struct request request = {.size = pick_size(w), .align = 16, .seed = next(w), .owner = w->life};
    uint64_t r = next(w);
    unsigned dice = (unsigned)(r >> 32) % 100;
    bool served;
    if (dice < 60) {
        served = checked_malloc(slot, &request);
        count(w, COUNT_ALLOC);
    } else if (dice < 77) {
        served = checked_calloc(slot, &request);
        count(w, COUNT_CALLOC);
    } else if (dice < 92) {
        request.align = pick_align(w);
        served = checked_aligned(slot, &request, (unsigned)r);
        count(w, COUNT_ALIGNED);
    } else {
        slot->p = NULL;
        slot->seed = request.seed;
        served = checked_realloc(slot, request.size, w->life, r & 1);
        count(w, COUNT_REALLOC);
    }
    if (served)
        gain(w, slot);
    else
        slot->p = NULL;
}

static void free_block(struct worker *w, struct block *block)
{
    count(w, block->owner == w->life ? COUNT_FREE_OWN : COUNT_FREE_REMOTE);
    checked_free(block, (unsigned)next(w));
}

static void resize(struct worker *w, struct block *block)
{
    uint64_t r = next(w);
    size_t size = pick_size(w);
    if (r % 4 == 1)
        size = block->size + block->size / 4 + r % 64; /* as a growing array */
    if (r % 4 == 2)
        size = block->size / 2;
    if (size > (size_t)64 << 20)
        size = (size_t)64 << 20;
    size_t old = block->size;
    count(w, COUNT_REALLOC);
    if (!checked_realloc(block, size, w->life, r >> 32 & 1))
        return;
    w->live_bytes -= old;
    if (block->p)
        gain(w, block);
}

/* Gives the block to another worker, if its ring has room. */
static bool hand_over(struct worker *w, struct worker *all, struct block *block)
{
    if (w->n_workers < 2)
        return false;
    uint32_t step = 1 + (uint32_t)(next(w) % (w->n_workers - 1));
    struct ring *ring = &all[(w->index + step) % w->n_workers].inbox[w->index];
    uint32_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    /* acquire and release of `read` and `written`: a slot changes hands with its counter */
    if (written - atomic_load_explicit(&ring->read, memory_order_acquire) == RING_SLOTS)
        return false;
    ring->blocks[written % RING_SLOTS] = *block;
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    block->p = NULL;
    return true;
}

/* What came from one sender: most is freed, some is resized first, some is kept. */
static void receive(struct worker *w, uint32_t from, uint32_t n_max)
{
    struct ring *ring = &w->inbox[from];
    for (; n_max > 0; n_max--) {
        uint32_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
        if (read == atomic_load_explicit(&ring->written, memory_order_acquire))
            return;
        struct block block = ring->blocks[read % RING_SLOTS];
        atomic_store_explicit(&ring->read, read + 1, memory_order_release);
        uint64_t r = next(w);
        struct block *slot = &w->slots[(r >> 32) % WORKER_SLOTS];
        w->live_bytes += block.size;
        if (r % 32 == 0)
            resize(w, &block);
        if (block.p && r % 8 == 1 && !slot->p && w->live_bytes < LIVE_BYTES_CAP) {
            *slot = block; /* kept: freed some time later, remotely or from another life */
            continue;
        }
        if (!block.p)
            continue;
        w->live_bytes -= block.size;
        free_block(w, &block);
    }
}

static void use_named(struct worker *w)
{
    uint64_t r = next(w);
    count(w, COUNT_NAMED);
    if (!w->named) {
        w->named = subject.heap_new();
        return;
    }
    if (r % 512 < 3) { /* everything at once, and sometimes the heap with it */
        for (uint32_t i = 0; i < NAMED_SLOTS; i++)
            if (w->named_slots[i].p)
                checked_forget(&w->named_slots[i]);
        if (r % 512 == 0) {
            subject.heap_destroy(w->named);
            w->named = NULL;
        } else {
            subject.heap_free_all(w->named);
        }
        return;
    }
    struct block *slot = &w->named_slots[(r >> 32) % NAMED_SLOTS];
    if (slot->p) {
        checked_heap_free(slot, w->named);
        return;
    }
    struct request request = {.size = random_size(r, r % 64 == 5 ? 20 : 12),
                              .align = 16,
                              .seed = next(w),
                              .owner = w->life};
    if (!checked_heap_alloc(slot, &request, w->named))
        slot->p = NULL;
}

/* Calls that have no block: trim, idle, statistics, refusals. */
static void do_odd(struct worker *w, uint64_t r)
{
    uint64_t live;
    if (r % 64 == 0 && subject.trim)
        subject.trim();
    else if (r % 64 == 1 && subject.idle)
        subject.idle();
    else if (r % 64 == 2 && subject.count)
        subject.count(&live);
    else {
        checked_refusals(&w->slots[(r >> 32) % WORKER_SLOTS], r);
        count(w, COUNT_REFUSE);
        return;
    }
    count(w, COUNT_OTHER);
}

static void step(struct worker *w, struct worker *all)
{
    uint64_t r = next(w);
    unsigned dice = (unsigned)(r >> 48) % 1000;
    if (dice < 3) {
        do_odd(w, r);
        return;
    }
    if (dice < 40 && subject.heap_new) {
        use_named(w);
        return;
    }
    struct block *slot = &w->slots[r % WORKER_SLOTS];
    if (!slot->p) {
        if (w->live_bytes < LIVE_BYTES_CAP && (!w->is_shrinking || dice % 4 == 0))
            allocate(w, slot);
        return;
    }
    if (dice < 140) {
        checked_look(slot);
        count(w, COUNT_LOOK);
    } else if (dice < 320 && w->live_bytes < LIVE_BYTES_CAP) {
        resize(w, slot);
    } else {
        size_t size = slot->size;
        if (dice % 100 >= 37 || !hand_over(w, all, slot))
            free_block(w, slot);
        w->live_bytes -= size;
    }
}

void worker_run(struct worker *w, struct worker *all, uint64_t n_calls)
{
    uint64_t end = w->n_done + n_calls;
    while (w->n_done < end) {
        if (next(w) % 65536 == 0)
            w->is_shrinking = !w->is_shrinking;
        receive(w, (uint32_t)(next(w) % w->n_workers), 8);
        step(w, all);
    }
}

void worker_free_all(struct worker *w)
{
    for (uint32_t from = 0; from < w->n_workers; from++)
        receive(w, from, RING_SLOTS);
    for (uint32_t i = 0; i < WORKER_SLOTS; i++) {
        struct block *slot = &w->slots[i];
        if (!slot->p)
            continue;
        w->live_bytes -= slot->size;
        free_block(w, slot);
    }
}

void worker_each(struct worker *w, void (*each)(const struct block *))
{
    for (uint32_t i = 0; i < WORKER_SLOTS; i++)
        if (w->slots[i].p)
            each(&w->slots[i]);
    for (uint32_t from = 0; from < w->n_workers; from++) {
        struct ring *ring = &w->inbox[from];
        uint32_t read = atomic_load(&ring->read), written = atomic_load(&ring->written);
        for (; read != written; read++)
            each(&ring->blocks[read % RING_SLOTS]);
    }
}
