/* errno.c: a successful call leaves errno alone (F3, F20); a failed one sets it (F12). */
#include "entry.h"

static const size_t sizes[] = {0,
                               1,
                               8,
                               16,
                               17,
                               1024,
                               1025,
                               32768,
                               65536,
                               65537,
                               1 << 20,
                               16 << 20,
                               1 << 26,
                               1 << 29,
                               /* above half a region: a mapping of its own */ 600u << 20};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static void success_leaves_errno(void)
{
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < N_SIZES; i++) {
            errno = 77;
            void *p = entries[e].get(sizes[i]);
            int after = errno;
            CHECK_THAT(p != NULL, "%s of %zu", entries[e].name, sizes[i]);
            CHECK_THAT(after == 77, "%s of %zu: errno %d", entries[e].name, sizes[i], after);
            free(p);
        }
}

static void free_leaves_errno(void)
{
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < N_SIZES; i++) {
            void *p = entries[e].get(sizes[i]);
            errno = 78;
            free(p);
            CHECK_THAT(errno == 78, "%s of %zu: errno %d", entries[e].name, sizes[i], errno);
        }
}

static void refill_and_release_leave_errno(void)
{
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    errno = 79;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(16 + i % 900);
        CHECK(blocks[i] && errno == 79);
    }
    for (size_t i = 0; i < COUNT; i++) {
        free(blocks[i]);
        CHECK(errno == 79);
    }
}

static void realloc_success_leaves_errno(void)
{
    void *p = NULL;
    errno = 80;
    for (size_t i = 0; i < N_SIZES; i++) {
        p = realloc(p, sizes[i] + 1);
        CHECK_THAT(p && errno == 80, "to %zu: errno %d", sizes[i] + 1, errno);
    }
    for (size_t i = N_SIZES; i-- > 0;) {
        p = realloc(p, sizes[i] + 1);
        CHECK_THAT(p && errno == 80, "to %zu: errno %d", sizes[i] + 1, errno);
    }
    free(p);
}

static void too_large_is_enomem_everywhere(void)
{
    static const size_t too_large[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX,        SIZE_MAX - 1,
                                       SIZE_MAX - 15,           SIZE_MAX - 4095, SIZE_MAX - 65536};
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
            errno = 0;
            void *p = entries[e].get(conform_opaque(too_large[i]));
            CHECK_THAT(p == NULL, "%s of %zx", entries[e].name, too_large[i]);
            CHECK_THAT(errno == ENOMEM, "%s of %zx: errno %d", entries[e].name, too_large[i],
                       errno);
        }
}

static void more_than_the_address_space_is_enomem(void)
{
    static const size_t huge[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX - 4096, (size_t)1 << 60,
                                  (size_t)1 << 50, (size_t)1 << 48};
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
            errno = 0;
            void *p = entries[e].get(conform_opaque(huge[i]));
            CHECK_THAT(p == NULL, "%s of %zx", entries[e].name, huge[i]);
            CHECK_THAT(errno == ENOMEM, "%s of %zx: errno %d", entries[e].name, huge[i], errno);
        }
}

static void a_failed_realloc_keeps_the_block(void)
{
    static const size_t from[] = {1, 100, 5000, 70000, 9 << 20};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        unsigned char *p = malloc(from[i]);
        conform_fill(p, from[i], 5);
        errno = 0;
        CHECK(realloc(p, conform_opaque((size_t)PTRDIFF_MAX + 1)) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(realloc(p, conform_opaque((size_t)1 << 50)) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(reallocarray(p, conform_opaque((size_t)1 << 33), (size_t)1 << 33) == NULL);
        CHECK(errno == ENOMEM);
        CHECK_THAT(conform_lost(p, from[i], from[i], 5) < 0, "block of %zu", from[i]);
        free(p);
    }
}

static void usable_size_leaves_errno(void)
{
    errno = 81;
    CHECK(malloc_usable_size(NULL) == 0 && errno == 81);
    for (size_t i = 0; i < N_SIZES; i++) {
        void *p = malloc(sizes[i]);
        errno = 82;
        CHECK(malloc_usable_size(p) >= sizes[i] && errno == 82);
        free(p);
    }
}

static const struct conform_case cases[] = {
    {"a successful call leaves errno alone", success_leaves_errno},
    {"free leaves errno alone", free_leaves_errno},
    {"refills and releases leave errno alone", refill_and_release_leave_errno},
    {"a successful realloc leaves errno alone", realloc_success_leaves_errno},
    {"malloc_usable_size leaves errno alone", usable_size_leaves_errno},
    {"sizes above PTRDIFF_MAX: NULL and ENOMEM from every function",
     too_large_is_enomem_everywhere},
    {"sizes above the address space: NULL and ENOMEM from every function",
     more_than_the_address_space_is_enomem},
    {"a failed realloc keeps the old block and its bytes", a_failed_realloc_keeps_the_block},
};

CONFORM_MAIN(cases)
