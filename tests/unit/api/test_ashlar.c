/* test_ashlar.c: the ashlar_ calls keep what include/ashlar.h says. */
#include "ashlar.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_block_is_aligned_and_as_long_as_asked(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100000; n = n * 5 / 4 + 1) {
        void *p = ashlar_malloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(ashlar_usable_size(p) >= n);
        memset(p, 0xa5, ashlar_usable_size(p));
        ashlar_free(p);
    }
}

static void impossible_requests_are_refused_with_their_errno(void **state)
{
    (void)state;
    void *p = (void *)1;
    errno = 0;
    assert_null(ashlar_calloc(SIZE_MAX / 2, 3));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(ashlar_aligned_alloc(3, 10));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(ashlar_memalign((SIZE_MAX >> 1) + 2, 10));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(ashlar_posix_memalign(&p, 4, 10), EINVAL);
    assert_int_equal(ashlar_posix_memalign(&p, 16, PTRDIFF_MAX), ENOMEM);
    assert_ptr_equal(p, (void *)1);
    assert_int_equal(errno, 0);
    assert_null(ashlar_reallocarray(NULL, SIZE_MAX, 2));
    assert_int_equal(errno, ENOMEM);
}

static void memalign_rounds_up_to_a_power_of_two(void **state)
{
    (void)state;
    void *p = ashlar_memalign(48, 100);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    ashlar_free(p);
}

static void a_heap_goes_with_all_its_blocks(void **state)
{
    (void)state;
    struct ashlar_stats before, after;
    ashlar_stats(&before, sizeof(before));
    struct ashlar_heap *heap = ashlar_heap_new();
    assert_non_null(heap);
    for (size_t i = 0; i < 1000; i++) {
        char *p = ashlar_heap_alloc(heap, i * 97 + 1);
        assert_non_null(p);
        p[i * 97] = 1;
    }
    char *aligned = ashlar_heap_aligned_alloc(heap, 4096, 100000);
    assert_int_equal((uintptr_t)aligned % 4096, 0);
    ashlar_heap_free(heap, aligned);
    ashlar_heap_free_all(heap);
    assert_non_null(ashlar_heap_alloc(heap, 10));
    ashlar_heap_destroy(heap);
    ashlar_heap_destroy(NULL);
    ashlar_stats(&after, sizeof(after));
    assert_int_equal(after.live_blocks, before.live_blocks);
}

static void statistics_fit_an_older_and_a_newer_caller(void **state)
{
    (void)state;
    struct ashlar_stats stats;
    memset(&stats, 0xff, sizeof(stats));
    assert_int_equal(ashlar_stats(&stats, 16), sizeof(stats));
    assert_int_not_equal(stats.malloc_count, UINT64_MAX);
    assert_int_equal(stats.remote_free_count, UINT64_MAX); /* beyond what the caller knows */
}

static void a_limit_refuses_and_can_be_lifted(void **state)
{
    (void)state;
    struct ashlar_stats stats;
    ashlar_stats(&stats, sizeof(stats));
    assert_int_equal(ashlar_limit(stats.committed_bytes + (1 << 20)), 0);
    errno = 0; /* more than the free memory that earlier tests left committed */
    assert_null(ashlar_malloc(64 << 20));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(ashlar_limit(0), stats.committed_bytes + (1 << 20));
    void *p = ashlar_malloc(64 << 20);
    assert_non_null(p);
    ashlar_free(p);
}

static void trim_gives_back_what_was_freed(void **state)
{
    (void)state;
    static char *blocks[2000];
    for (size_t i = 0; i < 2000; i++) {
        blocks[i] = ashlar_malloc(2000);
        memset(blocks[i], 1, 2000);
    }
    for (size_t i = 0; i < 2000; i++)
        ashlar_free(blocks[i]);
    ashlar_idle();
    ashlar_trim();
    struct ashlar_stats stats;
    ashlar_stats(&stats, sizeof(stats));
    assert_int_equal(stats.dirty_bytes, 0);
    assert_true(stats.purged_bytes >= 3 << 20);
}

static void the_version_is_the_header_s(void **state)
{
    (void)state;
    assert_string_equal(ashlar_version(), ASHLAR_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_aligned_and_as_long_as_asked),
        cmocka_unit_test(impossible_requests_are_refused_with_their_errno),
        cmocka_unit_test(memalign_rounds_up_to_a_power_of_two),
        cmocka_unit_test(a_heap_goes_with_all_its_blocks),
        cmocka_unit_test(statistics_fit_an_older_and_a_newer_caller),
        cmocka_unit_test(a_limit_refuses_and_can_be_lifted),
        cmocka_unit_test(trim_gives_back_what_was_freed),
        cmocka_unit_test(the_version_is_the_header_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
