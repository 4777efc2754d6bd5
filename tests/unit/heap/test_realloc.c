/* test_realloc.c: a block keeps its bytes over every change of size, and its place if it can. */
#include "scene.h"

#define MIB ((size_t)1 << 20)

static void *changed(void *p, size_t bytes)
{
    void *q = ash_realloc(p, bytes);
    assert_non_null(q);
    return q;
}

static void fill(void *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 61)
        ((unsigned char *)p)[i] = (unsigned char)(i * 7 + 1);
}

static bool holds(const void *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 61)
        if (((const unsigned char *)p)[i] != (unsigned char)(i * 7 + 1))
            return false;
    return true;
}

static void bytes_are_kept_between_all_kinds_of_blocks(void **state)
{
    (void)state;
    if (getenv("ASHLAR_EMULATED")) /* its mremap loses what stays behind: docs/aarch64.md */
        ash_os_fail_set(0, 1, ASH_FAIL_MREMAP, 0);
    static const size_t sizes[] = {
        1,     100,    1024,    4000,    30000,   50000,    65536,
        65537, 300000, 5 * MIB, 9 * MIB, 8 * MIB, 40 * MIB, ASH_REGION_BYTES / 2 + MIB};
    for (size_t a = 0; a < ASH_COUNT_OF(sizes); a++) {
        for (size_t b = 0; b < ASH_COUNT_OF(sizes); b++) {
            size_t kept = sizes[a] < sizes[b] ? sizes[a] : sizes[b];
            void *p = get(sizes[a]);
            fill(p, kept);
            p = changed(p, sizes[b]);
            assert_true(holds(p, kept));
            assert_true(ash_usable_bytes(p) >= sizes[b]);
            ash_fast_free(p);
        }
    }
    all_must_be_sound();
    assert_int_equal(ash_large_count + ash_huge_count, 0);
}

static void null_is_malloc_and_nothing_is_free(void **state)
{
    (void)state;
    void *p = changed(NULL, 100);
    struct ash_meta *page = page_of(p);
    int32_t attn = page->attn;
    assert_null(ash_realloc(p, 0));
    assert_int_equal(page->attn, attn - 1);
    p = changed(NULL, MIB);
    assert_null(ash_realloc(p, 0));
    assert_int_equal(ash_large_count, 0);
}

static void a_block_stays_while_three_quarters_are_used(void **state)
{
    (void)state;
    void *p = get(1024);
    assert_ptr_equal(changed(p, 768), p);
    assert_ptr_equal(changed(p, 1024), p);
    assert_ptr_equal(changed(p, 1023), p);
}

static void a_block_moves_when_less_is_used(void **state)
{
    (void)state;
    void *p = get(1024);
    void *q = changed(p, 767);
    assert_ptr_not_equal(p, q);
    assert_int_equal(ash_usable_bytes(q), 768);
    p = get(30);
    assert_ptr_equal(changed(p, 17), p); /* the same class */
}

static void large_objects_grow_in_place(void **state)
{
    (void)state;
    ash_fast_free(get(20 * MIB)); /* so many slices are open */
    void *p = get(MIB);
    for (size_t bytes = MIB; bytes <= 16 * MIB; bytes += 700000)
        assert_ptr_equal(changed(p, bytes), p);
    assert_ptr_equal(changed(p, MIB), p);
    assert_int_equal(ash_usable_bytes(p), MIB);
    ash_fast_free(p);
}

static void a_huge_object_that_shrinks_much_comes_into_a_region(void **state)
{
    (void)state;
    void *p = get(ASH_REGION_BYTES / 2 + MIB);
    fill(p, 4 * MIB);
    void *q = changed(p, 4 * MIB);
    assert_int_equal(page_of(q)->kind, ASH_KIND_LARGE);
    assert_true(holds(q, 4 * MIB));
    assert_int_equal(ash_huge_count, 0);
    void *r = changed(get(ASH_REGION_BYTES / 2 + MIB), 1000);
    assert_int_equal(page_of(r)->kind, ASH_KIND_SMALL);
    assert_int_equal(ash_huge_count, 0);
}

static void must_refuse(void *p, size_t bytes)
{
    errno = 0;
    assert_null(ash_realloc(p, bytes));
    assert_int_equal(errno, ENOMEM);
}

static void a_refused_change_leaves_the_block(void **state)
{
    (void)state;
    void *small = get(100), *medium = get(50000), *object = get(MIB);
    void *fence = get(MIB);
    fill(small, 100);
    fill(medium, 50000);
    fill(object, MIB);
    must_refuse(small, SIZE_MAX);
    must_refuse(object, SIZE_MAX);
    refuse_all_memory();
    must_refuse(small, 40 * MIB);
    must_refuse(medium, 40 * MIB);
    must_refuse(object, 40 * MIB);
    must_refuse(object, ASH_REGION_BYTES);
    refuse_nothing();
    assert_true(holds(small, 100));
    assert_true(holds(medium, 50000));
    assert_true(holds(object, MIB));
    ash_fast_free(small);
    ash_fast_free(medium);
    ash_fast_free(object);
    ash_fast_free(fence);
    all_must_be_sound();
}

/* No page is open for the class that the shrunk object would go to. */
static void an_object_stays_whole_when_no_small_block_is_had(void **state)
{
    (void)state;
    void *object = get(MIB);
    fill(object, MIB);
    ash_space_count.limit_bytes = (int64_t)MIB;
    must_refuse(object, 700);
    ash_space_count.limit_bytes = 0;
    assert_true(holds(object, MIB));
    void *block = get(2000);
    void *p = get(300);
    ash_space_count.limit_bytes = 1;
    ash_purge_all();
    must_refuse(block, 9000);
    ash_space_count.limit_bytes = 0;
    ash_fast_free(p);
    ash_fast_free(block);
    all_must_be_sound();
}

static void blocks_of_other_threads_can_be_changed(void **state)
{
    (void)state;
    void *theirs[10];
    alloc_in_thread(theirs, 10, 500);
    for (unsigned i = 0; i < 10; i++) {
        fill(theirs[i], 500);
        theirs[i] = changed(theirs[i], 5000);
        assert_true(holds(theirs[i], 500));
    }
    put_many(theirs, 10);
    all_must_be_sound();
}

static void *misused;

static int realloc_the_stack(void)
{
    ash_misuse_mode = ASH_MISUSE_GO_ON;
    errno = 0;
    return ash_realloc(&misused, 10) != NULL || errno != ENOMEM || ash_misuse_count != 1;
}

static void realloc_of_no_block_is_refused_in_report_mode(void **state)
{
    (void)state;
    get(16);
    child_must_pass(realloc_the_stack);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_kept_between_all_kinds_of_blocks),
        cmocka_unit_test(null_is_malloc_and_nothing_is_free),
        cmocka_unit_test(a_block_stays_while_three_quarters_are_used),
        cmocka_unit_test(a_block_moves_when_less_is_used),
        cmocka_unit_test(large_objects_grow_in_place),
        cmocka_unit_test(a_huge_object_that_shrinks_much_comes_into_a_region),
        cmocka_unit_test(a_refused_change_leaves_the_block),
        cmocka_unit_test(an_object_stays_whole_when_no_small_block_is_had),
        cmocka_unit_test(blocks_of_other_threads_can_be_changed),
        cmocka_unit_test(realloc_of_no_block_is_refused_in_report_mode),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
