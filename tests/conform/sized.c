/* sized.c: C23's free_sized and free_aligned_sized. glibc 2.36 has none: skipped there. */
#include "conform.h"

#pragma weak free_sized
#pragma weak free_aligned_sized
extern void free_sized(void *p, size_t bytes);
extern void free_aligned_sized(void *p, size_t align, size_t bytes);

#define ONLY_WHERE_THEY_EXIST()                                                                    \
    do {                                                                                           \
        if (!free_sized || !free_aligned_sized)                                                    \
            SKIP("the C library has none");                                                        \
    } while (0)

static void both_exist_or_none(void)
{
    CHECK((free_sized != NULL) == (free_aligned_sized != NULL));
    CHECK(!conform_on_ashlar() || free_sized);
}

static void of_null_do_nothing(void)
{
    ONLY_WHERE_THEY_EXIST();
    errno = 96;
    for (size_t n = 0; n < 100; n++) {
        free_sized(NULL, n);
        free_aligned_sized(NULL, 64, n);
    }
    CHECK(errno == 96);
}

static void free_what_malloc_gave(void)
{
    ONLY_WHERE_THEY_EXIST();
    for (size_t bytes = 0; bytes <= (size_t)700 << 20; bytes += bytes / 6 + 1)
        for (unsigned round = 0; round < 3; round++) {
            unsigned char *p = round == 0   ? malloc(bytes)
                               : round == 1 ? calloc(1, bytes)
                                            : realloc(malloc(9), bytes ? bytes : 1);
            CHECK_THAT(p != NULL, "%zu", bytes);
            errno = 97;
            free_sized(p, round == 2 && bytes == 0 ? 1 : bytes);
            CHECK_THAT(errno == 97, "%zu: errno %d", bytes, errno);
        }
}

static void free_what_aligned_alloc_gave(void)
{
    ONLY_WHERE_THEY_EXIST();
    for (size_t align = 16; align <= (size_t)4 << 20; align *= 2)
        for (size_t bytes = 0; bytes <= (size_t)20 << 20; bytes += bytes / 2 + 1) {
            void *p = aligned_alloc(align, bytes);
            CHECK_THAT(p != NULL, "%zu %zu", align, bytes);
            errno = 98;
            free_aligned_sized(p, align, bytes);
            CHECK_THAT(errno == 98, "%zu %zu: errno %d", align, bytes, errno);
        }
}

static void free_a_grown_block_with_its_last_size(void)
{
    ONLY_WHERE_THEY_EXIST();
    size_t last = 1;
    void *p = malloc(last);
    for (size_t bytes = 2; bytes < (size_t)4 << 20; bytes += bytes / 3 + 1) {
        p = realloc(p, bytes);
        last = bytes;
    }
    free_sized(p, last);
    p = malloc(5 << 20); /* shrunk in place, the block may be larger than its class */
    for (size_t bytes = (size_t)5 << 20; bytes > 10; bytes -= bytes / 4) {
        p = realloc(p, bytes);
        last = bytes;
    }
    free_sized(p, last);
}

static void shrunk_a_little(void)
{
    ONLY_WHERE_THEY_EXIST();
    for (size_t bytes = 40; bytes <= 1 << 20; bytes += bytes / 4) {
        void *p = realloc(malloc(bytes), bytes - bytes / 10);
        free_sized(p, bytes - bytes / 10);
    }
}

static const struct conform_case cases[] = {
    {"free_sized and free_aligned_sized come together", both_exist_or_none},
    {"free_sized(NULL, n) does nothing", of_null_do_nothing},
    {"free_sized frees what malloc, calloc, realloc gave", free_what_malloc_gave},
    {"free_aligned_sized frees what aligned_alloc gave", free_what_aligned_alloc_gave},
    {"free_sized takes the size of the last realloc", free_a_grown_block_with_its_last_size},
    {"free_sized takes the size of a realloc that shrank a little", shrunk_a_little},
};

CONFORM_MAIN(cases)
