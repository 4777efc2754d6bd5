/* churn.c: threads that allocate, exchange, verify and free blocks; see churn.h. */
#include "churn.h"
#include "storm.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD sizeof(struct churn_block)

static void *get(uint64_t x, size_t bytes)
{
    void *p;
    errno = 0;
    switch (x % 8) {
    case 0:
        p = calloc(1, bytes);
        STORM_REQUIRE(!p || bytes > 65536 || storm_is_zero(p, bytes), "calloc(%zu) is not zero",
                      bytes);
        break;
    case 1: {
        size_t align = (size_t)16 << (x >> 8) % 9;
        p = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
        STORM_REQUIRE(((uintptr_t)p & (align - 1)) == 0, "aligned_alloc(%zu) gave %p", align, p);
        break;
    }
    default:
        p = malloc(bytes);
    }
    STORM_REQUIRE(p || errno == ENOMEM, "NULL for %zu bytes, but errno is %d", bytes, errno);
    STORM_REQUIRE(((uintptr_t)p & 15) == 0, "%zu bytes at %p", bytes, p);
    return p;
}

static void describe(struct churn_block *block, size_t n, uint32_t tag)
{
    block->n_bytes = (uint32_t)n;
    block->tag = tag;
    storm_fill(block->bytes, n, tag);
}

static void verify(const struct churn_block *block)
{
    STORM_REQUIRE(storm_is_filled(block->bytes, block->n_bytes, block->tag),
                  "block %p of %u bytes, tag %u, was overwritten", (const void *)block,
                  block->n_bytes, block->tag);
}

struct churn_block *churn_make(uint64_t *state, size_t n)
{
    uint64_t x = storm_random(state);
    struct churn_block *block = get(x, HEAD + n);
    if (block)
        describe(block, n, (uint32_t)(x >> 32));
    return block;
}

void churn_drop(struct churn_block *block)
{
    if (!block)
        return;
    verify(block);
    free(block);
}

struct churn_block *churn_resize(struct churn_block *block, size_t n)
{
    verify(block);
    errno = 0;
    struct churn_block *moved = realloc(block, HEAD + n);
    STORM_REQUIRE(moved || errno == ENOMEM, "realloc gave NULL, errno %d", errno);
    if (!moved) {
        verify(block);
        return block;
    }
    size_t kept = moved->n_bytes < n ? moved->n_bytes : n;
    /* the pattern of a long block reads both ends, so what stayed is compared by its front */
    size_t front = kept > 64 ? 64 : kept;
    for (size_t i = 0; i < front; i++)
        STORM_REQUIRE(moved->bytes[i] == (unsigned char)(moved->tag * 31 + i * 7),
                      "realloc from %u to %zu changed byte %zu", moved->n_bytes, n, i);
    describe(moved, n, moved->tag + 1);
    return moved;
}

void churn_step(struct churn_pool *pool, uint64_t *state)
{
    uint64_t x = storm_random(state);
    struct churn_block *fresh = churn_make(state, storm_pick_size(state, pool->size_max));
    if (!fresh)
        atomic_fetch_add_explicit(&pool->n_refused, 1, memory_order_relaxed);
    else if (x % 16 == 0)
        fresh = churn_resize(fresh, storm_pick_size(state, pool->size_max));
    /* acq_rel: the block travels with what was written into it; pairs with itself */
    churn_drop(atomic_exchange_explicit(&pool->slots[(x >> 8) % CHURN_SLOTS], fresh,
                                        memory_order_acq_rel));
    atomic_fetch_add_explicit(&pool->n_steps, 1, memory_order_relaxed);
}

static void *churn_thread(void *arg)
{
    struct churn_pool *pool = arg;
    uint64_t state = storm_seed((uint64_t)pthread_self());
    if (pool->niceness && nice(pool->niceness) < 0)
        errno = 0; /* only slower */
    while (!atomic_load_explicit(&pool->stop, memory_order_relaxed))
        churn_step(pool, &state);
    return NULL;
}

unsigned churn_start(struct churn_pool *pool, unsigned n_threads, size_t size_max)
{
    pool->size_max = size_max;
    pool->n_threads = 0;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024); /* many fit under an address limit */
    for (unsigned i = 0; i < n_threads && i < CHURN_THREADS_MAX; i++)
        if (pthread_create(&pool->threads[pool->n_threads], &attr, churn_thread, pool) == 0)
            pool->n_threads++;
    pthread_attr_destroy(&attr);
    return pool->n_threads;
}

void churn_stop(struct churn_pool *pool)
{
    atomic_store_explicit(&pool->stop, true, memory_order_relaxed);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    pool->n_threads = 0;
    atomic_store_explicit(&pool->stop, false, memory_order_relaxed);
}

void churn_empty(struct churn_pool *pool)
{
    for (unsigned i = 0; i < CHURN_SLOTS; i++)
        /* acquire; pairs with the release in churn_step */
        churn_drop(atomic_exchange_explicit(&pool->slots[i], NULL, memory_order_acquire));
}
