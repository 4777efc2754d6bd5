/* overflow.c: products and sums that wrap are refused with ENOMEM (F17). */
#include "conform.h"

static const struct {
    size_t count, bytes;
} products[] = {
    {SIZE_MAX, 2},
    {2, SIZE_MAX},
    {SIZE_MAX, SIZE_MAX},
    {(size_t)1 << 33, (size_t)1 << 33},
    {(size_t)1 << 32, (size_t)1 << 32},
    {SIZE_MAX / 2, 2},
    {SIZE_MAX / 16 + 1, 16},
    {SIZE_MAX / 7 + 1, 7},
    {((size_t)1 << 63) / 48 * 2 + 1, 96},
    {(size_t)PTRDIFF_MAX / 2 + 1, 2},
};
#define N_PRODUCTS (sizeof products / sizeof products[0])

static void calloc_refuses_products_that_wrap(void)
{
    for (size_t i = 0; i < N_PRODUCTS; i++) {
        errno = 0;
        void *p = calloc(conform_opaque(products[i].count), conform_opaque(products[i].bytes));
        CHECK_THAT(p == NULL && errno == ENOMEM, "%zx * %zx", products[i].count, products[i].bytes);
    }
}

static void reallocarray_refuses_products_that_wrap(void)
{
    void *old = malloc(40);
    memset(old, 0x5a, 40);
    for (size_t i = 0; i < N_PRODUCTS; i++) {
        errno = 0;
        void *p = reallocarray(NULL, products[i].count, products[i].bytes);
        CHECK_THAT(p == NULL && errno == ENOMEM, "%zx * %zx", products[i].count, products[i].bytes);
        errno = 0;
        CHECK(reallocarray(old, products[i].count, products[i].bytes) == NULL);
        CHECK(errno == ENOMEM);
    }
    for (size_t i = 0; i < 40; i++)
        CHECK(((unsigned char *)old)[i] == 0x5a);
    free(old);
}

static void a_product_of_zero_does_not_wrap(void)
{
    void *p = calloc(conform_opaque(SIZE_MAX), 0);
    void *q = calloc(0, conform_opaque(SIZE_MAX));
    CHECK(p && q && p != q);
    free(p);
    free(q);
}

static void aligned_sums_that_wrap(void)
{
    static const size_t aligns[] = {32, 64, 4096, 65536, 1 << 20, 1 << 29};
    static const size_t sizes[] = {SIZE_MAX,
                                   SIZE_MAX - 31,
                                   SIZE_MAX - 4096,
                                   (size_t)PTRDIFF_MAX + 1,
                                   PTRDIFF_MAX,
                                   (size_t)PTRDIFF_MAX - 4096,
                                   (size_t)PTRDIFF_MAX - (1 << 29)};
    for (size_t a = 0; a < sizeof aligns / sizeof aligns[0]; a++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            size_t bytes = conform_opaque(sizes[s]);
            errno = 0;
            CHECK(memalign(aligns[a], bytes) == NULL && errno == ENOMEM);
            errno = 0;
            CHECK(aligned_alloc(aligns[a], bytes) == NULL && errno == ENOMEM);
            void *p = &errno;
            CHECK(posix_memalign(&p, aligns[a], bytes) == ENOMEM && p == &errno);
        }
}

static void memalign_of_the_largest_alignment(void)
{
    ONLY_ON_ASHLAR(); /* CVE-2026-0861 in glibc 2.30 to 2.42 */
    static const size_t aligns[] = {(size_t)1 << 63, ((size_t)1 << 63) + 1, SIZE_MAX,
                                    (size_t)1 << 62};
    static const size_t sizes[] = {0, 1, (size_t)PTRDIFF_MAX - 4096, PTRDIFF_MAX, SIZE_MAX};
    for (size_t a = 0; a < sizeof aligns / sizeof aligns[0]; a++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            errno = 0;
            CHECK_THAT(memalign(conform_opaque(aligns[a]), conform_opaque(sizes[s])) == NULL,
                       "align %zx size %zx", aligns[a], sizes[s]);
            bool can_be_rounded = aligns[a] <= (size_t)1 << 63;
            CHECK_THAT(errno == (can_be_rounded ? ENOMEM : EINVAL), "align %zx size %zx errno %d",
                       aligns[a], sizes[s], errno);
        }
}

static void pvalloc_rounding_does_not_wrap(void)
{
    static const size_t sizes[] = {
        SIZE_MAX,        SIZE_MAX - 1, SIZE_MAX - 4094,           SIZE_MAX - 4095,
        SIZE_MAX - 4096, PTRDIFF_MAX,  (size_t)PTRDIFF_MAX - 4095};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        errno = 0;
        CHECK_THAT(pvalloc(conform_opaque(sizes[i])) == NULL && errno == ENOMEM, "%zx", sizes[i]);
        errno = 0;
        CHECK_THAT(valloc(conform_opaque(sizes[i])) == NULL && errno == ENOMEM, "%zx", sizes[i]);
    }
}

static const struct conform_case cases[] = {
    {"calloc refuses products that wrap", calloc_refuses_products_that_wrap},
    {"reallocarray refuses products that wrap and keeps the block",
     reallocarray_refuses_products_that_wrap},
    {"calloc(SIZE_MAX, 0) does not wrap", a_product_of_zero_does_not_wrap},
    {"alignment plus size that wraps is refused", aligned_sums_that_wrap},
    {"memalign(2^63, n): ENOMEM; above 2^63: EINVAL", memalign_of_the_largest_alignment},
    {"valloc and pvalloc near SIZE_MAX are refused", pvalloc_rounding_does_not_wrap},
};

CONFORM_MAIN(cases)
