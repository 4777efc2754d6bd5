/* test_worst_fit.c: the largest block is taken, and of equals the first in the order. */
#include "ground.h"

/* Free blocks of 320, 208, 608, 208 and 608 bytes, apart. */
static void scatter(struct ground *ground, char **blocks)
{
    static const size_t sizes[] = {312, 200, 600, 200, 600};
    for (unsigned i = 0; i < 5; i++) {
        blocks[i] = ground_alloc(ground, sizes[i]);
        ground_alloc(ground, 16);
    }
    for (unsigned i = 5; i-- > 0;)
        ground_free(ground, blocks[i]);
}

static void the_largest_is_taken(void **state)
{
    (void)state;
    struct ground ground = {0};
    char *blocks[5];
    ground_open(&ground, &ash_lab_worst_fit);
    scatter(&ground, blocks);
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[2]);
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[4]);
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[2] + 112);
    ground_close(&ground);
}

static void an_equal_top_is_always_the_largest(void **state)
{
    (void)state;
    struct ground ground = {.params = {{"top", "equal"}}};
    char *blocks[5];
    ground_open(&ground, &ash_lab_worst_fit);
    scatter(&ground, blocks);
    assert_true(ground_alloc(&ground, 100) > blocks[4] + 600);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_is_taken),
        cmocka_unit_test(an_equal_top_is_always_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
