/* test_best_fit.c: the smallest block that fits is taken, and of equals the first in the order. */
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

static void the_smallest_is_taken(void **state)
{
    (void)state;
    struct ground ground = {0};
    char *blocks[5];
    ground_open(&ground, &ash_lab_best_fit);
    scatter(&ground, blocks);
    assert_ptr_equal(ground_alloc(&ground, 300), blocks[0]);
    assert_ptr_equal(ground_alloc(&ground, 100), blocks[1]);
    assert_ptr_equal(ground_alloc(&ground, 88), blocks[1] + 112); /* exact: 96 are left */
    assert_ptr_equal(ground_alloc(&ground, 400), blocks[2]);
    ground_close(&ground);
}

static void an_exact_fit_ends_the_search(void **state)
{
    (void)state;
    struct ground ground = {.params = {{"order", "lifo"}}};
    char *blocks[5];
    ground_open(&ground, &ash_lab_best_fit);
    scatter(&ground, blocks);
    const struct ash_lab_memory_count *count = ash_lab_memory_count(ground.memory);
    uint64_t n = count->n_steps;
    assert_ptr_equal(ground_alloc(&ground, 200), blocks[1]); /* the second of the list */
    assert_int_equal(count->n_steps - n, 2);
    ground_alloc(&ground, 100); /* none is exact: all four that are left */
    assert_int_equal(count->n_steps - n, 6);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_is_taken),
        cmocka_unit_test(an_exact_fit_ends_the_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
