/* test_check.c: a broken promise ends the process with one line that says where. */
#include "base/check.h"
#include "child.h"

static int break_a_promise(void)
{
    int two = 2;
    ASH_CHECK(two == 3);
    return 0;
}

static int break_a_debug_promise(void)
{
    int two = 2;
    ASH_DEBUG(two == 3);
    return 0;
}

static int name_a_long_promise(void)
{
    static char what[8192];
    memset(what, 'w', sizeof what - 1);
    ash_fatal(what, "file.c", 1);
}

static void kept_promise_does_nothing(void **state)
{
    (void)state;
    int n_evaluated = 0;
    ASH_CHECK(++n_evaluated == 1);
    assert_int_equal(n_evaluated, 1);
}

static void broken_promise_names_its_text_and_place(void **state)
{
    (void)state;
    child_must_abort(break_a_promise, "ashlar: F01 ");
    child_must_abort(break_a_promise, "two == 3");
    child_must_abort(break_a_promise, "test_check.c:");
    child_must_abort(break_a_promise, "| ashlar help F01\n");
}

static void report_is_one_line(void **state)
{
    (void)state;
    struct child child = child_run(break_a_promise);
    char *newline = strchr(child.text, '\n');
    assert_non_null(newline);
    assert_string_equal(newline, "\n");
}

static void long_promise_is_cut(void **state)
{
    (void)state;
    child_must_abort(name_a_long_promise, "...\n");
}

static void debug_promise_counts_in_debug_builds_only(void **state)
{
    (void)state;
#ifdef ASH_DEBUG_BUILD
    child_must_abort(break_a_debug_promise, "two == 3");
#else
    child_must_pass(break_a_debug_promise);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_promise_does_nothing),
        cmocka_unit_test(broken_promise_names_its_text_and_place),
        cmocka_unit_test(report_is_one_line),
        cmocka_unit_test(long_promise_is_cut),
        cmocka_unit_test(debug_promise_counts_in_debug_builds_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
