/* test_blocks.c: marks are where a program would write, and tell who took their place. */
#include "child.h"
#include "lab/blocks.h"
#include <string.h>

enum { PAGE = 4096 };
static uint8_t memory[8 * PAGE] __attribute__((aligned(PAGE)));
static struct ash_lab_blocks blocks;
static char why[ASH_LAB_WHY_MAX];

static int set_up(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    return ash_lab_blocks_init(&blocks, 8) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ash_lab_blocks_end(&blocks);
    return 0;
}

static bool mark(size_t slot, size_t at, size_t size)
{
    blocks.slots[slot] = (struct ash_lab_block){
        .at = memory + at, .number = slot + 1, .size = size, .usable = size, .align = 16};
    if (!ash_lab_blocks_enter(&blocks, slot, why))
        return false;
    ash_lab_blocks_mark(&blocks, slot);
    return true;
}

static bool verify(size_t slot)
{
    return ash_lab_blocks_verify(&blocks, slot, blocks.slots[slot].size, why);
}

static void every_size_is_marked_inside_and_verified(void **state)
{
    (void)state;
    for (size_t size = 0; size < 3 * PAGE; size += size < 40 ? 1 : 37) {
        memset(memory, 0, sizeof(memory));
        ash_lab_blocks_leave(&blocks, 0);
        assert_true(mark(0, 16, size));
        assert_true(verify(0));
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(memory[i], 0);
        for (size_t i = 16 + size; i < 4 * PAGE; i++)
            assert_int_equal(memory[i], 0);
    }
}

static void each_page_of_a_block_is_touched(void **state)
{
    (void)state;
    mark(0, 48, 5 * PAGE);
    for (size_t page = 0; page < 5; page++) {
        bool is_touched = false;
        for (size_t i = 0; i < PAGE; i++)
            is_touched |= memory[page * PAGE + i] != 0;
        assert_true(is_touched);
    }
}

static void a_lost_mark_is_found_at_its_byte(void **state)
{
    (void)state;
    mark(2, 0, 100);
    memory[95] ^= 1;
    assert_false(verify(2));
    assert_non_null(strstr(why, "block 3 (100 bytes at"));
    assert_non_null(strstr(why, "lost its content at byte 92"));
}

static void an_overlap_is_told_when_the_second_is_born(void **state)
{
    (void)state;
    assert_true(mark(0, 64, 200));
    for (size_t at = 64; at < 264; at += 16) { /* also where no mark is */
        assert_false(mark(1, at, 32));
        assert_non_null(strstr(why, "block 2 (32 bytes at"));
        assert_non_null(strstr(why, "overlaps block 1 (200 bytes at"));
    }
    assert_true(mark(1, 272, 32));
    assert_true(mark(2, 32, 32));
}

static void a_mark_that_was_taken_names_the_taker(void **state)
{
    (void)state;
    assert_true(mark(0, 64, 200));
    blocks.slots[1] =
        (struct ash_lab_block){.at = memory + 256, .number = 2, .size = 200, .usable = 200};
    ash_lab_blocks_mark(&blocks, 1); /* its first word covers the last word of the other */
    assert_false(verify(0));
    assert_non_null(strstr(why, "block 1 (200 bytes at"));
    assert_non_null(strstr(why, "was overwritten at byte 192 by block 2 (200 bytes at"));
}

static void marks_of_the_dead_do_not_count(void **state)
{
    (void)state;
    mark(0, 64, 200);
    ash_lab_blocks_leave(&blocks, 0);
    blocks.slots[0] = (struct ash_lab_block){0};
    assert_true(mark(1, 64, 200));
    assert_true(verify(1));
    assert_int_equal(blocks.n_live, 1);
    assert_int_equal(blocks.live_bytes, 200);
    assert_int_equal(blocks.oracle_bytes, 208);
}

static void a_shrunk_block_is_verified_to_what_it_keeps(void **state)
{
    (void)state;
    mark(0, 0, 3 * PAGE);
    memset(memory + PAGE, 0xee, 2 * PAGE);
    assert_true(ash_lab_blocks_verify(&blocks, 0, PAGE, why));
    assert_false(ash_lab_blocks_verify(&blocks, 0, 2 * PAGE, why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size_is_marked_inside_and_verified, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_page_of_a_block_is_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_mark_is_found_at_its_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_overlap_is_told_when_the_second_is_born, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_mark_that_was_taken_names_the_taker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marks_of_the_dead_do_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shrunk_block_is_verified_to_what_it_keeps, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
