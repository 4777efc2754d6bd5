/* test_page.c: the page in the command is whole, with one place for results, or empty. */
#include "child.h"
#include "lab/page.h"
#include <string.h>

static void the_page_has_one_place_for_results(void **state)
{
    (void)state;
    size_t n = (size_t)((uintptr_t)ash_lab_page_end - (uintptr_t)ash_lab_page);
    assert_int_equal(strlen(ash_lab_page), n);
    if (n == 0)
        skip();
    const char *at = strstr(ash_lab_page, "@RESULTS@");
    assert_non_null(at);
    assert_null(strstr(at + 1, "@RESULTS@"));
    assert_non_null(strstr(at, "</html>"));
    assert_null(strstr(ash_lab_page, "src="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_has_one_place_for_results)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
