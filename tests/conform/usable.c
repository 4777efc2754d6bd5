/* usable.c: malloc_usable_size (F21), and the blocks of malloc(0) (F19). */
#include "entry.h"

static void of_null_is_zero(void)
{
    CHECK(malloc_usable_size(NULL) == 0);
}

static void at_least_the_request(void)
{
    for (size_t bytes = 0; bytes <= (size_t)700 << 20; bytes += bytes / 9 + 1)
        for (size_t e = 0; e < N_ENTRIES; e++) {
            void *p = entries[e].get(bytes);
            CHECK_THAT(p && malloc_usable_size(p) >= bytes, "%s of %zu", entries[e].name, bytes);
            free(p);
        }
}

static void every_byte_is_the_callers(void)
{
    enum { HELD = 64 };
    unsigned char *held[HELD];
    for (size_t bytes = 0; bytes <= 300000; bytes += bytes / 3 + 1) {
        for (unsigned i = 0; i < HELD; i++) {
            held[i] = entries[i % N_ENTRIES].get(bytes);
            memset(held[i], (int)i + 1, malloc_usable_size(held[i]));
        }
        for (unsigned i = 0; i < HELD; i++) {
            size_t n = malloc_usable_size(held[i]);
            for (size_t k = 0; k < n; k++)
                CHECK_THAT(held[i][k] == i + 1, "size %zu, block %u, byte %zu", bytes, i, k);
        }
        for (unsigned i = 0; i < HELD; i++)
            free(held[i]);
    }
}

static void stays_the_same_until_free(void)
{
    void *p = malloc(100);
    size_t before = malloc_usable_size(p);
    for (unsigned i = 0; i < 5000; i++) {
        void *q = malloc(i % 200);
        CHECK(malloc_usable_size(p) == before);
        free(q);
    }
    free(p);
}

static void grows_in_place_up_to_it(void)
{
    static const size_t sizes[] = {1, 20, 100, 1000, 5000, 40000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *p = malloc(sizes[i]);
        size_t n = malloc_usable_size(p);
        conform_fill(p, n, 6);
        p = realloc(p, n);
        CHECK_THAT(p && conform_lost(p, sizes[i], 0, 6) < 0, "%zu", sizes[i]);
        CHECK(malloc_usable_size(p) >= n);
        free(p);
    }
}

static void empty_blocks_are_unique(void)
{
    enum { COUNT = 500 };
    static void *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = i % 3 == 0 ? malloc(0) : i % 3 == 1 ? calloc(0, i) : calloc(i, 0);
        CHECK(blocks[i] && conform_is_aligned(blocks[i], 16));
        for (unsigned k = 0; k < i; k++)
            CHECK(blocks[k] != blocks[i]);
    }
    for (unsigned i = 0; i < COUNT; i++)
        free(blocks[i]);
}

static const struct conform_case cases[] = {
    {"malloc_usable_size(NULL) is 0", of_null_is_zero},
    {"malloc_usable_size is at least the request", at_least_the_request},
    {"every usable byte is the caller's", every_byte_is_the_callers},
    {"malloc_usable_size stays the same until free", stays_the_same_until_free},
    {"realloc to the usable size keeps the bytes", grows_in_place_up_to_it},
    {"malloc(0) and calloc(0, n) are unique and freeable", empty_blocks_are_unique},
};

CONFORM_MAIN(cases)
