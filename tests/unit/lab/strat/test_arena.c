/* test_arena.c: bumps, and regions that are reset when all in them is dead. */
#include "ground.h"

static void blocks_follow_each_other_and_dead_ones_are_not_used_again(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_arena);
    char *a = ground_alloc(&ground, 40), *b = ground_alloc(&ground, 40);
    assert_ptr_equal(b, a + 48);
    ground_free(&ground, a);
    assert_string_equal(ground_why(&ground), "48 bytes are dead; 1 live blocks keep their region");
    assert_ptr_equal(ground_alloc(&ground, 40), b + 48);
    ground_close(&ground);
}

static void the_last_death_resets_the_region(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_arena);
    char *a = ground_alloc(&ground, 40), *b = ground_alloc(&ground, 40);
    ground_free(&ground, a);
    ground_free(&ground, b);
    assert_non_null(strstr(ground_why(&ground), "all of it is free again"));
    assert_ptr_equal(ground_alloc(&ground, 40), a);
    ground_close(&ground);
}

static void one_survivor_keeps_its_region(void **state)
{
    (void)state;
    struct ground ground = {.params = {{"region", "4096"}, {"return", "unmap"}}};
    ground_open(&ground, &ash_lab_arena);
    char *blocks[400];
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        blocks[i] = ground_alloc(&ground, 100);
    size_t mapped = ground_mapped(&ground);
    assert_int_equal(mapped, (ASH_COUNT_OF(blocks) + 35) / 36 * 4096); /* 36 × 112 each */
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        if (i % 36 != 7)
            ground_free(&ground, blocks[i]);
    assert_int_equal(ground_mapped(&ground), mapped);
    for (unsigned i = 7; i < ASH_COUNT_OF(blocks); i += 36)
        ground_free(&ground, blocks[i]);
    assert_int_equal(ground_mapped(&ground), 2 * 4096); /* the current one, and a spare */
    ground_close(&ground);
}

static void large_blocks_and_alignments_have_regions_of_their_own(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_arena);
    char *a = ground_alloc(&ground, 1 << 20);
    char *b = ground.strategy->alloc(ground.self, 100, (size_t)1 << 21);
    assert_int_equal((uintptr_t)b % ((size_t)1 << 21), 0);
    assert_true(ground_mapped(&ground) < (1 << 20) + 3 * 65536);
    ground_free(&ground, a);
    ground_free(&ground, b);
    assert_int_equal(ground_mapped(&ground), 0);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_follow_each_other_and_dead_ones_are_not_used_again),
        cmocka_unit_test(the_last_death_resets_the_region),
        cmocka_unit_test(one_survivor_keeps_its_region),
        cmocka_unit_test(large_blocks_and_alignments_have_regions_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
