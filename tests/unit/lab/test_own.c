/* test_own.c: what is said when a strategy cannot be compiled (that it can: tests/e2e). */
#include "child.h"
#include "lab/own.h"
#include <stdio.h>
#include <string.h>

static void a_file_that_does_not_compile_is_told(void **state)
{
    (void)state;
    struct ash_lab_contender contender = {.label = "mine.c", .path = "/no/such/mine.c"};
    char error[ASH_LAB_ERROR_MAX] = "";
    setenv("CC", "true", 1); /* says nothing and makes nothing */
    assert_false(ash_lab_own_compile(&contender, error));
    assert_true(strcmp(error, "mine.c does not compile") == 0 ||
                strncmp(error, "ashlar/lab.h is not there", 25) == 0);
    assert_string_equal(contender.path, "/no/such/mine.c");
}

static void only_its_own_folder_is_removed(void **state)
{
    (void)state;
    struct ash_lab_contender contender = {.label = "mine.c"};
    FILE *file = fopen("own_test_kept.c", "w");
    fclose(file);
    snprintf(contender.path, sizeof(contender.path), "own_test_kept.c");
    ash_lab_own_remove(&contender);
    assert_int_equal(access("own_test_kept.c", R_OK), 0);
    unlink("own_test_kept.c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_does_not_compile_is_told),
        cmocka_unit_test(only_its_own_folder_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
