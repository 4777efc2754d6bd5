/* test_alloc.c: where blocks come from when the bin is empty; zeros, alignment, no memory (H8). */
#include "base/hooks.h"
#include "scene.h"

#define HALF_REGION (ASH_REGION_BYTES / 2)

static void refill_links_one_os_page_of_fresh_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 64, 1024, 4096, 8192};
    for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
        void *p = get(sizes[i]);
        unsigned right = sizes[i] >= 4096 ? 1 : (unsigned)(4096 / sizes[i]);
        assert_int_equal(ash_meta_carved(page_of(p)), right);
    }
}

static void freed_blocks_come_before_fresh_memory(void **state)
{
    (void)state;
    void *blocks[8];
    get_many(blocks, 8, 1024);
    struct ash_meta *page = page_of(blocks[0]);
    assert_int_equal(ash_meta_carved(page), 8);
    put_many(blocks, 8);
    get_many(blocks, 8, 1024);
    assert_int_equal(ash_meta_carved(page), 8);
}

static void blocks_freed_by_others_come_before_fresh_memory(void **state)
{
    (void)state;
    void *blocks[8];
    get_many(blocks, 8, 1024);
    struct ash_meta *page = page_of(blocks[0]);
    free_in_thread(blocks, 8);
    get_many(blocks, 8, 1024);
    assert_int_equal(ash_meta_carved(page), 8);
    all_must_be_sound();
}

static void older_pages_come_before_new_ones(void **state)
{
    (void)state;
    void *blocks[130];
    get_many(blocks, 130, 1024); /* two full pages of 64, and a third */
    struct ash_heap *heap = my_heap();
    assert_int_equal(heap->page_count, 3);
    put_many(blocks, 20);
    void *more[60 + 20];
    get_many(more, ASH_COUNT_OF(more), 1024);
    assert_int_equal(heap->page_count, 3);
    all_must_be_sound();
}

static void sizes_above_the_small_ones_have_bins_up_to_32_kib(void **state)
{
    (void)state;
    void *p = get(1025), *q = get(32768), *r = get(32769), *s = get(65536), *t = get(65537);
    assert_int_equal(ash_usable_bytes(p), 1152);
    assert_int_equal(ash_usable_bytes(q), 32768);
    assert_int_equal(ash_usable_bytes(r), 36864);
    assert_int_equal(ash_usable_bytes(s), 65536);
    assert_int_equal(ash_usable_bytes(t), 2 * ASH_SLICE_BYTES);
    assert_int_equal(page_of(r)->kind, ASH_KIND_MEDIUM);
    assert_int_equal(page_of(t)->kind, ASH_KIND_LARGE);
    assert_non_null(ash_tls.bin[33]);
    all_must_be_sound();
}

static void zeroed_blocks_are_zero_fresh_and_used(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 16, 24, 100, 1024, 5000, 32768, 40000, 65536, 200000};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
            void *blocks[20];
            for (unsigned k = 0; k < 20; k++) {
                blocks[k] = ash_alloc_zeroed(1, sizes[i]);
                assert_true(all_bytes_are(blocks[k], 0, sizes[i]));
                memset(blocks[k], 0xee, ash_usable_bytes(blocks[k]));
            }
            put_many(blocks, 20);
        }
    }
}

static void the_zero_bit_is_true_of_the_whole_bin(void **state)
{
    (void)state;
    get(256);
    assert_int_equal(ash_tls.zero[0] >> 16 & 1, 1);
    for (const char *p = ash_tls.bin[16]; p; p = *(char *const *)p)
        assert_true(all_bytes_are(p + 8, 0, 256 - 8)); /* H8 */
    void *blocks[40];
    get_many(blocks, 40, 256);
    for (unsigned i = 0; i < 40; i++)
        memset(blocks[i], 0xee, 256);
    put_many(blocks, 40);
    while (ash_tls.bin[16])
        get(256);
    get(256);
    assert_int_equal(ash_tls.zero[0] >> 16 & 1, 0);
}

static void zeroed_sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(ash_alloc_zeroed(SIZE_MAX / 2, 3));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(ash_alloc_zeroed(1, (size_t)PTRDIFF_MAX + 1));
    assert_int_equal(errno, ENOMEM);
}

static void every_alignment_is_kept(void **state)
{
    (void)state;
    for (size_t align = 1; align <= HALF_REGION; align *= 2) {
        static const size_t sizes[] = {0, 1, 48, 1000, 40000, 65536, 70000};
        for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
            char *p = ash_alloc_aligned(align, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            assert_true(ash_usable_bytes(p) >= sizes[i]);
            if (sizes[i])
                p[0] = p[sizes[i] - 1] = 1;
            ash_fast_free(p);
        }
    }
    all_must_be_sound();
}

static void alignments_above_half_a_region_are_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(ash_alloc_aligned(2 * HALF_REGION, 16));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(ash_alloc_aligned(16, (size_t)PTRDIFF_MAX + 1));
    assert_int_equal(errno, ENOMEM);
}

static void success_does_not_touch_errno(void **state)
{
    (void)state;
    errno = 4711;
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 + 1)
        ash_fast_free(get(bytes));
    ash_fast_free(ash_alloc_zeroed(10, 1000));
    ash_fast_free(ash_alloc_aligned(4096, 1000));
    ash_fast_free(get(HALF_REGION + 1));
    assert_int_equal(errno, 4711); /* F20 */
}

static size_t told_bytes;

static void on_oom(size_t bytes)
{
    told_bytes = bytes;
}

static void every_request_is_refused_properly(void **state)
{
    (void)state;
    ash_hooks.oom = on_oom;
    refuse_all_memory();
    static const size_t sizes[] = {1, 1024, 5000, 40000, 70000, HALF_REGION + 1};
    for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
        errno = 0;
        assert_null(ash_fast_malloc(sizes[i]));
        assert_int_equal(errno, ENOMEM); /* F12 */
        assert_true(told_bytes >= sizes[i]);
        assert_null(ash_alloc_zeroed(1, sizes[i]));
        assert_null(ash_alloc_aligned(64, sizes[i]));
    }
    assert_int_equal(ash_count_fails, 3 * ASH_COUNT_OF(sizes));
    refuse_nothing();
    for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++)
        ash_fast_free(get(sizes[i]));
    all_must_be_sound();
}

static void what_is_there_is_served_when_the_system_refuses(void **state)
{
    (void)state;
    get(64);
    refuse_all_memory();
    unsigned n = 0;
    while (ash_fast_malloc(64))
        n++;
    assert_true(n >= 1023); /* the page; more pages in what is open */
    refuse_nothing();
    get(64);
    all_must_be_sound();
}

static void what_other_classes_keep_serves_at_the_limit(void **state)
{
    (void)state;
    void *blocks[65];
    get_many(blocks, 65, 1024);
    put_many(blocks, 64);
    assert_int_equal(page_of(blocks[0])->state, ASH_PAGE_EMPTY);
    ash_space_count.limit_bytes = (int64_t)ash_purge_committed_bytes();
    assert_non_null(ash_fast_malloc(3000)); /* F13 */
    assert_null(ash_fast_malloc(5000));
    ash_space_count.limit_bytes = 0;
    all_must_be_sound();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refill_links_one_os_page_of_fresh_blocks),
        cmocka_unit_test(freed_blocks_come_before_fresh_memory),
        cmocka_unit_test(blocks_freed_by_others_come_before_fresh_memory),
        cmocka_unit_test(older_pages_come_before_new_ones),
        cmocka_unit_test(sizes_above_the_small_ones_have_bins_up_to_32_kib),
        cmocka_unit_test(zeroed_blocks_are_zero_fresh_and_used),
        cmocka_unit_test(the_zero_bit_is_true_of_the_whole_bin),
        cmocka_unit_test(zeroed_sizes_that_overflow_are_refused),
        cmocka_unit_test(every_alignment_is_kept),
        cmocka_unit_test(alignments_above_half_a_region_are_refused),
        cmocka_unit_test(success_does_not_touch_errno),
        cmocka_unit_test(every_request_is_refused_properly),
        cmocka_unit_test(what_is_there_is_served_when_the_system_refuses),
        cmocka_unit_test(what_other_classes_keep_serves_at_the_limit),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
