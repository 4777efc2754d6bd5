/* test_region.c: address ranges: their place, growth, refusal, and objects of their own (S1, S2,
 * S7, S9). */
#include "runs.h"
#include <sys/mman.h>

#define MIB ((size_t)1 << 20)

static bool is_mapped(uintptr_t addr)
{
    struct ash_map map;
    return ash_os_map_of(addr, &map);
}

static struct ash_group *groups_of(const struct ash_region *region)
{
    return (struct ash_group *)(region->base + ASH_GROUPS_OFFSET);
}

static void grow_once(void)
{
    assert_true(ash_region_grow(1, ash_region_open_count()));
}

static void regions_are_aligned_and_begin_with_an_eighth_of_their_own(void **state)
{
    (void)state;
    assert_null(ash_region_first());
    struct ash_run run = claim(1);
    struct ash_region *region = ash_region_first();
    assert_non_null(region);
    assert_int_equal(region->base % ASH_REGION_BYTES, 0); /* S1 */
    assert_ptr_equal(region, ash_region_of(run.addr));
    assert_true(run.addr >= region->base + ASH_REGION_BYTES / 8); /* S2 */
    assert_int_equal(ash_region_count(), 1);
    assert_int_equal(ash_region_mapped_bytes(), ASH_REGION_BYTES);
}

static void the_window_of_an_address_says_whose_it_is(void **state)
{
    (void)state;
    struct ash_run run = claim(1);
    assert_int_equal(ash_window_of(run.addr), ASH_WINDOW_REGION);
    assert_int_equal(ash_window_of((uintptr_t)&run), ASH_WINDOW_NONE);
    assert_int_equal(ash_window_of(0), ASH_WINDOW_NONE);
    assert_int_equal(ash_window_of(UINTPTR_MAX), ASH_WINDOW_NONE); /* S9 */
}

static void steps_double(void **state)
{
    (void)state;
    grow_once();
    struct ash_region *region = ash_region_first();
    unsigned end = ASH_FIRST_GROUP + 2;
    assert_int_equal(region->open_end, end);
    for (unsigned step = 4; step <= 8; step *= 2) {
        grow_once();
        end += step;
        assert_int_equal(region->open_end, end);
    }
    assert_int_equal(ash_region_open_count(), 14);
}

static void a_caller_who_saw_less_than_is_open_does_not_grow(void **state)
{
    (void)state;
    uint64_t seen = ash_region_open_count();
    assert_true(ash_region_grow(1, seen));
    uint64_t open = ash_region_open_count();
    assert_true(ash_region_grow(1, seen));
    assert_int_equal(ash_region_open_count(), open);
}

static void a_refused_step_shrinks_to_what_is_needed(void **state)
{
    (void)state;
    grow_once();
    ash_os_fail_set(1, 0, ASH_FAIL_MPROTECT, 0);
    grow_once();
    assert_int_equal(ash_region_first()->open_end, ASH_FIRST_GROUP + 3);
    ash_os_fail_set(0, 0, 0, 0);
}

static void where_rights_cannot_be_given_a_sparse_window_serves(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_os_fail_set(0, 1, ASH_FAIL_MPROTECT, 0);
    struct ash_run run = claim(3);
    ash_os_fail_set(0, 0, 0, 0);
    assert_true(ash_region_of(run.addr)->sparse);
    assert_int_equal(ash_region_of(run.addr)->base % ASH_REGION_BYTES, 0);
    fill(run);
}

static void refused_growth_changes_nothing(void **state)
{
    (void)state;
    ash_os_fail_set(0, 1, ASH_FAIL_ALL, 0);
    assert_false(ash_region_grow(1, 0));
    ash_os_fail_set(0, 0, 0, 0);
    assert_null(ash_region_first());
    assert_int_equal(ash_region_mapped_bytes(), 0);
    assert_int_equal(ash_region_open_count(), 0);
}

static void a_full_region_is_followed_by_another(void **state)
{
    (void)state;
    unsigned n_groups = ASH_REGION_GROUPS - ASH_FIRST_GROUP;
    for (unsigned i = 0; i < n_groups; i++)
        claim(ASH_GROUP_SLICES);
    assert_int_equal(ash_region_count(), 1);
    assert_int_equal(ash_region_first()->open_end, ASH_REGION_GROUPS);
    struct ash_run run = claim(2);
    assert_int_equal(ash_region_count(), 2);
    struct ash_region *second = ash_region_first()->next;
    assert_ptr_equal(ash_region_of(run.addr), second);
    assert_int_equal(ash_region_mapped_bytes(), 2 * ASH_REGION_BYTES);
    counts_must_agree_with_groups();
    struct ash_run long_run = claim(100);
    assert_ptr_equal(ash_region_of(long_run.addr), second);
}

/* ---- sparse windows ---- */

static void sparse_windows_map_what_they_open(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    struct ash_run run = claim(4);
    struct ash_region *region = ash_region_of(run.addr);
    assert_true(region->sparse);
    assert_int_equal(region->base % ASH_REGION_BYTES, 0);
    assert_int_equal(region->open_end, ASH_FIRST_GROUP + 1);
    assert_false(is_mapped(region->base + (uintptr_t)region->open_end * ASH_GROUP_BYTES));
    fill(run);
    give_back(run);
    for (unsigned i = 0; i < 12; i++)
        fill(claim(20));
    counts_must_agree_with_groups();
}

static void free_groups_of_a_sparse_window_are_unmapped_and_come_back(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    struct ash_run run = claim(32);
    fill(run);
    give_back(run);
    struct ash_group *group = ash_group_of(run.addr);
    assert_true(ash_purge_all() >= 32 * ASH_SLICE_BYTES);
    assert_int_equal(group->state, ASH_GROUP_CLOSED);
    assert_false(is_mapped(run.addr));
    assert_int_equal(dirty_slices(), 0);
    struct ash_run again = claim(32);
    assert_int_equal(again.addr, run.addr);
    assert_true(again.zero);
    assert_true(reads_zero(again.addr, 32 * ASH_SLICE_BYTES));
    assert_int_equal(group->state, ASH_GROUP_OPEN);
}

static void a_group_that_cannot_be_unmapped_is_purged(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    struct ash_run run = claim(32);
    fill(run);
    give_back(run);
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    assert_int_equal(ash_purge_all(), 32 * ASH_SLICE_BYTES);
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(ash_group_of(run.addr)->state, ASH_GROUP_OPEN);
    assert_true(reads_zero(run.addr, 32 * ASH_SLICE_BYTES));
    counts_must_agree_with_groups();
}

static void map_foreign(uintptr_t addr)
{
    void *p = mmap((void *)addr, ASH_SLICE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_int_equal((uintptr_t)p, addr);
    memset(p, 0x77, ASH_SLICE_BYTES);
}

static void foreign_mappings_in_a_sparse_window_are_left_alone(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    struct ash_run run = claim(32);
    struct ash_region *region = ash_region_of(run.addr);
    unsigned foreign_i = region->open_end;
    uintptr_t foreign = region->base + (uintptr_t)foreign_i * ASH_GROUP_BYTES;
    map_foreign(foreign);
    struct ash_run next = claim(32);
    assert_int_equal(groups_of(region)[foreign_i].state, ASH_GROUP_FOREIGN);
    assert_true(next.addr >= foreign + ASH_GROUP_BYTES);
    fill(next);
    assert_int_equal(*(unsigned char *)foreign, 0x77);
    assert_int_equal(claim(40).n_slices, 40);
    assert_int_equal(*(unsigned char *)foreign, 0x77);
}

static void a_closed_group_that_is_taken_meanwhile_is_foreign(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    struct ash_run run = claim(32);
    give_back(run);
    ash_purge_all();
    map_foreign(run.addr + ASH_SLICE_BYTES);
    struct ash_run next = claim(32);
    assert_int_not_equal(next.addr, run.addr);
    assert_int_equal(ash_group_of(run.addr)->state, ASH_GROUP_FOREIGN);
    assert_int_equal(*(unsigned char *)(run.addr + ASH_SLICE_BYTES), 0x77);
}

static void a_full_sparse_window_is_followed_by_another(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    for (unsigned i = ASH_FIRST_GROUP; i < ASH_REGION_GROUPS; i++)
        claim(ASH_GROUP_SLICES);
    assert_int_equal(ash_region_count(), 1);
    claim(1);
    assert_int_equal(ash_region_count(), 2);
    assert_true(ash_region_first()->next->sparse);
}

static void a_refused_group_leaves_the_sparse_window(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    claim(32);
    ash_os_fail_set(0, 1, ASH_FAIL_MMAP, 0);
    struct ash_run run;
    assert_false(ash_run_claim(32, 1, &run));
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(ash_region_count(), 1);
    give_back(claim(32));
    ash_purge_all();
    ash_os_fail_set(0, 1, ASH_FAIL_MMAP, 0);
    assert_false(ash_run_claim(32, 1, &run));
    ash_os_fail_set(0, 0, 0, 0);
    assert_true(ash_run_claim(32, 1, &run));
    counts_must_agree_with_groups();
}

static int close_a_group_in_use(void)
{
    ash_region_force_sparse();
    struct ash_run run = claim(4);
    return ash_region_close_group(ash_region_of(run.addr), ash_group_of(run.addr));
}

static void closing_a_group_in_use_is_a_broken_promise(void **state)
{
    (void)state;
    skip_under_tsan();
    child_must_abort(close_a_group_in_use, "F01");
}

/* ---- huge objects ---- */

#define HUGE_BYTES (ASH_REGION_BYTES / 2 + 3 * MIB)

static void huge_objects_have_windows_of_their_own(void **state)
{
    (void)state;
    size_t bytes = 2 * ASH_REGION_BYTES + MIB;
    uintptr_t addr = ash_region_map_huge(bytes, ASH_SLICE_BYTES);
    assert_true(addr != 0);
    uintptr_t base = ash_align_down(addr, ASH_REGION_BYTES);
    assert_int_equal(ash_window_of(addr), ASH_WINDOW_HUGE);
    assert_int_equal(ash_window_of(base + ASH_REGION_BYTES), ASH_WINDOW_HUGE_CONT);
    assert_int_equal(ash_window_of(base + 2 * ASH_REGION_BYTES), ASH_WINDOW_HUGE_CONT);
    assert_int_equal(ash_window_of(base + 3 * ASH_REGION_BYTES), ASH_WINDOW_NONE);
    assert_true(reads_zero(addr, MIB) && reads_zero(addr + bytes - MIB, MIB));
    assert_int_equal(ash_meta_of(addr)->kind, ASH_KIND_NONE);
    assert_int_equal(ash_space_count.huge_bytes, bytes);
    assert_int_equal(ash_region_mapped_bytes(), 3 * ASH_REGION_BYTES);
    assert_false(is_mapped(addr + bytes));
    ash_region_unmap_huge(addr, bytes);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ash_window_of(base + i * ASH_REGION_BYTES), ASH_WINDOW_GONE);
    assert_false(is_mapped(addr));
    assert_false(is_mapped(base));
    assert_int_equal(ash_space_count.huge_bytes, 0);
    assert_int_equal(ash_region_mapped_bytes(), 0);
}

static void huge_objects_are_aligned_as_asked(void **state)
{
    (void)state;
    for (size_t align = ASH_SLICE_BYTES; align <= ASH_REGION_BYTES / 2; align *= 2) {
        uintptr_t addr = ash_region_map_huge(MIB, align);
        assert_true(addr != 0);
        assert_int_equal(addr % align, 0);
        assert_int_equal(ash_window_of(addr), ASH_WINDOW_HUGE);
        ash_region_unmap_huge(addr, MIB);
    }
}

static void huge_objects_grow_where_they_lie(void **state)
{
    (void)state;
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    *(char *)addr = 1;
    bool grown = ash_region_grow_huge(addr, HUGE_BYTES, ASH_REGION_BYTES);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (!grown) { /* the sanitizer has its shadow next to us */
        ash_region_unmap_huge(addr, HUGE_BYTES);
        skip();
    }
#endif
    assert_true(grown);
    size_t bytes = HUGE_BYTES + ASH_REGION_BYTES;
    assert_true(reads_zero(addr + HUGE_BYTES, MIB) && reads_zero(addr + bytes - MIB, MIB));
    assert_int_equal(*(char *)addr, 1);
    assert_int_equal(ash_window_of(addr + bytes - 1), ASH_WINDOW_HUGE_CONT);
    assert_int_equal(ash_space_count.huge_bytes, bytes);
    ash_region_unmap_huge(addr, bytes);
    assert_int_equal(ash_region_mapped_bytes(), 0);
}

static void growth_into_somebody_elses_mapping_is_refused(void **state)
{
    (void)state;
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    map_foreign(addr + HUGE_BYTES + MIB);
    assert_false(ash_region_grow_huge(addr, HUGE_BYTES, 2 * MIB));
    assert_true(ash_region_grow_huge(addr, HUGE_BYTES, MIB));
    assert_int_equal(ash_space_count.huge_bytes, HUGE_BYTES + MIB);
    ash_region_unmap_huge(addr, HUGE_BYTES + MIB);
    assert_true(is_mapped(addr + HUGE_BYTES + MIB));
}

static void growth_into_a_window_of_ours_is_refused(void **state)
{
    (void)state;
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    uintptr_t next = ash_align_down(addr, ASH_REGION_BYTES) + ASH_REGION_BYTES;
    ash_region_kind[next >> ASH_REGION_SHIFT] = ASH_WINDOW_REGION;
    assert_false(ash_region_grow_huge(addr, HUGE_BYTES, ASH_REGION_BYTES));
    assert_int_equal(ash_window_of(next), ASH_WINDOW_REGION);
    assert_false(is_mapped(addr + HUGE_BYTES));
}

static void growth_beyond_the_address_space_is_refused(void **state)
{
    (void)state;
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    assert_false(ash_region_grow_huge(addr, HUGE_BYTES, (size_t)1 << 48));
    assert_int_equal(ash_space_count.huge_bytes, HUGE_BYTES);
}

static void shrinking_gives_addresses_and_windows_back(void **state)
{
    (void)state;
    size_t bytes = 2 * ASH_REGION_BYTES;
    uintptr_t addr = ash_region_map_huge(bytes, ASH_SLICE_BYTES);
    uintptr_t end = addr + bytes;
    assert_int_equal(ash_window_of(end - 1), ASH_WINDOW_HUGE_CONT);
    size_t less = ASH_REGION_BYTES + MIB;
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    assert_false(ash_region_shrink_huge(addr, bytes, less));
    assert_int_equal(ash_space_count.huge_bytes, bytes);
    assert_int_equal(ash_window_of(end - 1), ASH_WINDOW_HUGE_CONT);
    ash_os_fail_set(0, 0, 0, 0);
    assert_true(ash_region_shrink_huge(addr, bytes, less));
    assert_int_equal(ash_window_of(end - 1), ASH_WINDOW_NONE);
    assert_false(is_mapped(end - less));
    assert_true(is_mapped(end - less - 1));
    assert_int_equal(ash_space_count.huge_bytes, bytes - less);
    ash_region_unmap_huge(addr, bytes - less);
    assert_int_equal(ash_region_mapped_bytes(), 0);
}

static void impossible_huge_objects_are_refused(void **state)
{
    (void)state;
    assert_int_equal(ash_region_map_huge(((size_t)1 << 46) + 1, ASH_SLICE_BYTES), 0);
    ash_os_fail_set(0, 1, ASH_FAIL_MMAP, 0);
    assert_int_equal(ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES), 0);
    ash_os_fail_set(0, 0, 0, 0);
    ash_space_count.limit_bytes = (int64_t)HUGE_BYTES - 1;
    assert_int_equal(ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES), 0);
    ash_space_count.limit_bytes = (int64_t)HUGE_BYTES;
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    assert_true(addr != 0);
    assert_false(ash_region_grow_huge(addr, HUGE_BYTES, MIB));
    ash_region_unmap_huge(addr, HUGE_BYTES);
    assert_int_equal(ash_space_count.huge_bytes, 0);
}

static void huge_objects_exist_in_sparse_windows_too(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_region_force_sparse();
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    assert_true(addr != 0);
    assert_int_equal(ash_window_of(addr), ASH_WINDOW_HUGE);
    assert_true(reads_zero(addr, MIB) && reads_zero(addr + HUGE_BYTES - MIB, MIB));
    ash_region_unmap_huge(addr, HUGE_BYTES);
    assert_int_equal(ash_window_of(addr), ASH_WINDOW_GONE);
}

static void a_huge_object_without_rights_becomes_sparse(void **state)
{
    (void)state;
    skip_under_tsan();
    ash_os_fail_set(0, 1, ASH_FAIL_MPROTECT, 0);
    uintptr_t addr = ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES);
    ash_os_fail_set(0, 0, 0, 0);
    assert_true(addr != 0);
    assert_true(reads_zero(addr, MIB));
    ash_region_unmap_huge(addr, HUGE_BYTES);
    /* the second mmap, that of the object itself, is refused: the head goes back */
    ash_region_force_sparse();
    ash_os_fail_set(2, 0, ASH_FAIL_MMAP, 0);
    assert_int_equal(ash_region_map_huge(HUGE_BYTES, ASH_SLICE_BYTES), 0);
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(ash_region_mapped_bytes(), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_aligned_and_begin_with_an_eighth_of_their_own),
        cmocka_unit_test(the_window_of_an_address_says_whose_it_is),
        cmocka_unit_test(steps_double),
        cmocka_unit_test(a_caller_who_saw_less_than_is_open_does_not_grow),
        cmocka_unit_test(a_refused_step_shrinks_to_what_is_needed),
        cmocka_unit_test(where_rights_cannot_be_given_a_sparse_window_serves),
        cmocka_unit_test(refused_growth_changes_nothing),
        cmocka_unit_test(a_full_region_is_followed_by_another),
        cmocka_unit_test(sparse_windows_map_what_they_open),
        cmocka_unit_test(free_groups_of_a_sparse_window_are_unmapped_and_come_back),
        cmocka_unit_test(a_group_that_cannot_be_unmapped_is_purged),
        cmocka_unit_test(foreign_mappings_in_a_sparse_window_are_left_alone),
        cmocka_unit_test(a_closed_group_that_is_taken_meanwhile_is_foreign),
        cmocka_unit_test(a_full_sparse_window_is_followed_by_another),
        cmocka_unit_test(a_refused_group_leaves_the_sparse_window),
        cmocka_unit_test(closing_a_group_in_use_is_a_broken_promise),
        cmocka_unit_test(huge_objects_have_windows_of_their_own),
        cmocka_unit_test(huge_objects_are_aligned_as_asked),
        cmocka_unit_test(huge_objects_grow_where_they_lie),
        cmocka_unit_test(growth_into_somebody_elses_mapping_is_refused),
        cmocka_unit_test(growth_into_a_window_of_ours_is_refused),
        cmocka_unit_test(growth_beyond_the_address_space_is_refused),
        cmocka_unit_test(shrinking_gives_addresses_and_windows_back),
        cmocka_unit_test(impossible_huge_objects_are_refused),
        cmocka_unit_test(huge_objects_exist_in_sparse_windows_too),
        cmocka_unit_test(a_huge_object_without_rights_becomes_sparse),
    };
    return apart_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
