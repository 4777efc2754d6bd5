/* scene.c: calls to a strategy, and their judgement; see scene.h. */
#include "scene.h"
#include "base/base.h"
#include "base/rng.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define N_RUNS_MAX ((size_t)1 << 20)
#define OS_PAGE ((size_t)4096)

struct run {
    uintptr_t start;
    size_t size;
    enum ash_lab_kind kind;
};

static struct run *runs;
static size_t n_runs;

char scene_where[256];

_Noreturn void scene_fail(const struct scene *scene, const char *sentence, ...)
{
    char line[512];
    va_list args;
    va_start(args, sentence);
    vsnprintf(line, sizeof line, sentence, args);
    va_end(args);
    fprintf(stderr, "FAILED %s: %s (operation %llu of %s)\n", scene->strategy->name, line,
            (unsigned long long)scene->op_i, scene_where);
    exit(1);
}

static void *pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

void scene_open(struct scene *scene, const struct ash_lab_strategy *strategy,
                const struct ash_lab_param *params)
{
    memset(scene, 0, sizeof *scene);
    scene->strategy = strategy;
    const struct ash_lab_memory_options options = {.params = params, .n_cpus = 2};
    scene->memory = ash_lab_memory_new(&options);
    scene->self = pages(strategy->state_size);
    if (!scene->memory || !strategy->open(scene->self, scene->memory))
        scene_fail(scene, "cannot open");
    scene_switch(scene, 0);
}

void scene_close(struct scene *scene)
{
    ash_lab_memory_end(scene->memory);
    munmap(scene->self, scene->strategy->state_size);
}

/* --- threads --- */

void scene_switch(struct scene *scene, unsigned thread)
{
    scene->thread = thread;
    ash_lab_memory_set_thread(scene->memory, thread, &scene->slots[thread]);
    if (scene->is_alive[thread])
        return;
    scene->is_alive[thread] = true;
    scene->slots[thread] = NULL;
    if (scene->strategy->thread)
        scene->strategy->thread(scene->self, ASH_LAB_CAME);
}

void scene_end_thread(struct scene *scene)
{
    if (scene->strategy->thread)
        scene->strategy->thread(scene->self, ASH_LAB_WENT);
    scene->slots[scene->thread] = NULL;
    scene->is_alive[scene->thread] = false;
    scene_switch(scene, 0);
}

/* --- the shadow --- */

static void mix(struct scene *scene, uint64_t x)
{
    scene->hash ^= x;
    ash_rng_next(&scene->hash);
    scene->hash *= 0x9e3779b97f4a7c15u;
}

/* Place in address order of the first block at or above p. */
static unsigned place_of(const struct scene *scene, const unsigned char *p)
{
    unsigned low = 0, high = scene->n_blocks;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (scene->blocks[scene->order[middle]].p < p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static unsigned char pattern(const struct scene_block *block, size_t at)
{
    uint64_t x = block->seed + at * 0x9e3779b97f4a7c15u;
    return (unsigned char)(x >> 56 ^ x >> 21);
}

/* Positions that are written and compared: all of a small block, else both ends and each page. */
static size_t next_position(size_t at, size_t size)
{
    if (size <= 2048 || at < 64 || at >= size - 64)
        return at + 1;
    return ash_size_min(ash_align_up(at + 1, OS_PAGE / 2), size - 64);
}

static void write_pattern(const struct scene_block *block)
{
    for (size_t i = 0; i < block->usable; i = next_position(i, block->usable))
        block->p[i] = pattern(block, i);
}

/* A copy keeps only what was compared before it: positions by the old size. */
static void compare(const struct scene *scene, const struct scene_block *block, size_t n,
                    const char *when)
{
    for (size_t i = 0; i < n; i = next_position(i, block->usable))
        if (block->p[i] != pattern(block, i))
            scene_fail(scene, "contents: %p of %zu is changed at %zu, seen at %s", (void *)block->p,
                       block->size, i, when);
}

/* Takes a fresh block into the books. */
static void admit(struct scene *scene, const struct scene_block *given, size_t align)
{
    struct scene_block block = *given;
    if ((uintptr_t)block.p % align)
        scene_fail(scene, "alignment: %p for %zu", (void *)block.p, align);
    block.usable = scene->strategy->usable(scene->self, block.p);
    if (block.usable < block.size)
        scene_fail(scene, "usable: %zu of %zu asked", block.usable, block.size);
    unsigned place = place_of(scene, block.p);
    if (place < scene->n_blocks) {
        const struct scene_block *after = &scene->blocks[scene->order[place]];
        if (after->p < block.p + ash_size_max(block.usable, 1))
            scene_fail(scene, "overlap: %p of %zu and %p of %zu", (void *)block.p, block.usable,
                       (void *)after->p, after->usable);
    }
    if (place > 0) {
        const struct scene_block *before = &scene->blocks[scene->order[place - 1]];
        if (before->p + ash_size_max(before->usable, 1) > block.p)
            scene_fail(scene, "overlap: %p of %zu and %p of %zu", (void *)block.p, block.usable,
                       (void *)before->p, before->usable);
    }
    memmove(scene->order + place + 1, scene->order + place,
            (scene->n_blocks - place) * sizeof *scene->order);
    scene->order[place] = scene->n_blocks;
    scene->blocks[scene->n_blocks++] = block;
    scene->live_bytes += block.usable;
    if (scene->live_bytes > scene->live_peak_bytes)
        scene->live_peak_bytes = scene->live_bytes;
    write_pattern(&block);
    mix(scene, (uintptr_t)block.p);
    mix(scene, block.usable);
}

static void dismiss(struct scene *scene, unsigned block_i)
{
    struct scene_block *block = &scene->blocks[block_i];
    unsigned place = place_of(scene, block->p);
    scene->live_bytes -= block->usable;
    memmove(scene->order + place, scene->order + place + 1,
            (scene->n_blocks - place - 1) * sizeof *scene->order);
    unsigned last = --scene->n_blocks;
    if (last == block_i)
        return;
    *block = scene->blocks[last];
    scene->order[place_of(scene, block->p)] = block_i;
}

/* --- calls --- */

bool scene_alloc(struct scene *scene, size_t size, size_t align, uint64_t seed)
{
    uint64_t n_refused = ash_lab_memory_count(scene->memory)->n_refused;
    struct scene_block block = {.size = size, .seed = seed};
    block.p = scene->strategy->alloc(scene->self, size, align);
    if (block.p) {
        admit(scene, &block, align);
        return true;
    }
    if (ash_lab_memory_count(scene->memory)->n_refused == n_refused)
        scene_fail(scene, "refused: %zu bytes at %zu, and the memory refused nothing", size, align);
    mix(scene, 0);
    return false;
}

void scene_free(struct scene *scene, unsigned block_i)
{
    struct scene_block block = scene->blocks[block_i];
    if (scene->strategy->usable(scene->self, block.p) != block.usable)
        scene_fail(scene, "usable: %p had %zu bytes, and has %zu", (void *)block.p, block.usable,
                   scene->strategy->usable(scene->self, block.p));
    compare(scene, &block, block.usable, "free");
    dismiss(scene, block_i);
    scene->strategy->free(scene->self, block.p);
}

bool scene_resize(struct scene *scene, unsigned block_i, size_t size)
{
    struct scene_block old = scene->blocks[block_i];
    compare(scene, &old, old.usable, "resize");
    unsigned char *p =
        scene->strategy->resize ? scene->strategy->resize(scene->self, old.p, size) : NULL;
    mix(scene, (uintptr_t)p);
    if (p) {
        struct scene_block moved = old;
        moved.p = p;
        compare(scene, &moved, ash_size_min(old.size, size), "the end of resize");
        dismiss(scene, block_i);
        moved.size = size;
        moved.seed++;
        admit(scene, &moved, 16);
        return true;
    }
    compare(scene, &old, old.usable, "a refused resize");
    if (scene->n_blocks == SCENE_BLOCKS || !scene_alloc(scene, size, 16, old.seed + 1))
        return false;
    scene_free(scene, block_i);
    return true;
}

/* --- the whole --- */

static bool note_run(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct scene *scene = arg;
    if (n_runs == N_RUNS_MAX)
        scene_fail(scene, "each: more than %zu runs", N_RUNS_MAX);
    if (size == 0 && kind != ASH_LAB_BLOCK)
        scene_fail(scene, "each: an empty run at %p", (void *)start);
    runs[n_runs++] = (struct run){start, size, kind};
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

struct cursor {
    const struct scene *scene;
    size_t run_i, block_i;
};

/* Every byte of this mapping is in one run, and the live ones are those that we hold. */
static void cover(void *arg, uintptr_t start, size_t size)
{
    struct cursor *cursor = arg;
    const struct scene *scene = cursor->scene;
    uintptr_t at = start;
    while (at < start + size) {
        const struct run *run = &runs[cursor->run_i];
        if (cursor->run_i == n_runs || run->start != at)
            scene_fail(scene, "each: %p is covered %s", (void *)at,
                       cursor->run_i < n_runs && run->start < at ? "twice" : "by nothing");
        cursor->run_i++;
        at += run->size;
        if (run->kind != ASH_LAB_BLOCK)
            continue;
        const struct scene_block *block = cursor->block_i < scene->n_blocks
                                              ? &scene->blocks[scene->order[cursor->block_i]]
                                              : NULL;
        cursor->block_i++;
        if (!block || (uintptr_t)block->p != run->start || block->usable != run->size)
            scene_fail(scene, "each: shows %p of %zu live, we hold %p of %zu", (void *)run->start,
                       run->size, block ? (void *)block->p : NULL, block ? block->usable : 0);
    }
    if (at != start + size)
        scene_fail(scene, "each: a run leaves its mapping at %p", (void *)(start + size));
}

void scene_check(struct scene *scene)
{
    if (!runs)
        runs = pages(N_RUNS_MAX * sizeof *runs);
    if (!scene->strategy->check(scene->self))
        scene_fail(scene, "check: an invariant does not hold");
    n_runs = 0;
    scene->strategy->each(scene->self, note_run, scene);
    qsort(runs, n_runs, sizeof *runs, by_start);
    struct cursor cursor = {.scene = scene};
    ash_lab_memory_each(scene->memory, cover, &cursor);
    if (cursor.run_i != n_runs)
        scene_fail(scene, "each: %p is not mapped", (void *)runs[cursor.run_i].start);
    if (cursor.block_i != scene->n_blocks)
        scene_fail(scene, "each: showed %zu live blocks of %u", cursor.block_i, scene->n_blocks);
}
