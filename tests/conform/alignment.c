/* alignment.c: 16 bytes for every size, every power of two up to 512 MiB exactly (F18). */
#include "entry.h"

/* Half a region; 512 MiB in every product. */
#ifndef CONFORM_ALIGN_MAX_SHIFT
#define CONFORM_ALIGN_MAX_SHIFT 29
#endif

static void every_size_is_aligned(void)
{
    enum { HELD = 8 };
    void *held[HELD] = {NULL};
    for (size_t bytes = 0; bytes <= 70000; bytes += bytes < 2100 ? 1 : 13)
        for (size_t e = 0; e < N_ENTRIES; e++) {
            unsigned char *p = entries[e].get(bytes);
            CHECK_THAT(p != NULL, "%s of %zu", entries[e].name, bytes);
            CHECK_THAT(conform_is_aligned(p, entries[e].align), "%s of %zu: %p", entries[e].name,
                       bytes, (void *)p);
            if (bytes)
                p[0] = p[bytes - 1] = 1;
            free(held[(bytes + e) % HELD]);
            held[(bytes + e) % HELD] = p;
        }
    for (size_t i = 0; i < HELD; i++)
        free(held[i]);
}

static void large_sizes_are_aligned(void)
{
    for (size_t bytes = 65536; bytes <= (size_t)600 << 20; bytes += bytes / 7 + 1)
        for (size_t e = 0; e < N_ENTRIES; e++) {
            unsigned char *p = entries[e].get(bytes);
            CHECK_THAT(p != NULL, "%s of %zu", entries[e].name, bytes);
            CHECK_THAT(conform_is_aligned(p, entries[e].align), "%s of %zu: %p", entries[e].name,
                       bytes, (void *)p);
            p[0] = p[bytes - 1] = 1;
            free(p);
        }
}

static void *by_memalign(size_t align, size_t bytes)
{
    return memalign(align, bytes);
}

static void *by_aligned_alloc(size_t align, size_t bytes)
{
    return aligned_alloc(align, bytes);
}

static void *by_posix_memalign(size_t align, size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, align, bytes) == 0 ? p : NULL;
}

static void *(*const aligners[])(size_t, size_t) = {by_memalign, by_aligned_alloc,
                                                    by_posix_memalign};

/* Two at a time: the second must not find the first one's place by luck. */
static void check_align(void *(*get)(size_t, size_t), size_t align, size_t bytes)
{
    unsigned char *p = get(align, bytes), *q = get(align, bytes);
    CHECK_THAT(p && q, "align %zu size %zu", align, bytes);
    CHECK_THAT(p != q, "align %zu size %zu", align, bytes);
    CHECK_THAT(conform_is_aligned(p, align) && conform_is_aligned(q, align),
               "align %zu size %zu: %p %p", align, bytes, (void *)p, (void *)q);
    CHECK_THAT(malloc_usable_size(p) >= bytes, "align %zu size %zu", align, bytes);
    if (bytes) {
        p[0] = p[bytes - 1] = 1;
        q[0] = q[bytes - 1] = 2;
        CHECK_THAT(p[0] == 1 && p[bytes - 1] == 1, "align %zu size %zu", align, bytes);
    }
    free(p);
    free(q);
}

static void every_power_of_two_is_met(void)
{
    for (unsigned shift = 3; shift <= CONFORM_ALIGN_MAX_SHIFT; shift++) {
        size_t align = (size_t)1 << shift;
        const size_t sizes[] = {0, 1, 40, align / 2, align - 1, align, align + 1, align / 2 * 3};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (size_t k = 0; k < 3 && sizes[i] <= (size_t)600 << 20; k++)
                check_align(aligners[k], align, sizes[i]);
    }
}

static void many_sizes_at_many_alignments(void)
{
    for (unsigned shift = 4; shift <= 17; shift++)
        for (size_t bytes = 0; bytes <= 150000; bytes += bytes / 5 + 1)
            for (size_t k = 0; k < 3; k++)
                check_align(aligners[k], (size_t)1 << shift, bytes);
}

static void small_alignments_of_memalign(void)
{
    static const size_t aligns[] = {0, 1, 2, 4, 8, 16};
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        void *p = memalign(aligns[i], 5);
        CHECK_THAT(p && conform_is_aligned(p, 16), "align %zu: %p", aligns[i], p);
        free(p);
    }
}

static void above_the_largest_is_enomem(void)
{
    ONLY_ON_ASHLAR(); /* glibc serves 1 GiB and more */
    for (unsigned shift = CONFORM_ALIGN_MAX_SHIFT + 1; shift < 64; shift++) {
        size_t align = conform_opaque((size_t)1 << shift);
        for (size_t bytes = 0; bytes <= 8192; bytes += 4096) {
            errno = 0;
            CHECK_THAT(memalign(align, bytes) == NULL && errno == ENOMEM, "2^%u", shift);
            errno = 0;
            CHECK_THAT(aligned_alloc(align, bytes) == NULL && errno == ENOMEM, "2^%u", shift);
            void *p = &align;
            errno = 83;
            CHECK_THAT(posix_memalign(&p, align, bytes) == ENOMEM, "2^%u", shift);
            CHECK(p == &align && errno == 83);
        }
    }
}

static const struct conform_case cases[] = {
    {"every size up to 70000 is aligned, from every function", every_size_is_aligned},
    {"large and huge sizes are aligned, from every function", large_sizes_are_aligned},
    {"every power of two up to 512 MiB is met", every_power_of_two_is_met},
    {"many sizes at many alignments", many_sizes_at_many_alignments},
    {"memalign with an alignment up to 16 gives 16", small_alignments_of_memalign},
    {"alignments above 512 MiB: ENOMEM", above_the_largest_is_enomem},
};

CONFORM_MAIN(cases)
