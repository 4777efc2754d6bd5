/* subject_ashlar.c: the ashlar_ names as the allocator under test. */
#include "ashlar.h"
#include "ashlar/inspect.h"
#include "os/os.h"
#include "subject.h"
#include <stdio.h>

static void *heap_new(void)
{
    return ashlar_heap_new();
}

static void *heap_alloc(void *heap, size_t size)
{
    return ashlar_heap_alloc(heap, size);
}

static void heap_free(void *heap, void *p)
{
    ashlar_heap_free(heap, p);
}

static void heap_free_all(void *heap)
{
    ashlar_heap_free_all(heap);
}

static void heap_destroy(void *heap)
{
    ashlar_heap_destroy(heap);
}

/* The seam of the system calls is the library's own: the tests link it statically. */
static void refuse(uint64_t nth, uint64_t rate, uint64_t seed)
{
    ash_os_fail_set(nth, rate, ASH_FAIL_ALL, seed);
}

static void trim(void)
{
    ashlar_trim();
}

static void count(uint64_t *ret_live_blocks)
{
    struct ashlar_stats stats;
    ashlar_stats(&stats, sizeof stats);
    *ret_live_blocks = stats.live_blocks;
}

static void say_fault(void *context, const void *page, const char *why)
{
    (void)context;
    fprintf(stderr, "verify: page %p: %s\n", page, why);
}

static bool verify(void)
{
    return ashlar_verify(say_fault, NULL) == 0;
}

struct forward {
    walk_function *each;
    void *context;
};

static bool forward(void *argument, void *p, size_t bytes, enum ashlar_block_state state)
{
    const struct forward *to = argument;
    if (state == ASHLAR_BLOCK_FREE)
        return true;
    struct walked walked = {p, bytes, state == ASHLAR_BLOCK_LIVE};
    return to->each(to->context, &walked);
}

static bool walk(void *heap, walk_function *each, void *context)
{
    struct forward to = {each, context};
    return ashlar_heap_walk(heap, forward, &to);
}

const struct subject subject = {
    .name = "ashlar",
    .malloc = ashlar_malloc,
    .calloc = ashlar_calloc,
    .realloc = ashlar_realloc,
    .reallocarray = ashlar_reallocarray,
    .free = ashlar_free,
    .free_sized = ashlar_free_sized,
    .free_aligned_sized = ashlar_free_aligned_sized,
    .aligned_alloc = ashlar_aligned_alloc,
    .posix_memalign = ashlar_posix_memalign,
    .memalign = ashlar_memalign,
    .usable_size = ashlar_usable_size,
    .heap_new = heap_new,
    .heap_alloc = heap_alloc,
    .heap_free = heap_free,
    .heap_free_all = heap_free_all,
    .heap_destroy = heap_destroy,
    .refuse = refuse,
    .trim = trim,
    .idle = ashlar_idle,
    .count = count,
    .verify = verify,
    .walk = walk,
};
