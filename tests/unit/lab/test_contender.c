/* test_contender.c: how contenders are named, and what is said about names that are none. */
#include "child.h"
#include "lab/contender.h"
#include <stdio.h>
#include <string.h>

static struct ash_lab_contender contender;
static char error[ASH_LAB_ERROR_MAX];

static bool reads(const char *word)
{
    error[0] = 0;
    return ash_lab_contender_read(word, strlen(word), NULL, &contender, error);
}

static void a_strategy_with_parameters(void **state)
{
    (void)state;
    assert_true(reads("first_fit:order=lifo:split=64"));
    assert_ptr_equal(contender.strategy, &ash_lab_first_fit);
    assert_string_equal(contender.label, "first_fit:order=lifo:split=64");
    assert_string_equal(contender.params[0].key, "order");
    assert_string_equal(contender.params[0].value, "lifo");
    assert_string_equal(contender.params[1].value, "64");
    assert_null(contender.params[2].key);
    ash_lab_contender_add(&contender, "split", "32"); /* the user's stays */
    ash_lab_contender_add(&contender, "seed", "7");
    assert_string_equal(contender.params[1].value, "64");
    assert_string_equal(contender.params[2].value, "7");
    assert_null(contender.params[3].key);
}

static void files_are_libraries_or_sources(void **state)
{
    (void)state;
    FILE *file = fopen("lab_own_test.c", "w");
    fclose(file);
    assert_true(reads("./lab_own_test.c"));
    assert_int_equal(contender.kind, ASH_LAB_STRATEGY_BROUGHT);
    assert_string_equal(contender.label, "lab_own_test.c");
    assert_int_equal(contender.path[0], '/');
    remove("lab_own_test.c");
    assert_false(reads("./no/such.so"));
    assert_string_equal(error, "there is no file ./no/such.so");
}

static void what_is_none_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *word, *error;
    } cases[] = {
        {"", "the name of a contender is empty"},
        {"first_fit:order", "'order' is no key=value"},
        {"first_fit:=1", "'=1' is no key=value"},
        {"ashlar", "ashlar: the library was not found"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(reads(cases[i].word));
        assert_string_equal(error, cases[i].error);
    }
    assert_false(reads("frist_fit"));
    assert_non_null(strstr(error, "there is no strategy 'frist_fit'; there are first_fit, "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strategy_with_parameters),
        cmocka_unit_test(files_are_libraries_or_sources),
        cmocka_unit_test(what_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
