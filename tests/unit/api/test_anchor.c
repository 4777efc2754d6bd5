/* test_anchor.c: the library's own anchor is one that a reader accepts. */
#include "api/anchor.h"
#include "wire/anchor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

extern struct ash_anchor ashlar_anchor;

static void the_anchor_is_good_where_it_lies(void **state)
{
    (void)state;
    ash_anchor_start("stats,check=1");
    struct ash_anchor read;
    assert_int_equal(ash_anchor_judge(&ashlar_anchor, sizeof(ashlar_anchor),
                                      (uint64_t)(uintptr_t)&ashlar_anchor, &read),
                     ASH_ANCHOR_GOOD);
    assert_string_equal(read.options, "stats,check=1");
}

static void long_options_are_cut_and_ended(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 0;
    ash_anchor_start(text);
    assert_int_equal(strlen(ashlar_anchor.options), sizeof(ashlar_anchor.options) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_anchor_is_good_where_it_lies),
        cmocka_unit_test(long_options_are_cut_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
