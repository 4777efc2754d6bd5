/* test_base.c: alignment, powers of two, containers. */
#include "base/base.h"
#include "child.h"

struct outer {
    char first[24];
    int member;
};

static void alignment_rounds_to_the_multiple_on_either_side(void **state)
{
    (void)state;
    static const struct {
        uintptr_t x, down, up;
    } rows[] = {{0, 0, 0}, {1, 0, 64}, {63, 0, 64}, {64, 64, 64}, {65, 64, 128}};
    for (size_t i = 0; i < ASH_COUNT_OF(rows); i++) {
        assert_int_equal(ash_align_down(rows[i].x, 64), rows[i].down);
        assert_int_equal(ash_align_up(rows[i].x, 64), rows[i].up);
    }
}

static void only_single_bits_are_powers_of_two(void **state)
{
    (void)state;
    assert_false(ash_is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++)
        assert_true(ash_is_power_of_two((uintptr_t)1 << i));
    assert_false(ash_is_power_of_two(3));
    assert_false(ash_is_power_of_two(UINTPTR_MAX));
}

static void sizes_compare_without_a_sign(void **state)
{
    (void)state;
    assert_int_equal(ash_size_max(1, SIZE_MAX), SIZE_MAX);
    assert_int_equal(ash_size_min(1, SIZE_MAX), 1);
}

static void container_is_found_from_its_member(void **state)
{
    (void)state;
    struct outer outer;
    assert_ptr_equal(ASH_CONTAINER_OF(&outer.member, struct outer, member), &outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignment_rounds_to_the_multiple_on_either_side),
        cmocka_unit_test(only_single_bits_are_powers_of_two),
        cmocka_unit_test(sizes_compare_without_a_sign),
        cmocka_unit_test(container_is_found_from_its_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
