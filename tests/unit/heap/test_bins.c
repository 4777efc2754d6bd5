/* test_bins.c: what a thread has before it has anything, and the common descriptors. */
#include "scene.h"

static void a_new_thread_has_empty_bins_and_no_heap(void **state)
{
    (void)state;
    assert_ptr_equal(ash_tls.self, &ash_heap_none);
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        assert_null(ash_tls.bin[c]);
    assert_int_equal(ash_tls.zero[0] | ash_tls.zero[1], 0);
}

static void *look_at_self(void *arg)
{
    *(struct ash_heap **)arg = ash_tls.self;
    return NULL;
}

static void a_second_thread_starts_like_the_first(void **state)
{
    (void)state;
    get(16);
    struct ash_heap *seen = NULL;
    in_thread(look_at_self, &seen);
    assert_ptr_equal(seen, &ash_heap_none);
}

static void self_takes_the_place_of_the_bin_of_class_0(void **state)
{
    (void)state;
    assert_ptr_equal(&ash_tls.self, &ash_tls.bin[0]); /* C1 */
    for (size_t bytes = 0; bytes <= 16; bytes++)
        assert_int_equal(ash_class_of(bytes), 1);
}

static void the_heap_of_nobody_owns_no_page(void **state)
{
    (void)state;
    void *mine[32];
    get_many(mine, ASH_COUNT_OF(mine), 512);
    void *theirs[32];
    alloc_in_thread(theirs, ASH_COUNT_OF(theirs), 512);
    free_in_thread(mine, ASH_COUNT_OF(mine));
    put_many(theirs, ASH_COUNT_OF(theirs));
    assert_null(ash_heap_none.pages); /* H7 */
    assert_int_equal(ash_heap_none.page_bytes, 0);
    assert_int_equal(ash_heap_kind_of(&ash_heap_none), ASH_HEAP_NONE);
}

static void counters_of_one_writer_add_up(void **state)
{
    (void)state;
    _Atomic uint64_t count = 5;
    ash_count_add(&count, 7);
    ash_count_add(&count, (uint64_t)-2);
    assert_int_equal(count, 10);
}

static void other_threads_write_a_line_of_their_own(void **state)
{
    (void)state;
    assert_true(offsetof(struct ash_heap, inbox) < 64);
    assert_true(offsetof(struct ash_heap, orphan_next) < 64);
    assert_int_equal(offsetof(struct ash_heap, tls), 64);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_thread_has_empty_bins_and_no_heap),
        cmocka_unit_test(a_second_thread_starts_like_the_first),
        cmocka_unit_test(self_takes_the_place_of_the_bin_of_class_0),
        cmocka_unit_test(the_heap_of_nobody_owns_no_page),
        cmocka_unit_test(counters_of_one_writer_add_up),
        cmocka_unit_test(other_threads_write_a_line_of_their_own),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
