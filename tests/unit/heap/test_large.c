/* test_large.c: objects of whole slices and of mappings: their place, resizing, and refusal. */
#include "scene.h"

#define MIB ((size_t)1 << 20)
#define HUGE_BYTES (ASH_REGION_BYTES / 2 + ASH_SLICE_BYTES)

static struct ash_meta *large(size_t bytes)
{
    bool zero = false;
    void *p = ash_large_alloc(bytes, ASH_SLICE_BYTES, &zero);
    assert_non_null(p);
    return ash_meta_of((uintptr_t)p);
}

/* Every slice of the object leads to its head, and the one behind it does not. */
static void must_cover(const struct ash_meta *head)
{
    for (unsigned i = 0; i < head->n_slices; i++) {
        struct ash_found found = ash_page_find(head->start + i * ASH_SLICE_BYTES + 7);
        assert_int_equal(found.place, ASH_PLACE_INSIDE);
        assert_ptr_equal(found.head, head);
    }
    struct ash_found behind = ash_page_find(head->start + head->n_slices * ASH_SLICE_BYTES);
    assert_ptr_not_equal(behind.head, head);
}

static void large_objects_have_whole_slices(void **state)
{
    (void)state;
    for (size_t bytes = 65537; bytes < 20 * MIB; bytes = bytes * 2 + 4711) {
        struct ash_meta *head = large(bytes);
        assert_int_equal(head->kind, ASH_KIND_LARGE);
        assert_int_equal(ash_large_usable(head), ash_align_up(bytes, ASH_SLICE_BYTES));
        assert_true(ash_large_is(head));
        must_cover(head);
        assert_true(ash_large_free(head));
    }
    assert_int_equal(ash_large_count, 0);
    assert_int_equal(ash_large_bytes, 0);
}

static void groups_covered_wholly_name_the_head_by_one_word(void **state)
{
    (void)state;
    struct ash_meta *head = large(5 * ASH_GROUP_BYTES);
    unsigned n_spans = 0;
    for (unsigned i = 0; i < 5; i++) {
        struct ash_group *group = ash_group_of(head->start + i * ASH_GROUP_BYTES);
        if (group->span) {
            n_spans++;
            struct ash_meta *table =
                (struct ash_meta *)ash_align_down(head->start, ASH_REGION_BYTES);
            assert_ptr_equal(table + group->span, head);
        }
    }
    assert_true(n_spans >= 3);
    uintptr_t start = head->start;
    assert_true(ash_large_free(head));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(ash_group_of(start + i * ASH_GROUP_BYTES)->span, 0);
}

static void one_of_two_frees_wins(void **state)
{
    (void)state;
    struct ash_meta *head = large(MIB);
    assert_true(ash_large_free(head));
    assert_false(ash_large_free(head));
    assert_int_equal(head->owner, ASH_TAG_RELEASED);
}

static void huge_objects_have_a_mapping_of_their_own(void **state)
{
    (void)state;
    struct ash_meta *head = large(HUGE_BYTES + 1);
    assert_int_equal(head->kind, ASH_KIND_HUGE);
    assert_int_equal(ash_large_usable(head), ash_align_up(HUGE_BYTES + 1, ash_os_page_bytes()));
    assert_int_equal(ash_huge_count, 1);
    assert_int_equal(ash_window_of(head->start), ASH_WINDOW_HUGE);
    assert_true(ash_large_free(head));
    assert_int_equal(ash_huge_count, 0);
}

static void objects_of_high_alignment_are_aligned(void **state)
{
    (void)state;
    for (size_t align = ASH_SLICE_BYTES; align <= ASH_REGION_BYTES / 2; align *= 2) {
        bool zero;
        for (size_t bytes = 0; bytes <= 200000; bytes += 66666) {
            void *p = ash_large_alloc(bytes, align, &zero);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            struct ash_found found = ash_page_find((uintptr_t)p);
            assert_int_equal(found.place, ASH_PLACE_BLOCK);
            assert_true(ash_large_free(found.head));
        }
    }
}

static void fresh_objects_say_zero_and_used_ones_do_not(void **state)
{
    (void)state;
    bool zero = false;
    char *p = ash_large_alloc(MIB, ASH_SLICE_BYTES, &zero);
    assert_true(zero);
    memset(p, 1, MIB);
    ash_large_free(ash_meta_of((uintptr_t)p));
    assert_ptr_equal(ash_large_alloc(MIB, ASH_SLICE_BYTES, &zero), p);
    assert_false(zero);
    ash_large_alloc(HUGE_BYTES, ASH_SLICE_BYTES, &zero);
    assert_true(zero);
}

static void objects_grow_into_free_slices(void **state)
{
    (void)state;
    struct ash_meta *head = large(MIB);
    assert_true(ash_large_resize(head, 3 * MIB));
    assert_int_equal(head->n_slices, 48);
    must_cover(head);
    assert_int_equal(ash_large_count, 1);
    assert_int_equal(ash_large_bytes, 3 * MIB);
    assert_true(ash_large_free(head));
    assert_int_equal(ash_large_bytes, 0);
}

static void objects_do_not_grow_into_taken_slices(void **state)
{
    (void)state;
    struct ash_meta *head = large(MIB);
    struct ash_meta *next = large(MIB);
    assert_int_equal(next->start, head->start + MIB);
    assert_false(ash_large_resize(head, 2 * MIB));
    assert_int_equal(head->n_slices, 16);
    assert_false(ash_large_resize(head, ASH_REGION_BYTES));
    ash_large_free(next);
    assert_true(ash_large_resize(head, 2 * MIB));
    must_cover(head);
}

static void objects_shrink_where_they_lie(void **state)
{
    (void)state;
    size_t have = 9 * ASH_GROUP_BYTES;
    struct ash_meta *head = large(have);
    /* cuts inside a group that was covered wholly, then at a border, then below one group */
    static const size_t cuts[] = {7 * 2097152 + 5 * 65536, 4 * 2097152, 2097152 + 65536, 655360};
    for (size_t i = 0; i < ASH_COUNT_OF(cuts); i++) {
        assert_true(ash_large_resize(head, cuts[i]));
        assert_int_equal(ash_large_usable(head), cuts[i]);
        must_cover(head);
        assert_int_equal(ash_large_bytes, cuts[i]);
        assert_int_equal(ash_space_count.live, cuts[i] / ASH_SLICE_BYTES);
    }
    assert_int_equal(ash_large_count, 1);
    assert_true(ash_large_free(head));
    assert_int_equal(ash_space_count.live, 0);
}

static void shrinking_by_little_changes_nothing(void **state)
{
    (void)state;
    struct ash_meta *head = large(4 * MIB);
    assert_true(ash_large_resize(head, 4 * MIB - 2 * ASH_SLICE_BYTES));
    assert_int_equal(ash_large_usable(head), 4 * MIB);
    assert_false(ash_large_resize(head, ASH_CLASS_MAX)); /* a page serves it better */
}

static void huge_objects_grow_and_shrink(void **state)
{
    (void)state;
    struct ash_meta *head = large(HUGE_BYTES);
    *(char *)head->start = 42;
    assert_true(ash_large_resize(head, HUGE_BYTES + 10 * MIB));
    assert_int_equal(ash_large_usable(head), HUGE_BYTES + 10 * MIB);
    *(char *)(head->start + HUGE_BYTES + 10 * MIB - 1) = 1;
    assert_true(ash_large_resize(head, HUGE_BYTES));
    assert_int_equal(ash_large_usable(head), HUGE_BYTES);
    assert_true(ash_large_resize(head, HUGE_BYTES - 1)); /* the same OS pages */
    assert_int_equal(ash_large_usable(head), HUGE_BYTES);
    assert_false(ash_large_resize(head, ASH_REGION_BYTES / 4));
    assert_int_equal(*(char *)head->start, 42);
    refuse_all_memory();
    assert_false(ash_large_resize(head, HUGE_BYTES + MIB));
    assert_true(ash_large_resize(head, HUGE_BYTES - 20 * ASH_SLICE_BYTES)); /* stays as it is */
    refuse_nothing();
    assert_int_equal(ash_large_usable(head), HUGE_BYTES);
    assert_true(ash_large_free(head));
    assert_int_equal(ash_space_count.huge_bytes, 0);
}

static void write_words(uintptr_t start, size_t bytes)
{
    for (size_t i = 0; i < bytes / 4096; i++)
        *(uint64_t *)(start + i * 4096) = i * 31 + 7;
    *(unsigned char *)(start + bytes - 1) = 0x5a;
}

static bool has_words(uintptr_t start, size_t bytes)
{
    for (size_t i = 0; i < bytes / 4096; i++)
        if (*(uint64_t *)(start + i * 4096) != i * 31 + 7)
            return false;
    return *(unsigned char *)(start + bytes - 1) == 0x5a;
}

static void moving_carries_every_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {MIB, 9 * MIB + 12345, 20 * MIB};
    for (int refused = 0; refused < 2; refused++) {
        for (size_t i = 0; i < ASH_COUNT_OF(sizes); i++) {
            struct ash_meta *from = large(sizes[i]), *to = large(sizes[i] + MIB);
            write_words(from->start, sizes[i]);
            if (refused)
                ash_os_fail_set(0, 1, ASH_FAIL_MREMAP, 0);
            ash_large_move(from, to, sizes[i]);
            refuse_nothing();
            assert_true(has_words(to->start, sizes[i]));
            ash_large_free(from);
            ash_large_free(to);
        }
    }
}

static void refusal_leaves_nothing_behind(void **state)
{
    (void)state;
    bool zero;
    refuse_all_memory();
    assert_null(ash_large_alloc(MIB, ASH_SLICE_BYTES, &zero));
    assert_null(ash_large_alloc(HUGE_BYTES, ASH_SLICE_BYTES, &zero));
    refuse_nothing();
    assert_null(ash_large_alloc((size_t)PTRDIFF_MAX + 1, ASH_SLICE_BYTES, &zero));
    assert_null(ash_large_alloc((size_t)1 << 47, ASH_SLICE_BYTES, &zero));
    assert_int_equal(ash_large_count + ash_huge_count, 0);
    assert_int_equal(ash_space_count.live + ash_space_count.huge_bytes, 0);
}

static void ever_counts_objects_and_not_resizes(void **state)
{
    (void)state;
    struct ash_meta *head = large(MIB);
    assert_int_equal(ash_large_ever, 1);
    assert_true(ash_large_resize(head, 2 * MIB));
    assert_true(ash_large_resize(head, MIB));
    assert_int_equal(ash_large_ever, 1);
    assert_int_equal(ash_large_count, 1);
    ash_large_free(head);
    assert_int_equal(ash_large_ever, 1);
    assert_int_equal(ash_large_count, 0);
}

static void used_bytes_follow_the_objects(void **state)
{
    (void)state;
    struct ash_meta *head = large(MIB), *huge = large(HUGE_BYTES);
    assert_int_equal(ash_space_count.used_bytes, MIB + HUGE_BYTES);
    assert_true(ash_large_resize(head, 2 * MIB));
    assert_true(ash_large_resize(huge, HUGE_BYTES + MIB));
    ash_large_free(head);
    ash_large_free(huge);
    assert_int_equal(ash_space_count.used_bytes, 0);
}

static void idle_pages_make_room_for_an_object(void **state)
{
    (void)state;
    for (size_t bytes = 16; bytes <= 8192; bytes *= 2)
        ash_fast_free(get(bytes)); /* ten current pages without a block */
    ash_space_count.limit_bytes = (int64_t)ash_purge_committed_bytes();
    bool zero;
    assert_non_null(ash_large_alloc(10 * ASH_SLICE_BYTES, ASH_SLICE_BYTES, &zero)); /* F13 */
    assert_null(ash_large_alloc(ASH_SLICE_BYTES, ASH_SLICE_BYTES, &zero));
    ash_space_count.limit_bytes = 0;
    all_must_be_sound();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_objects_have_whole_slices),
        cmocka_unit_test(groups_covered_wholly_name_the_head_by_one_word),
        cmocka_unit_test(one_of_two_frees_wins),
        cmocka_unit_test(huge_objects_have_a_mapping_of_their_own),
        cmocka_unit_test(objects_of_high_alignment_are_aligned),
        cmocka_unit_test(fresh_objects_say_zero_and_used_ones_do_not),
        cmocka_unit_test(objects_grow_into_free_slices),
        cmocka_unit_test(objects_do_not_grow_into_taken_slices),
        cmocka_unit_test(objects_shrink_where_they_lie),
        cmocka_unit_test(shrinking_by_little_changes_nothing),
        cmocka_unit_test(huge_objects_grow_and_shrink),
        cmocka_unit_test(moving_carries_every_byte),
        cmocka_unit_test(refusal_leaves_nothing_behind),
        cmocka_unit_test(ever_counts_objects_and_not_resizes),
        cmocka_unit_test(used_bytes_follow_the_objects),
        cmocka_unit_test(idle_pages_make_room_for_an_object),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
