/* test_import_rep.c: .rep files with two and four counts, and what is wrong with others. */
#include "traces.h"

static void files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *story;
    } cases[] = {
        {"20000\n2\n5\n1\na 0 512\na 1 128\nr 0 640\nf 0\nf -1\n", " m0=512 m1=128 r0=640 f0"},
        {"2\n3\na 0 8\nf 0\na 1 9\n", " m0=8 f0 m0=9"},
        {"1\n1\n2\n1\r\na 0 8\r\nr 0 0\r\n", " m0=8 r0=0"},
        {"2\n2\na 0 8\nr 7 9\n", " m0=8 m1=9"}, /* a realloc of nothing is a birth */
        {"2\n3\na 0 8\na 0 9\nf 1\n", " m0=8 f0 m0=9"},
        {"7\n2\na 0 8\n", " m0=8 !it ends after 1 operations, which is none of its counts"},
        {"1\n2\na 0 8\na 1\n", " m0=8 !line 4 is no operation of a .rep file: 'a 1'"},
        {"1\n2\na 0 8\nx 1\n", " m0=8 !line 4 is no operation of a .rep file: 'x 1'"},
        {"1\n1\na 0 999999999999999999\n", " !entry 1 asks for 999999999999999999 bytes aligned "
                                           "to 16"},
        {"1\n1\na 0 99999999999999999999\n", " !line 3 is no operation of a .rep file: "
                                             "'a 0 99999999999999999999'"},
        {"", "!it is empty"},
        {"hello\n", "!it is no trace that is known here (.ashtrace, malloc-bench, .rep, "
                    "heaptrack)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(trace_story(trace_text(cases[i].text)), cases[i].story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
