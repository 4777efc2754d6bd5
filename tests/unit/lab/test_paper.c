/* test_paper.c: the JSON is whole and the same each time; in a page it does not end the script. */
#include "child.h"
#include "lab/paper.h"
#include <stdlib.h>
#include <string.h>

static char *written(bool with_plots, bool as_page)
{
    static struct ash_lab_survey survey = {.format = "made up", .count = {.n_entries = 2}};
    static struct ash_lab_contender contender = {.label = "first_fit"};
    static struct ash_lab_sample samples[2] = {{.resident = 4096}, {.entry = 2}};
    static const struct ash_lab_site site = {7, "f < main"};
    static struct ash_lab_plan plan;
    static struct ash_lab_figures figures;
    static struct ash_lab_verdict verdict = {
        .rule = "LV2", .lines = {"\"Too\" short"}, .n_lines = 1};
    const struct ash_lab_result result = {
        .contender = &contender, .samples = samples, .n_samples = 2};
    const struct ash_lab_paper paper = {"</script>", &survey, &plan, &result, &figures,
                                        &verdict,    1,       0,     &site,   1};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (as_page)
        ash_lab_paper_html(&paper, out);
    else
        ash_lab_paper_json(&paper, with_plots, out);
    fclose(out);
    return text;
}

static void braces_match_and_bytes_repeat(void **state)
{
    (void)state;
    char *first = written(true, false), *second = written(true, false);
    assert_string_equal(first, second);
    int depth = 0;
    for (const char *at = first; *at; at++)
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    assert_int_equal(depth, 0);
    assert_non_null(strstr(first, "\"format\":\"ashlar-lab 1\""));
    assert_non_null(strstr(first, "\"resident\":[4096,0]"));
    assert_non_null(strstr(first, "\"lines\":[\"\\\"Too\\\" short\"]"));
    assert_non_null(strstr(first, "\"sites\":[{\"stack\":7,\"text\":\"f < main\"}]"));
    free(first);
    free(second);
}

static void a_name_cannot_end_the_script(void **state)
{
    (void)state;
    if (!ash_lab_paper_has_page())
        skip();
    char *page = written(true, true);
    assert_null(strstr(page, "@RESULTS@"));
    assert_non_null(strstr(page, "\\u003c/script>"));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_match_and_bytes_repeat),
        cmocka_unit_test(a_name_cannot_end_the_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
