/* test_count.c: what is counted is what is there. */
#include "scene.h"

#define MIB ((size_t)1 << 20)
#define HUGE_BYTES (ASH_REGION_BYTES / 2 + ASH_SLICE_BYTES)

static struct ash_count now(void)
{
    struct ash_count count;
    ash_count_all(&count);
    return count;
}

static void nothing_is_counted_before_the_first_block(void **state)
{
    (void)state;
    struct ash_count count = now();
    static const struct ash_count none;
    assert_memory_equal(&count, &none, sizeof count);
}

static void live_blocks_of_one_thread_are_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 100, 1024, 5000, 32768, 40000, 65536};
    uint64_t bytes = 0;
    unsigned n = 0;
    void *blocks[ASH_COUNT_OF(sizes) * 37];
    for (unsigned round = 0; round < 37; round++) {
        for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
            blocks[n++] = get(sizes[i]);
            bytes += ash_usable_bytes(blocks[n - 1]);
            struct ash_count count = now();
            assert_int_equal(count.live_blocks, n);
            assert_int_equal(count.live_bytes, bytes);
            assert_int_equal(count.malloc_count, n);
            assert_int_equal(count.free_count, 0);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        bytes -= ash_usable_bytes(blocks[i]);
        ash_fast_free(blocks[i]);
        struct ash_count count = now();
        assert_int_equal(count.live_blocks, n - 1 - i);
        assert_int_equal(count.live_bytes, bytes);
        assert_int_equal(count.malloc_count, n);
        assert_int_equal(count.free_count, i + 1);
    }
}

static void objects_are_counted_by_kind(void **state)
{
    (void)state;
    void *large = get(MIB), *huge = get(HUGE_BYTES);
    struct ash_count count = now();
    assert_int_equal(count.large_count, 1);
    assert_int_equal(count.large_bytes, MIB);
    assert_int_equal(count.huge_count, 1);
    assert_int_equal(count.huge_bytes, HUGE_BYTES);
    assert_int_equal(count.live_blocks, 2);
    assert_int_equal(count.live_bytes, MIB + HUGE_BYTES);
    assert_int_equal(count.malloc_count, 2);
    assert_true(count.committed_bytes >= MIB + HUGE_BYTES);
    assert_ptr_equal(ash_realloc(large, MIB + 70000), large);
    assert_int_equal(now().malloc_count, 2);
    ash_fast_free(large);
    ash_fast_free(huge);
    count = now();
    assert_int_equal(count.live_blocks + count.large_count + count.huge_count, 0);
    assert_int_equal(count.free_count, 2);
}

static void memory_is_counted_by_what_it_is(void **state)
{
    (void)state;
    void *p = get(MIB);
    struct ash_count count = now();
    assert_int_equal(count.region_count, 1);
    assert_int_equal(count.mapped_bytes, ASH_REGION_BYTES);
    assert_int_equal(count.committed_bytes, MIB);
    assert_int_equal(count.dirty_bytes, 0);
    ash_fast_free(p);
    assert_int_equal(now().dirty_bytes, MIB);
    ash_purge_all();
    count = now();
    assert_int_equal(count.dirty_bytes, 0);
    assert_int_equal(count.committed_bytes, 0);
    assert_int_equal(count.peak_committed_bytes, MIB);
    assert_int_equal(count.purged_bytes, MIB);
    assert_int_equal(count.purge_count, 1);
    ash_space_count.limit_bytes = 4711;
    assert_int_equal(now().limit_bytes, 4711);
}

static void threads_and_orphans_are_counted(void **state)
{
    (void)state;
    get(16);
    void *blocks[80];
    struct guest guest = {.at = blocks, .n = 40, .bytes = 100};
    guest_start(&guest);
    struct ash_count count = now();
    assert_int_equal(count.thread_count, 2);
    assert_int_equal(count.orphan_count, 0);
    guest_end(&guest);
    count = now();
    assert_int_equal(count.thread_count, 1);
    assert_int_equal(count.orphan_count, 1);
    assert_int_equal(count.live_blocks, 41);
}

static void free_memory_of_other_threads_is_blocked(void **state)
{
    (void)state;
    get(16);
    void *blocks[40];
    struct guest guest = {.at = blocks, .n = 40, .bytes = 1024};
    guest_start(&guest);
    uint64_t blocked = now().blocked_bytes;
    put_many(blocks, 30);
    ash_stray_send_own(&ash_tls);
    assert_int_equal(now().blocked_bytes, blocked + 30 * 1024);
    guest_end(&guest);
    assert_int_equal(now().blocked_bytes, 0);
}

static void remote_frees_are_counted_when_they_arrive(void **state)
{
    (void)state;
    void *blocks[40];
    get_many(blocks, 40, 1024);
    free_in_thread(blocks, 20);
    struct ash_count count = now();
    assert_int_equal(count.live_blocks, 20);
    assert_int_equal(count.free_count, 20);
    assert_int_equal(count.remote_free_count, 0);
    ash_remote_drain(my_heap());
    assert_int_equal(now().remote_free_count, 20);
}

static void kept_pages_are_counted(void **state)
{
    (void)state;
    void *blocks[65];
    get_many(blocks, 65, 1024);
    assert_int_equal(now().retained_bytes, 0);
    my_heap();
    put_many(blocks, 64);
    assert_int_equal(now().retained_bytes, ASH_SLICE_BYTES);
    uint64_t n_pages = now().page_count;
    ash_thread_idle();
    assert_int_equal(now().retained_bytes, 0);
    assert_true(now().page_count < n_pages);
}

static void *alloc_young(void *arg)
{
    *(void **)arg = ash_fast_malloc(100);
    return NULL;
}

static void pages_of_starters_are_counted(void **state)
{
    (void)state;
    get(16);
    void *p;
    in_thread(alloc_young, &p);
    assert_int_equal(now().starter_bytes, ASH_SLICE_BYTES);
    ash_fast_free(p);
    ash_starters_release();
    assert_int_equal(now().starter_bytes, 0);
}

static void refusals_are_counted(void **state)
{
    (void)state;
    assert_null(ash_alloc_zeroed(SIZE_MAX, 2));
    assert_int_equal(now().fail_count, 1);
    refuse_all_memory();
    assert_null(ash_fast_malloc(100));
    refuse_nothing();
    assert_int_equal(now().fail_count, 2);
}

static void huge_page_bytes_are_those_of_whole_groups(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 80; i++)
        get(MIB);
    assert_int_equal(now().huge_page_bytes,
                     (uint64_t)ash_space_count.huge_groups * ASH_GROUP_BYTES);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_counted_before_the_first_block),
        cmocka_unit_test(live_blocks_of_one_thread_are_exact),
        cmocka_unit_test(objects_are_counted_by_kind),
        cmocka_unit_test(memory_is_counted_by_what_it_is),
        cmocka_unit_test(threads_and_orphans_are_counted),
        cmocka_unit_test(free_memory_of_other_threads_is_blocked),
        cmocka_unit_test(remote_frees_are_counted_when_they_arrive),
        cmocka_unit_test(kept_pages_are_counted),
        cmocka_unit_test(pages_of_starters_are_counted),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(huge_page_bytes_are_those_of_whole_groups),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
