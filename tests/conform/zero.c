/* zero.c: calloc is zero wherever its memory was before (F22). */
#include "conform.h"
#include <pthread.h>

static const size_t sizes[] = {1,     7,     8,      16,      24,      64,      100,
                               512,   1024,  3000,   8192,    9000,    32768,   40000,
                               65536, 65537, 200000, 1 << 20, 5 << 20, 40 << 20};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static void fresh_memory(void)
{
    for (size_t i = 0; i < N_SIZES; i++) {
        unsigned char *p = calloc(1, sizes[i]);
        CHECK(p != NULL);
        CHECK_THAT(conform_stale(p, sizes[i]) < 0, "%zu", sizes[i]);
        free(p);
    }
}

static void recycled_at_once(void)
{
    for (size_t i = 0; i < N_SIZES; i++)
        for (unsigned round = 0; round < 4; round++) {
            void *p = malloc(sizes[i]);
            memset(p, 0xa5, sizes[i]);
            free(p);
            unsigned char *q = calloc(sizes[i], 1);
            CHECK_THAT(conform_stale(q, sizes[i]) < 0, "%zu, round %u", sizes[i], round);
            memset(q, 0x5a, sizes[i]);
            free(q);
        }
}

enum { MANY = 4096 };
static unsigned char *blocks[MANY];

/* How many blocks of a size make about 8 MiB. */
static size_t many_of(size_t bytes)
{
    size_t n = ((size_t)8 << 20) / bytes;
    return n < 2 ? 2 : n > MANY ? MANY : n;
}

static void recycled_in_bulk(void)
{
    for (size_t i = 0; i < N_SIZES; i++)
        for (unsigned round = 0; round < 3; round++) {
            size_t n = many_of(sizes[i]);
            for (size_t k = 0; k < n; k++) {
                blocks[k] = malloc(sizes[i]);
                memset(blocks[k], 0xc3, sizes[i]);
            }
            for (size_t k = 0; k < n; k++) /* every third stays until the end */
                if (k % 3 != round)
                    free(blocks[k]);
            for (size_t k = 0; k < n; k++)
                if (k % 3 != round) {
                    blocks[k] = calloc(1, sizes[i]);
                    CHECK_THAT(conform_stale(blocks[k], sizes[i]) < 0, "%zu, block %zu", sizes[i],
                               k);
                }
            for (size_t k = 0; k < n; k++)
                free(blocks[k]);
        }
}

static void after_the_memory_was_given_back(void)
{
    for (size_t i = 0; i < N_SIZES; i++) {
        size_t n = many_of(sizes[i]);
        for (size_t k = 0; k < n; k++)
            memset(blocks[k] = malloc(sizes[i]), 0x77, sizes[i]);
        for (size_t k = 0; k < n; k++)
            if (k % 64) /* sparse survivors: holes, not whole pages, are given back */
                free(blocks[k]);
        malloc_trim(0);
        for (size_t k = 0; k < n; k++)
            if (k % 64) {
                blocks[k] = calloc(1, sizes[i]);
                CHECK_THAT(conform_stale(blocks[k], sizes[i]) < 0, "%zu, block %zu", sizes[i], k);
            }
        for (size_t k = 0; k < n; k++)
            free(blocks[k]);
        malloc_trim(0);
    }
}

static size_t remote_bytes, remote_n;

static void *free_all(void *unused)
{
    for (size_t k = 0; k < remote_n; k++)
        free(blocks[k]);
    return unused;
}

static void freed_by_another_thread(void)
{
    for (size_t i = 0; i < N_SIZES; i++) {
        remote_bytes = sizes[i];
        remote_n = many_of(sizes[i]);
        for (size_t k = 0; k < remote_n; k++)
            memset(blocks[k] = malloc(remote_bytes), 0xee, remote_bytes);
        pthread_t other;
        CHECK(pthread_create(&other, NULL, free_all, NULL) == 0);
        CHECK(pthread_join(other, NULL) == 0);
        for (size_t k = 0; k < remote_n; k++) {
            blocks[k] = calloc(1, remote_bytes);
            CHECK_THAT(conform_stale(blocks[k], remote_bytes) < 0, "%zu, block %zu", remote_bytes,
                       k);
        }
        free_all(NULL);
    }
}

static const char *other_failed;

/* Dirties its own heap and ends: whoever adopts it finds old bytes. */
static void *make_dirt(void *unused)
{
    enum { N = 300 };
    void *own[N];
    for (size_t i = 0; i < N_SIZES && sizes[i] <= 65536; i++) {
        for (size_t k = 0; k < N; k++)
            memset(own[k] = malloc(sizes[i]), 0xdd, sizes[i]);
        for (size_t k = 0; k < N; k++)
            free(own[k]);
    }
    return unused;
}

static void *find_dirt(void *unused)
{
    enum { N = 300 };
    void *own[N];
    for (size_t i = 0; i < N_SIZES && sizes[i] <= 65536; i++) {
        for (size_t k = 0; k < N; k++)
            if (conform_stale(own[k] = calloc(1, sizes[i]), sizes[i]) >= 0)
                other_failed = "stale bytes in an adopted heap";
        for (size_t k = 0; k < N; k++)
            free(own[k]);
    }
    return unused;
}

static void left_by_a_thread_that_ended(void)
{
    for (unsigned round = 0; round < 4; round++) {
        pthread_t first, second;
        CHECK(pthread_create(&first, NULL, make_dirt, NULL) == 0);
        CHECK(pthread_join(first, NULL) == 0);
        CHECK(pthread_create(&second, NULL, find_dirt, NULL) == 0);
        CHECK(pthread_join(second, NULL) == 0);
        CHECK(other_failed == NULL);
    }
}

static void huge_memory(void)
{
    for (unsigned round = 0; round < 3; round++) {
        size_t bytes = (size_t)600 << 20;
        unsigned char *p = calloc(1, bytes);
        CHECK(p != NULL);
        for (size_t i = 0; i < bytes; i += 65536)
            CHECK(p[i] == 0 && p[bytes - 1 - i] == 0);
        for (size_t i = 0; i < bytes; i += 1 << 20)
            p[i] = 1;
        free(p);
    }
}

static void after_a_shrunk_and_grown_realloc(void)
{
    for (unsigned round = 0; round < 4; round++) {
        unsigned char *p = malloc(8 << 20);
        memset(p, 0x99, 8 << 20);
        p = realloc(p, 300000); /* the tail is free and full of 0x99 */
        unsigned char *q = calloc(1, 7 << 20);
        CHECK(p && q && conform_stale(q, 7 << 20) < 0);
        memset(q, 0x98, 7 << 20);
        free(q);
        free(p);
    }
}

static const struct conform_case cases[] = {
    {"calloc of fresh memory is zero", fresh_memory},
    {"calloc of a block just freed is zero", recycled_at_once},
    {"calloc of many blocks just freed is zero", recycled_in_bulk},
    {"calloc is zero after malloc_trim", after_the_memory_was_given_back},
    {"calloc of blocks that another thread freed is zero", freed_by_another_thread},
    {"calloc of what an ended thread left is zero", left_by_a_thread_that_ended},
    {"calloc of 600 MiB is zero", huge_memory},
    {"calloc of the tail of a shrunk block is zero", after_a_shrunk_and_grown_realloc},
};

CONFORM_MAIN(cases)
