/* test_rng.c: the generator gives the published numbers. */
#include "base/rng.h"
#include "child.h"

static void numbers_are_those_of_splitmix64(void **state)
{
    (void)state;
    uint64_t rng = 1234567;
    assert_true(ash_rng_next(&rng) == 6457827717110365317u);
    assert_true(ash_rng_next(&rng) == 3203168211198807973u);
}

static void equal_seeds_give_equal_numbers(void **state)
{
    (void)state;
    uint64_t a = 99, b = 99, c = 100;
    uint64_t first = ash_rng_next(&a);
    assert_true(first == ash_rng_next(&b));
    assert_true(first != ash_rng_next(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_splitmix64),
        cmocka_unit_test(equal_seeds_give_equal_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
