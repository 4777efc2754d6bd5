/* ashlar.c: the ashlar_ calls of include/ashlar.h over the heap. */
#include "ashlar.h"
#include "api/init.h"
#include "heap/fast.h"
#include "heap/heap.h"
#include <errno.h>
#include <string.h>

static struct ash_heap *inner(struct ashlar_heap *heap)
{
    return (struct ash_heap *)heap;
}

const char *ashlar_version(void)
{
    return ASHLAR_VERSION;
}

void *ashlar_malloc(size_t bytes)
{
    return ash_fast_malloc(bytes);
}

void ashlar_free(void *p)
{
    ash_fast_free(p);
}

void *ashlar_calloc(size_t count, size_t bytes)
{
    return ash_alloc_zeroed(count, bytes);
}

void *ashlar_realloc(void *p, size_t bytes)
{
    return ash_realloc(p, bytes);
}

void *ashlar_reallocarray(void *p, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return ash_alloc_fail(SIZE_MAX);
    return ash_realloc(p, all);
}

void ashlar_free_sized(void *p, size_t bytes)
{
    ash_free_sized(p, bytes, 0);
}

void ashlar_free_aligned_sized(void *p, size_t align, size_t bytes)
{
    ash_free_sized(p, bytes, align);
}

void *ashlar_aligned_alloc(size_t align, size_t bytes)
{
    if (!ash_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return ash_alloc_aligned(align, bytes);
}

void *ashlar_memalign(size_t align, size_t bytes)
{
    if (align > (SIZE_MAX >> 1) + 1) { /* no power of two is that large */
        errno = EINVAL;
        return NULL;
    }
    size_t power = align <= 1 ? 1 : (size_t)1 << (64 - __builtin_clzll(align - 1));
    return ash_alloc_aligned(power, bytes);
}

int ashlar_posix_memalign(void **ret_p, size_t align, size_t bytes)
{
    if (!ash_is_power_of_two(align) || align < sizeof(void *))
        return EINVAL;
    int saved = errno;
    void *p = ash_alloc_aligned(align, bytes);
    if (!p) {
        errno = saved;
        return ENOMEM;
    }
    *ret_p = p;
    return 0;
}

size_t ashlar_usable_size(void *p)
{
    return ash_usable_bytes(p);
}

struct ashlar_heap *ashlar_heap_new(void)
{
    struct ash_heap *heap = ash_named_new();
    return heap ? (struct ashlar_heap *)heap : ash_alloc_fail(sizeof(*heap));
}

void *ashlar_heap_alloc(struct ashlar_heap *heap, size_t bytes)
{
    void *p = ash_named_alloc(inner(heap), 16, bytes);
    return p ? p : ash_alloc_fail(bytes);
}

void *ashlar_heap_aligned_alloc(struct ashlar_heap *heap, size_t align, size_t bytes)
{
    if (!ash_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    void *p = align <= ASH_REGION_BYTES / 2 ? ash_named_alloc(inner(heap), align, bytes) : NULL;
    return p ? p : ash_alloc_fail(bytes);
}

void ashlar_heap_free(struct ashlar_heap *heap, void *p)
{
    (void)heap; /* a block knows where it belongs */
    ash_fast_free(p);
}

void ashlar_heap_free_all(struct ashlar_heap *heap)
{
    ash_named_free_all(inner(heap));
}

void ashlar_heap_destroy(struct ashlar_heap *heap)
{
    if (heap)
        ash_named_destroy(inner(heap));
}

ASH_RARE size_t ashlar_stats(struct ashlar_stats *ret_stats, size_t bytes)
{
    struct ash_count count;
    ash_count_all(&count);
    struct ashlar_stats stats = {
        .malloc_count = count.malloc_count,
        .free_count = count.free_count,
        .remote_free_count = count.remote_free_count,
        .fail_count = count.fail_count,
        .misuse_count = atomic_load_explicit(&ash_misuse_count, memory_order_relaxed),
        .live_blocks = count.live_blocks,
        .live_bytes = count.live_bytes,
        .mapped_bytes = count.mapped_bytes,
        .committed_bytes = count.committed_bytes,
        .peak_committed_bytes = count.peak_committed_bytes,
        .dirty_bytes = count.dirty_bytes,
        .purged_bytes = count.purged_bytes,
        .limit_bytes = count.limit_bytes,
    };
    memcpy(ret_stats, &stats, ash_size_min(bytes, sizeof(stats)));
    return sizeof(stats);
}

size_t ashlar_trim(void)
{
    return ash_threads_trim();
}

void ashlar_idle(void)
{
    ash_thread_idle();
}

uint64_t ashlar_limit(uint64_t bytes)
{
    int64_t limit = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
    return (uint64_t)atomic_exchange_explicit(&ash_space_count.limit_bytes, limit,
                                              memory_order_relaxed);
}

int ashlar_start_reaper(void)
{
    return ash_reaper_start();
}
