/* test_stat.c: one table, three forms, the same numbers. */
#include "wire/stat.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[16384];

static void collect(void *arg, const char *part, size_t n)
{
    (void)arg;
    strncat(text, part, n);
}

static const char *write_form(enum ash_stat_form form)
{
    struct ash_stat_values values = {.malloc_count = 12345, .live_bytes = 3 << 20};
    struct ash_stat_source source = {"9.8.7", "a \"name\"", 42};
    text[0] = 0;
    ash_stat_write(form, &source, &values, collect, NULL);
    return text;
}

static void text_names_units_and_meaning(void **state)
{
    (void)state;
    const char *out = write_form(ASH_STAT_TEXT);
    assert_non_null(strstr(out, "Ashlar 9.8.7, pid 42"));
    assert_non_null(strstr(out, "12345"));
    assert_non_null(strstr(out, "3.0 MiB"));
    for (size_t i = 0; i < ASH_STAT_N; i++) {
        assert_non_null(strstr(out, ash_stat_table[i].name));
        assert_non_null(strstr(out, ash_stat_table[i].help));
    }
}

static void json_has_exact_numbers_and_escaped_names(void **state)
{
    (void)state;
    const char *out = write_form(ASH_STAT_JSON);
    assert_non_null(strstr(out, "\"live_bytes\":3145728"));
    assert_non_null(strstr(out, "\"command\":\"a \\\"name\\\"\""));
    assert_non_null(strstr(out, "\"schema\":1"));
}

static void prometheus_states_kind_before_value(void **state)
{
    (void)state;
    const char *out = write_form(ASH_STAT_PROMETHEUS);
    const char *kind = strstr(out, "# TYPE ashlar_malloc_count counter\n");
    const char *value = strstr(out, "\nashlar_malloc_count{pid=\"42\"} 12345\n");
    assert_non_null(kind);
    assert_non_null(value);
    assert_true(kind < value);
    assert_non_null(strstr(out, "# TYPE ashlar_live_bytes gauge\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_names_units_and_meaning),
        cmocka_unit_test(json_has_exact_numbers_and_escaped_names),
        cmocka_unit_test(prometheus_states_kind_before_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
