/* test_survey.c: what a trace holds: maxima, sizes, lifetimes; classes of sizes. */
#include "traces.h"
#include "lab/survey.h"

static void sizes_fall_into_quarters_of_powers_of_two(void **state)
{
    (void)state;
    for (uint64_t size = 1; size < 100000; size++) {
        unsigned class_i = ash_lab_size_class(size);
        assert_true(size <= ash_lab_size_top(class_i));
        assert_true(class_i == 0 || size > ash_lab_size_top(class_i - 1));
    }
    assert_int_equal(ash_lab_size_class(0), 0);
    assert_int_equal(ash_lab_size_top(ash_lab_size_class(1025)), 1280);
    assert_true(ash_lab_size_class((uint64_t)1 << 46) < ASH_LAB_SIZES);
}

static void maxima_and_ends_are_counted(void **state)
{
    (void)state;
    struct ash_lab_survey survey;
    char error[ASH_LAB_ERROR_MAX];
    const char *path = trace_text("4\n7\na 0 100\na 1 1000\nf 0\nr 1 3000\na 2 50\nf 1\na 3 10\n");
    assert_true(ash_lab_survey(path, &survey, error));
    assert_int_equal(survey.count.n_entries, 7);
    assert_int_equal(survey.count.n_births, 4);
    assert_int_equal(survey.n_reallocs, 1);
    assert_int_equal(survey.live_max_bytes, 3050);
    assert_int_equal(survey.live_max_entry, 5);
    assert_int_equal(survey.live_max_blocks, 2);
    assert_int_equal(survey.block_max_bytes, 3000);
    assert_int_equal(survey.oracle_max_bytes, 3008 + 64);
    assert_int_equal(survey.live_end_bytes, 60);
    assert_int_equal(survey.allocated_bytes, 4160);
    assert_int_equal(survey.n_threads, 1);
    assert_int_equal(survey.lives[ASH_LAB_LIVES - 1].n_births, 2);
    assert_int_equal(survey.lives[ASH_LAB_LIVES - 1].bytes, 60);
    assert_int_equal(survey.lives[11].n_births, 1); /* block 0: 1100 bytes until its death */
    assert_int_equal(survey.lives[11].bytes, 100);
}

static void a_bad_trace_has_a_sentence(void **state)
{
    (void)state;
    struct ash_lab_survey survey;
    char error[ASH_LAB_ERROR_MAX];
    assert_false(ash_lab_survey(trace_text("9\n9\na 0 1\nb 0\n"), &survey, error));
    assert_string_equal(error, "line 4 is no operation of a .rep file: 'b 0'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_fall_into_quarters_of_powers_of_two),
        cmocka_unit_test(maxima_and_ends_are_counted),
        cmocka_unit_test(a_bad_trace_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
