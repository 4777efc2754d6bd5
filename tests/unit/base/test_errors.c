/* test_errors.c: the table of all messages is complete and can be searched. */
#include "base/errors.h"
#include "base/base.h"
#include "child.h"

static int ask_for_a_code_beyond_the_table(void)
{
    return ash_error_name(ASH_ERROR_COUNT) != NULL;
}

static void every_row_has_a_sentence_and_advice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASH_ERROR_COUNT; i++) {
        assert_true(strlen(ash_error_name((enum ash_error)i)) >= 3);
        assert_true(strlen(ash_error_sentence((enum ash_error)i)) > 0);
        size_t n = strlen(ash_error_advice((enum ash_error)i));
        assert_true(n > 0);
        assert_int_equal(ash_error_advice((enum ash_error)i)[n - 1], '.');
    }
}

static void every_code_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASH_ERROR_COUNT; i++)
        assert_int_equal(ash_error_find(ash_error_name((enum ash_error)i)), i);
    assert_string_equal(ash_error_name(ASH_E03), "E03");
    assert_string_equal(ash_error_sentence(ASH_E01), "double free");
}

static void case_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(ash_error_find("e01"), ASH_E01);
    assert_int_equal(ash_error_find("f01"), ASH_F01);
}

static void names_that_are_none_are_not_found(void **state)
{
    (void)state;
    static const char *const names[] = {"", "E", "E0", "E011", "E99", "X01", " E01", "E01 "};
    for (size_t i = 0; i < ASH_COUNT_OF(names); i++)
        assert_int_equal(ash_error_find(names[i]), ASH_ERROR_COUNT);
}

static void code_beyond_the_table_is_a_broken_promise(void **state)
{
    (void)state;
    child_must_abort(ask_for_a_code_beyond_the_table, "F01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_sentence_and_advice),
        cmocka_unit_test(every_code_is_found_by_its_name),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(names_that_are_none_are_not_found),
        cmocka_unit_test(code_beyond_the_table_is_a_broken_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
