/* test_import_heaptrack.c: both of heaptrack's texts, and lines that it does not write. */
#include "traces.h"

static void files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *story;
    } cases[] = {
        {"v 10400 3\nX ./app\nt 4005d0 0\n+ 40 1 7f10\n+ 10 1 7f80\nc 2\n- 7f10\n+ 8 2 7f10\n",
         " m0=64 m1=16 f0 m0=8"},
        {"v 10400 3\na 40 1\na 10 2\n+ 0\n+ 1\n+ 0\n- 0\n- 0\n+ 1\n",
         " m0=64 m1=16 m2=64 f2 f0 m0=16"},
        {"v 10400 3\na 40 1\n+ 0\n- 0\n- 0\n", " m0=64 f0 !line 5 is not as heaptrack writes it: "
                                               "'- 0'"},
        {"v 10400 3\n+ zz 1 7f\n", " !line 2 is not as heaptrack writes it: '+ zz 1 7f'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(trace_story(trace_text(cases[i].text)), cases[i].story);
}

static void time_and_sites_are_kept(void **state)
{
    (void)state;
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load =
        ash_lab_load_open(trace_text("v 10400 3\nc a\n+ 40 3 7f10\n"), error);
    struct ash_lab_entry entry;
    assert_int_equal(ash_lab_load_next(load, &entry), 1);
    assert_int_equal(entry.ns, 10000000);
    assert_int_equal(entry.stack, 3);
    assert_true(ash_lab_load_source(load)->has_clock);
    ash_lab_load_close(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(time_and_sites_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
