/* aligned.c: the corners of aligned_alloc, posix_memalign, memalign, valloc, pvalloc (F18, F19). */
#include "conform.h"

static size_t os_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void aligned_alloc_refuses_no_power_of_two(void)
{
    ONLY_ON_ASHLAR(); /* glibc 2.36 accepts them, later ones do not */
    static const size_t aligns[] = {0, 3, 5, 6, 7, 24, 48, 100, 4097, SIZE_MAX};
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        errno = 0;
        CHECK_THAT(aligned_alloc(conform_opaque(aligns[i]), 96) == NULL, "align %zu", aligns[i]);
        CHECK_THAT(errno == EINVAL, "align %zu errno %d", aligns[i], errno);
    }
}

static void aligned_alloc_takes_any_size(void)
{
    /* C17 dropped "the size shall be a multiple of the alignment". */
    void *p = aligned_alloc(64, 65), *q = aligned_alloc(4096, 1);
    CHECK(p && q && conform_is_aligned(p, 64) && conform_is_aligned(q, 4096));
    free(p);
    free(q);
}

static void zero_sizes_are_unique_and_aligned(void)
{
    for (size_t align = 16; align <= 8192; align *= 2) {
        void *a = aligned_alloc(align, 0), *b = aligned_alloc(align, 0), *c = NULL;
        CHECK(posix_memalign(&c, align, 0) == 0);
        void *d = memalign(align, 0);
        CHECK(a && b && c && d);
        CHECK(a != b && a != c && a != d && b != c && b != d && c != d);
        CHECK(conform_is_aligned(a, align) && conform_is_aligned(c, align));
        CHECK(conform_is_aligned(b, align) && conform_is_aligned(d, align));
        free(a);
        free(b);
        free(c);
        free(d);
    }
}

static void posix_memalign_refuses_bad_alignments(void)
{
    static const size_t aligns[] = {0, 1, 2, 3, 4, 5, 7, 9, 12, 24, 40, 4095, SIZE_MAX};
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        void *p = &p;
        errno = 84;
        int code = posix_memalign(&p, conform_opaque(aligns[i]), 64);
        CHECK_THAT(code == EINVAL, "align %zu: %d", aligns[i], code);
        CHECK_THAT(p == &p && errno == 84, "align %zu errno %d", aligns[i], errno);
    }
}

static void posix_memalign_refused_leaves_all_alone(void)
{
    ONLY_ON_ASHLAR(); /* glibc sets errno as well */
    void *p = &p;
    errno = 85;
    CHECK(posix_memalign(&p, 64, conform_opaque(SIZE_MAX)) == ENOMEM && p == &p && errno == 85);
    CHECK(posix_memalign(&p, 64, conform_opaque((size_t)1 << 50)) == ENOMEM && p == &p);
    CHECK(errno == 85);
}

static void posix_memalign_takes_the_size_of_a_pointer(void)
{
    void *p = NULL;
    CHECK(posix_memalign(&p, sizeof(void *), 3) == 0);
    CHECK(conform_is_aligned(p, 16));
    free(p);
}

static void memalign_rounds_the_alignment_up(void)
{
    static const struct {
        size_t asked, met;
    } rows[] = {{3, 16},    {17, 32},     {24, 32},        {33, 64},          {48, 64},
                {100, 128}, {4097, 8192}, {65537, 131072}, {1000000, 1 << 20}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        errno = 86;
        void *p = memalign(rows[i].asked, 100);
        CHECK_THAT(p && conform_is_aligned(p, rows[i].met), "%zu: %p", rows[i].asked, p);
        CHECK(errno == 86);
        free(p);
    }
}

static void valloc_is_page_aligned(void)
{
    static const size_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 100000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *p = valloc(sizes[i]), *q = valloc(sizes[i]);
        CHECK(p && q && p != q);
        CHECK(conform_is_aligned(p, os_page()) && conform_is_aligned(q, os_page()));
        CHECK(malloc_usable_size(p) >= sizes[i]);
        free(p);
        free(q);
    }
}

static void pvalloc_rounds_the_size_up(void)
{
    static const size_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 100000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t rounded = (sizes[i] + os_page() - 1) / os_page() * os_page();
        unsigned char *p = pvalloc(sizes[i]), *q = pvalloc(sizes[i]);
        CHECK(p && q && p != q);
        CHECK(conform_is_aligned(p, os_page()) && conform_is_aligned(q, os_page()));
        CHECK_THAT(malloc_usable_size(p) >= rounded, "%zu", sizes[i]);
        memset(p, 1, rounded);
        free(p);
        free(q);
    }
}

static void aligned_blocks_do_not_overlap(void)
{
    enum { COUNT = 300 };
    static unsigned char *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size_t align = (size_t)16 << i % 10, bytes = 1 + i * 37 % 3000;
        blocks[i] = memalign(align, bytes);
        CHECK(blocks[i]);
        conform_fill(blocks[i], bytes, (unsigned)i);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = 1 + i * 37 % 3000;
        CHECK_THAT(conform_lost(blocks[i], bytes, bytes, (unsigned)i) < 0, "block %zu", i);
        free(blocks[i]);
    }
}

static void alignment_wastes_no_whole_page(void)
{
    ONLY_ON_ASHLAR(); /* usable size tells: classes that the alignment divides */
    for (size_t bytes = 64; bytes <= 1024; bytes *= 2) {
        void *p = aligned_alloc(64, bytes);
        CHECK_THAT(malloc_usable_size(p) == bytes, "%zu: %zu", bytes, malloc_usable_size(p));
        free(p);
    }
}

static const struct conform_case cases[] = {
    {"aligned_alloc refuses what is no power of two: EINVAL",
     aligned_alloc_refuses_no_power_of_two},
    {"aligned_alloc takes a size that is no multiple", aligned_alloc_takes_any_size},
    {"aligned requests of zero bytes are unique and aligned", zero_sizes_are_unique_and_aligned},
    {"posix_memalign: EINVAL returned, pointer and errno untouched",
     posix_memalign_refuses_bad_alignments},
    {"posix_memalign: ENOMEM returned, pointer and errno untouched",
     posix_memalign_refused_leaves_all_alone},
    {"posix_memalign takes sizeof(void *)", posix_memalign_takes_the_size_of_a_pointer},
    {"memalign rounds the alignment up", memalign_rounds_the_alignment_up},
    {"valloc is aligned to the OS page", valloc_is_page_aligned},
    {"pvalloc rounds the size up to the OS page", pvalloc_rounds_the_size_up},
    {"aligned blocks do not overlap", aligned_blocks_do_not_overlap},
    {"an aligned request takes the class of its size", alignment_wastes_no_whole_page},
};

CONFORM_MAIN(cases)
