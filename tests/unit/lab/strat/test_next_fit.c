/* test_next_fit.c: the rover: where it stands, and what happens to its block. */
#include "ground.h"

static void the_search_goes_on_where_the_last_one_ended(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_next_fit);
    char *blocks[6];
    for (unsigned i = 0; i < 6; i++)
        blocks[i] = ground_alloc(&ground, 200);
    for (unsigned i = 0; i < 6; i += 2)
        ground_free(&ground, blocks[i]);
    assert_ptr_equal(ground_alloc(&ground, 200), blocks[0]); /* whole: the rover moves on */
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[2]);
    assert_ptr_equal(ground_alloc(&ground, 32), blocks[2] + 112); /* the remainder */
    assert_ptr_equal(ground_alloc(&ground, 200), blocks[4]);
    ground_free(&ground, blocks[0]);
    assert_ptr_equal(ground_alloc(&ground, 200), blocks[0]); /* round the end */
    ground_close(&ground);
}

static void a_rover_in_a_joined_block_stands_before_it(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_next_fit);
    char *blocks[6];
    for (unsigned i = 0; i < 6; i++)
        blocks[i] = ground_alloc(&ground, 200);
    ground_free(&ground, blocks[0]);
    ground_free(&ground, blocks[3]);
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[0]);
    assert_ptr_equal(ground_alloc(&ground, 150), blocks[3]); /* the rover is its remainder */
    ground_free(&ground, blocks[3]);                         /* now of the joined block */
    assert_ptr_equal(ground_alloc(&ground, 60), blocks[3]);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_goes_on_where_the_last_one_ended),
        cmocka_unit_test(a_rover_in_a_joined_block_stands_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
