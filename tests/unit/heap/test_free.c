/* test_free.c: frees that are not the owner's plain ones, sizes, and sized frees. */
#include "scene.h"

static void frees_of_further_slices_of_a_page_are_the_owners(void **state)
{
    (void)state;
    void *blocks[40];
    get_many(blocks, 40, 10240);
    struct ash_meta *page = page_of(blocks[20]);
    assert_int_equal(ash_meta_of((uintptr_t)blocks[20])->kind, ASH_KIND_INTERIOR);
    ash_fast_free(blocks[20]);
    assert_ptr_equal(page->lfree, blocks[20]);
    assert_int_equal(page->xfree, 0);
    all_must_be_sound();
}

static void attention_is_paid_on_further_slices_too(void **state)
{
    (void)state;
    void *blocks[60];
    get_many(blocks, 60, 10240); /* 51 to a page */
    struct ash_meta *page = page_of(blocks[0]);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    my_heap();
    for (unsigned i = 51; i-- > 0;)
        ash_fast_free(blocks[i]);
    assert_int_not_equal(page->state, ASH_PAGE_FULL);
    assert_int_equal(ash_page_live(page), 0);
    all_must_be_sound();
}

static void free_leaves_errno_alone(void **state)
{
    (void)state;
    void *mine[40], *theirs[40];
    get_many(mine, 40, 3000);
    alloc_in_thread(theirs, 40, 3000);
    void *large = get(1 << 20), *huge = get(ASH_REGION_BYTES / 2 + 1);
    errno = 4711;
    put_many(mine, 40);
    put_many(theirs, 40);
    ash_fast_free(large);
    ash_fast_free(huge);
    ash_fast_free(NULL);
    assert_int_equal(errno, 4711); /* F20 */
}

static void usable_bytes_are_the_blocks(void **state)
{
    (void)state;
    assert_int_equal(ash_usable_bytes(NULL), 0);
    assert_int_equal(ash_usable_bytes(get(100)), 112);
    assert_int_equal(ash_usable_bytes(get(66000)), 2 * ASH_SLICE_BYTES);
    size_t huge = ASH_REGION_BYTES / 2 + 4096;
    void *p = get(huge);
    assert_int_equal(ash_usable_bytes(p), huge);
    ash_fast_free(p);
}

static void sized_frees_take_what_was_asked_for(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes <= 200000; bytes += bytes < 2000 ? 7 : 997)
        ash_free_sized(get(bytes), bytes, 0);
    for (size_t align = 16; align <= 1 << 20; align *= 2)
        for (size_t bytes = 0; bytes <= 100000; bytes = bytes * 3 + 5)
            ash_free_sized(ash_alloc_aligned(align, bytes), bytes, align);
    ash_free_sized(NULL, 5, 0);
    assert_int_equal(ash_misuse_count, 0);
    all_must_be_sound();
}

static void sized_frees_take_what_realloc_let_stay(void **state)
{
    (void)state;
    void *p = get(1024);
    assert_ptr_equal(ash_realloc(p, 800), p);
    ash_free_sized(p, 800, 0);
    assert_int_equal(ash_misuse_count, 0);
}

static void a_page_freed_by_all_ends_empty(void **state)
{
    (void)state;
    void *blocks[65];
    get_many(blocks, 65, 1024);
    struct ash_meta *page = page_of(blocks[0]);
    my_heap();
    put_many(blocks, 30);
    free_in_thread(blocks + 30, 34);
    ash_thread_idle();
    assert_int_equal(page->kind, ASH_KIND_NONE); /* R9 */
    all_must_be_sound();
}

/* A signal handler inside a slow path: the heap is busy, and the page waits (H5). */
static void attention_inside_a_slow_path_is_put_off(void **state)
{
    (void)state;
    void *blocks[65];
    get_many(blocks, 65, 1024);
    struct ash_meta *page = page_of(blocks[0]);
    struct ash_heap *heap = my_heap();
    put_many(blocks, 7);
    heap->busy = 1;
    ash_fast_free(blocks[7]);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    assert_int_equal(page->attn, 1);
    heap->busy = 0;
    ash_fast_free(blocks[8]);
    assert_int_equal(page->state, ASH_PAGE_PARTIAL);
    assert_int_equal(page->out, 64 - 9);
    all_must_be_sound();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_of_further_slices_of_a_page_are_the_owners),
        cmocka_unit_test(attention_is_paid_on_further_slices_too),
        cmocka_unit_test(free_leaves_errno_alone),
        cmocka_unit_test(usable_bytes_are_the_blocks),
        cmocka_unit_test(sized_frees_take_what_was_asked_for),
        cmocka_unit_test(sized_frees_take_what_realloc_let_stay),
        cmocka_unit_test(a_page_freed_by_all_ends_empty),
        cmocka_unit_test(attention_inside_a_slow_path_is_put_off),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
