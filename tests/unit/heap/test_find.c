/* test_find.c: every address is told apart, and none faults (S9). */
#include "scene.h"

#define KIB 1024u

static enum ash_place place_of(const void *p)
{
    return ash_page_find((uintptr_t)p).place;
}

static void addresses_of_blocks_are_found(void **state)
{
    (void)state;
    char *p = get(1000), *q = get(40000);
    struct ash_found found = ash_page_find((uintptr_t)p);
    assert_int_equal(found.place, ASH_PLACE_BLOCK);
    assert_int_equal(found.block, (uintptr_t)p);
    found = ash_page_find((uintptr_t)p + 1023);
    assert_int_equal(found.place, ASH_PLACE_INSIDE);
    assert_int_equal(found.block, (uintptr_t)p);
    found = ash_page_find((uintptr_t)q + 39999);
    assert_int_equal(found.place, ASH_PLACE_INSIDE);
    assert_int_equal(found.block, (uintptr_t)q);
}

static void addresses_that_are_no_blocks_are_told_apart(void **state)
{
    (void)state;
    char *p = get(1000);
    struct ash_meta *page = page_of(p);
    uintptr_t base = ash_align_down((uintptr_t)p, ASH_REGION_BYTES);
    assert_int_equal(place_of(NULL), ASH_PLACE_FOREIGN);
    assert_int_equal(place_of(&page), ASH_PLACE_FOREIGN);
    assert_int_equal(place_of((void *)UINTPTR_MAX), ASH_PLACE_FOREIGN);
    assert_int_equal(place_of(page), ASH_PLACE_FOREIGN);                           /* S2 */
    assert_int_equal(place_of((char *)page->start + 60 * KIB), ASH_PLACE_FOREIGN); /* not carved */
    assert_int_equal(place_of((char *)page->start + 3 * ASH_GROUP_BYTES), ASH_PLACE_FOREIGN);
    assert_int_equal(place_of((char *)base + ASH_REGION_BYTES - 1), ASH_PLACE_FOREIGN);
    ash_fast_free(p);
    ash_thread_idle();
    assert_int_equal(place_of(p), ASH_PLACE_RELEASED); /* S9 */
}

static void addresses_in_large_objects_are_found_over_groups(void **state)
{
    (void)state;
    size_t bytes = 5 * ASH_GROUP_BYTES + 70000;
    char *p = get(bytes);
    struct ash_meta *head = page_of(p);
    assert_int_equal(place_of(p), ASH_PLACE_BLOCK);
    for (size_t at = 1; at < bytes; at += 50001) {
        struct ash_found found = ash_page_find((uintptr_t)p + at);
        assert_int_equal(found.place, ASH_PLACE_INSIDE);
        assert_ptr_equal(found.head, head);
        assert_int_equal(found.block, (uintptr_t)p);
    }
    ash_fast_free(p);
    assert_int_equal(place_of(p), ASH_PLACE_RELEASED);
    assert_int_equal(place_of(p + ASH_SLICE_BYTES), ASH_PLACE_RELEASED);
}

static void addresses_in_huge_objects_are_found_over_windows(void **state)
{
    (void)state;
    size_t bytes = 2 * ASH_REGION_BYTES;
    for (size_t align = ASH_SLICE_BYTES; align <= ASH_REGION_BYTES / 2; align *= 4) {
        char *p = ash_alloc_aligned(align, bytes);
        assert_non_null(p);
        assert_int_equal(place_of(p), ASH_PLACE_BLOCK);
        assert_int_equal(place_of(p + bytes - 1), ASH_PLACE_INSIDE);
        assert_int_equal(ash_page_find((uintptr_t)p + ASH_REGION_BYTES).block, (uintptr_t)p);
        ash_fast_free(p);
        assert_int_equal(place_of(p), ASH_PLACE_RELEASED);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_blocks_are_found),
        cmocka_unit_test(addresses_that_are_no_blocks_are_told_apart),
        cmocka_unit_test(addresses_in_large_objects_are_found_over_groups),
        cmocka_unit_test(addresses_in_huge_objects_are_found_over_windows),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
