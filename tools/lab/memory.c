/* memory.c: real pages for strategies, counted: one window, one segment in it, many mappings.
 *
 *     base                    base + window / 4                               base + window
 *     │ segment ───▶ grows    │ mapping │ gap │ mapping │ …                   │
 *
 * The window is reserved without access. What is mapped can be read and written, everything else
 * faults, so a strategy that uses what it gave back is found at once. Mappings that touch are one
 * range. A new one takes the lowest gap that fits: the same calls give the same addresses.
 *
 * Nothing here calls malloc: under the shim this is malloc.
 */
#include "lab/memory.h"
#include "base/base.h"
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define OS_PAGE ((size_t)4096)
/* Below where Linux puts programs and libraries, above the sanitizers' shadows. */
#define BASE_ADDR ((uintptr_t)0x200000000000)
#define N_BASES 8 /* instances in one process that still have a fixed base */
#define WINDOW_BYTES ((size_t)64 << 30)
#define ASIDE_BYTES ((size_t)16 << 30)
#define N_RANGES_MAX ((size_t)1 << 20)
#define N_LOCKS 16384 /* a power of two; locks beyond three quarters of it are not followed */
#define MINCORE_PAGES ((size_t)4096)

struct range {
    uintptr_t start, end;
};

struct lock {
    const void *lock;
    unsigned thread;
};

struct ash_lab_memory {
    struct ash_lab_memory_options options;
    struct ash_lab_memory_count count;
    uintptr_t base, end;
    uintptr_t segment_end, segment_max;
    struct range *ranges; /* ascending, apart */
    size_t n_ranges;
    uintptr_t aside, aside_used;
    uint64_t now_ns, refuse_after;
    unsigned thread, n_locks;
    void **slot, *own_slot;
    struct lock locks[N_LOCKS];
    unsigned char residency[MINCORE_PAGES];
};

static void *reserve(uintptr_t at, size_t size, int protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0);
    void *p = mmap((void *)at, size, protection, flags, -1, 0);
    if (p != MAP_FAILED && at && (uintptr_t)p != at) { /* a kernel that knows no NOREPLACE */
        munmap(p, size);
        return NULL;
    }
    return p == MAP_FAILED ? NULL : p;
}

static bool reserve_window(struct ash_lab_memory *memory)
{
    size_t size = memory->options.window_bytes;
    void *p = NULL;
    for (uintptr_t i = 0; i < N_BASES && !p; i++)
        p = reserve(BASE_ADDR + i * ((uintptr_t)1 << 40), size, PROT_NONE);
    if (!p)
        p = reserve(0, size, PROT_NONE);
    if (!p)
        return false;
    if (!memory->options.huge_pages)
        madvise(p, size, MADV_NOHUGEPAGE);
    memory->base = memory->segment_end = (uintptr_t)p;
    memory->end = memory->base + size;
    memory->segment_max = memory->base + ash_align_down(size / 4, OS_PAGE);
    return true;
}

struct ash_lab_memory *ash_lab_memory_new(const struct ash_lab_memory_options *options)
{
    struct ash_lab_memory *memory = reserve(0, sizeof *memory, PROT_READ | PROT_WRITE);
    if (!memory)
        return NULL;
    memory->options = *options;
    size_t window = options->window_bytes ? options->window_bytes : WINDOW_BYTES;
    memory->options.window_bytes = ash_align_up(window, OS_PAGE);
    memory->options.n_cpus = options->n_cpus ? options->n_cpus : 1;
    memory->refuse_after = UINT64_MAX;
    memory->slot = &memory->own_slot;
    memory->ranges = reserve(0, N_RANGES_MAX * sizeof *memory->ranges, PROT_READ | PROT_WRITE);
    void *aside = reserve(0, ASIDE_BYTES, PROT_READ | PROT_WRITE);
    memory->aside = (uintptr_t)aside;
    if (memory->ranges && aside && reserve_window(memory))
        return memory;
    if (memory->ranges)
        munmap(memory->ranges, N_RANGES_MAX * sizeof *memory->ranges);
    if (aside)
        munmap(aside, ASIDE_BYTES);
    munmap(memory, sizeof *memory);
    return NULL;
}

void ash_lab_memory_end(struct ash_lab_memory *memory)
{
    munmap((void *)memory->base, memory->options.window_bytes);
    munmap((void *)memory->aside, ASIDE_BYTES);
    munmap(memory->ranges, N_RANGES_MAX * sizeof *memory->ranges);
    munmap(memory, sizeof *memory);
}

/* --- mapping --- */

/* false: this call is to be refused (LC13). */
static bool may_take(struct ash_lab_memory *memory, size_t size)
{
    size_t limit = memory->options.limit_bytes;
    bool is_due = memory->refuse_after == 0;
    if (memory->refuse_after != UINT64_MAX)
        memory->refuse_after = is_due ? UINT64_MAX : memory->refuse_after - 1;
    if (is_due || size > memory->options.window_bytes ||
        (limit && memory->count.mapped_bytes + size > limit)) {
        memory->count.n_refused++;
        return false;
    }
    return true;
}

static bool open_pages(struct ash_lab_memory *memory, uintptr_t start, size_t size)
{
    if (mprotect((void *)start, size, PROT_READ | PROT_WRITE) != 0) {
        memory->count.n_refused++;
        return false;
    }
    memory->count.mapped_bytes += size;
    if (memory->count.mapped_bytes > memory->count.mapped_peak_bytes)
        memory->count.mapped_peak_bytes = memory->count.mapped_bytes;
    return true;
}

static void close_pages(struct ash_lab_memory *memory, uintptr_t start, size_t size)
{
    madvise((void *)start, size, MADV_DONTNEED);
    /* Out of map areas it fails: the pages are gone all the same, only a late use is not seen. */
    mprotect((void *)start, size, PROT_NONE);
    memory->count.mapped_bytes -= size;
}

/* The number of ranges that end at or before addr. */
static size_t ranges_below(const struct ash_lab_memory *memory, uintptr_t addr)
{
    size_t low = 0, high = memory->n_ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memory->ranges[middle].end <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The lowest aligned start of a gap of this size, or 0. */
static uintptr_t find_gap(const struct ash_lab_memory *memory, size_t size, size_t align)
{
    uintptr_t start = ash_align_up(memory->segment_max, align);
    for (size_t i = 0; i < memory->n_ranges; i++) {
        const struct range *range = &memory->ranges[i];
        if (start <= range->start && range->start - start >= size)
            return start;
        if (range->end > start)
            start = ash_align_up(range->end, align);
    }
    return start <= memory->end && memory->end - start >= size ? start : 0;
}

static void move_ranges(struct ash_lab_memory *memory, size_t to, size_t from)
{
    memmove(memory->ranges + to, memory->ranges + from,
            (memory->n_ranges - from) * sizeof *memory->ranges);
    memory->n_ranges = memory->n_ranges + to - from;
}

static void add_range(struct ash_lab_memory *memory, uintptr_t start, uintptr_t end)
{
    size_t i = ranges_below(memory, start);
    struct range *ranges = memory->ranges;
    bool joins_before = i > 0 && ranges[i - 1].end == start;
    bool joins_after = i < memory->n_ranges && ranges[i].start == end;
    if (joins_before && joins_after) {
        ranges[i - 1].end = ranges[i].end;
        move_ranges(memory, i, i + 1);
    } else if (joins_before) {
        ranges[i - 1].end = end;
    } else if (joins_after) {
        ranges[i].start = start;
    } else {
        move_ranges(memory, i + 1, i);
        ranges[i] = (struct range){start, end};
    }
}

void *ash_lab_map(struct ash_lab_memory *memory, size_t size, size_t align)
{
    size = ash_align_up(size, OS_PAGE);
    memory->count.n_map++;
    if (!may_take(memory, size))
        return NULL;
    uintptr_t start = find_gap(memory, size, ash_size_max(align, OS_PAGE));
    if (!start || memory->n_ranges + 1 >= N_RANGES_MAX) {
        memory->count.n_refused++;
        return NULL;
    }
    if (!open_pages(memory, start, size))
        return NULL;
    add_range(memory, start, start + size);
    return (void *)start;
}

void ash_lab_unmap(struct ash_lab_memory *memory, void *at, size_t size)
{
    uintptr_t start = (uintptr_t)at, end = start + ash_align_up(size, OS_PAGE);
    size_t i = ranges_below(memory, start);
    struct range *range = &memory->ranges[i];
    memory->count.n_unmap++;
    if (i == memory->n_ranges || range->start > start || range->end < end)
        __builtin_trap(); /* a strategy gave back what it does not have */
    close_pages(memory, start, end - start);
    struct range rest = {end, range->end};
    if (range->start == start && rest.start == rest.end) {
        move_ranges(memory, i, i + 1);
    } else if (range->start == start) {
        range->start = end;
    } else {
        range->end = start;
        if (rest.start != rest.end) {
            move_ranges(memory, i + 2, i + 1);
            memory->ranges[i + 1] = rest;
        }
    }
}

void *ash_lab_extend(struct ash_lab_memory *memory, ptrdiff_t size)
{
    uintptr_t old = memory->segment_end;
    memory->count.n_extend++;
    if (size < 0) {
        size_t less = ash_align_up((size_t)-size, OS_PAGE);
        if (less > old - memory->base)
            __builtin_trap(); /* more than there is */
        memory->segment_end -= less;
        close_pages(memory, memory->segment_end, less);
        return (void *)old;
    }
    size_t more = ash_align_up((size_t)size, OS_PAGE);
    if (!may_take(memory, more))
        return NULL;
    if (more > memory->segment_max - old) {
        memory->count.n_refused++;
        return NULL;
    }
    if (more && !open_pages(memory, old, more))
        return NULL;
    memory->segment_end += more;
    return (void *)old;
}

bool ash_lab_purge(struct ash_lab_memory *memory, void *at, size_t size)
{
    memory->count.n_purge++;
    return madvise(at, size, MADV_DONTNEED) == 0;
}

void *ash_lab_aside(struct ash_lab_memory *memory, size_t size)
{
    size = ash_align_up(size, 64);
    if (size > ASIDE_BYTES - memory->aside_used)
        return NULL;
    uintptr_t start = memory->aside + memory->aside_used;
    memory->aside_used += size;
    memory->count.aside_bytes = memory->aside_used;
    return (void *)start;
}

/* --- what else a strategy may ask --- */

uint64_t ash_lab_now(struct ash_lab_memory *memory)
{
    if (!memory->options.real_time)
        return memory->now_ns;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void **ash_lab_slot(struct ash_lab_memory *memory)
{
    return memory->slot;
}

unsigned ash_lab_cpus(struct ash_lab_memory *memory)
{
    return memory->options.n_cpus;
}

void ash_lab_step(struct ash_lab_memory *memory, unsigned n)
{
    memory->count.n_steps += n;
}

void ash_lab_lock(struct ash_lab_memory *memory, const void *lock)
{
    memory->count.n_locked++;
    size_t i = ((uintptr_t)lock * 0x9e3779b97f4a7c15u) >> 50;
    while (memory->locks[i].lock && memory->locks[i].lock != lock)
        i = (i + 1) % N_LOCKS;
    struct lock *found = &memory->locks[i];
    if (found->lock) {
        memory->count.n_waited += found->thread != memory->thread;
    } else {
        if (memory->n_locks >= N_LOCKS / 4 * 3)
            return;
        memory->n_locks++;
        found->lock = lock;
    }
    found->thread = memory->thread;
}

const char *ash_lab_param(struct ash_lab_memory *memory, const char *key, const char *fallback)
{
    for (const struct ash_lab_param *p = memory->options.params; p && p->key; p++)
        if (strcmp(p->key, key) == 0)
            return p->value;
    return fallback;
}

/* --- the driver's side --- */

void ash_lab_memory_set_now(struct ash_lab_memory *memory, uint64_t ns)
{
    memory->now_ns = ns;
}

void ash_lab_memory_set_thread(struct ash_lab_memory *memory, unsigned thread, void **slot)
{
    memory->thread = thread;
    memory->slot = slot ? slot : &memory->own_slot;
}

void ash_lab_memory_refuse_after(struct ash_lab_memory *memory, uint64_t n)
{
    memory->refuse_after = n;
}

void ash_lab_memory_set_limit(struct ash_lab_memory *memory, size_t limit_bytes)
{
    memory->options.limit_bytes = limit_bytes;
}

const struct ash_lab_memory_count *ash_lab_memory_count(const struct ash_lab_memory *memory)
{
    return &memory->count;
}

void ash_lab_memory_each(const struct ash_lab_memory *memory, ash_lab_visit_mapping *visit,
                         void *arg)
{
    if (memory->segment_end > memory->base)
        visit(arg, memory->base, memory->segment_end - memory->base);
    for (size_t i = 0; i < memory->n_ranges; i++)
        visit(arg, memory->ranges[i].start, memory->ranges[i].end - memory->ranges[i].start);
}

struct residency {
    unsigned char *pages;
    size_t bytes;
};

static void count_resident(void *arg, uintptr_t start, size_t size)
{
    struct residency *residency = arg;
    for (size_t done = 0; done < size; done += MINCORE_PAGES * OS_PAGE) {
        size_t part = ash_size_min(size - done, MINCORE_PAGES * OS_PAGE);
        if (mincore((void *)(start + done), part, residency->pages) != 0)
            continue;
        for (size_t i = 0; i < part / OS_PAGE; i++)
            residency->bytes += residency->pages[i] & 1 ? OS_PAGE : 0;
    }
}

bool ash_lab_memory_owns(const struct ash_lab_memory *memory, uintptr_t addr)
{
    return addr >= memory->base && addr < memory->end;
}

size_t ash_lab_memory_resident(const struct ash_lab_memory *memory)
{
    /* The residency is scratch space of the memory, and no part of its state. */
    struct residency residency = {(unsigned char *)(uintptr_t)memory->residency, 0};
    ash_lab_memory_each(memory, count_resident, &residency);
    return residency.bytes;
}
