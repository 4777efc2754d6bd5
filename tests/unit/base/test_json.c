/* test_json.c: the JSON writer against the text it must give. */
#include "base/json.h"
#include "child.h"

#define TEXT_BYTES 1024

struct text {
    size_t len;
    char bytes[TEXT_BYTES];
};

static void collect(void *arg, const char *piece, size_t n)
{
    struct text *text = arg;
    assert_true(text->len + n < TEXT_BYTES);
    memcpy(text->bytes + text->len, piece, n);
    text->len += n;
    text->bytes[text->len] = 0;
}

static void ignore(void *arg, const char *piece, size_t n)
{
    (void)arg;
    (void)piece;
    (void)n;
}

static void commas_and_colons_stand_where_they_must(void **state)
{
    (void)state;
    struct text text = {0};
    struct ash_json json;
    ash_json_init(&json, collect, &text);
    ash_json_object(&json);
    ash_json_key(&json, "a");
    ash_json_u64(&json, 1);
    ash_json_key(&json, "b");
    ash_json_array(&json);
    ash_json_bool(&json, true);
    ash_json_bool(&json, false);
    ash_json_object(&json);
    ash_json_object_end(&json);
    ash_json_array(&json);
    ash_json_array_end(&json);
    ash_json_array_end(&json);
    ash_json_key(&json, "c");
    ash_json_object(&json);
    ash_json_key(&json, "d");
    ash_json_str(&json, "e");
    ash_json_object_end(&json);
    ash_json_object_end(&json);
    assert_string_equal(text.bytes, "{\"a\":1,\"b\":[true,false,{},[]],\"c\":{\"d\":\"e\"}}");
}

static void numbers_are_exact_at_their_limits(void **state)
{
    (void)state;
    struct text text = {0};
    struct ash_json json;
    ash_json_init(&json, collect, &text);
    ash_json_array(&json);
    ash_json_u64(&json, 0);
    ash_json_u64(&json, UINT64_MAX);
    ash_json_i64(&json, INT64_MIN);
    ash_json_i64(&json, -1);
    ash_json_i64(&json, INT64_MAX);
    ash_json_array_end(&json);
    assert_string_equal(text.bytes, "[0,18446744073709551615,-9223372036854775808,-1,"
                                    "9223372036854775807]");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *given, *written;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\/", "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01 \x1f\x7f", "\"\\u0001 \\u001f\\u007f\""},
        {"a\nb", "\"a\\nb\""},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    };
    for (size_t i = 0; i < ASH_COUNT_OF(rows); i++) {
        struct text text = {0};
        struct ash_json json;
        ash_json_init(&json, collect, &text);
        ash_json_str(&json, rows[i].given);
        assert_string_equal(text.bytes, rows[i].written);
    }
}

/* A command line may hold any bytes, a JSON text only UTF-8. */
static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *given, *written;
    } rows[] = {
        {"a\x80"
         "b",
         "\"a" R "b\""},                         /* continuation alone */
        {"\xC3", "\"" R "\""},                   /* ends too early */
        {"\xE2\x82", "\"" R R "\""},             /* the same, of three */
        {"\xC0\xAF", "\"" R R "\""},             /* too long for what it says */
        {"\xE0\x80\xAF", "\"" R R R "\""},       /* the same, of three */
        {"\xED\xA0\x80", "\"" R R R "\""},       /* surrogate */
        {"\xF4\x90\x80\x80", "\"" R R R R "\""}, /* beyond U+10FFFF */
        {"\xFF", "\"" R "\""},
        {"\xC3(", "\"" R "(\""},
    };
#undef R
    for (size_t i = 0; i < ASH_COUNT_OF(rows); i++) {
        struct text text = {0};
        struct ash_json json;
        ash_json_init(&json, collect, &text);
        ash_json_str(&json, rows[i].given);
        assert_string_equal(text.bytes, rows[i].written);
    }
}

static int open_too_deep(void)
{
    struct ash_json json;
    ash_json_init(&json, ignore, NULL);
    for (int i = 0; i < ASH_JSON_DEPTH; i++)
        ash_json_array(&json);
    return 0;
}

static int open_as_deep_as_allowed(void)
{
    struct ash_json json;
    ash_json_init(&json, ignore, NULL);
    for (int i = 0; i < ASH_JSON_DEPTH - 1; i++)
        ash_json_array(&json);
    for (int i = 0; i < ASH_JSON_DEPTH - 1; i++)
        ash_json_array_end(&json);
    return 0;
}

static int close_what_is_not_open(void)
{
    struct ash_json json;
    ash_json_init(&json, ignore, NULL);
    ash_json_object_end(&json);
    return 0;
}

static int close_after_a_key(void)
{
    struct ash_json json;
    ash_json_init(&json, ignore, NULL);
    ash_json_object(&json);
    ash_json_key(&json, "k");
    ash_json_object_end(&json);
    return 0;
}

static void depth_has_a_limit_that_is_checked(void **state)
{
    (void)state;
    child_must_pass(open_as_deep_as_allowed);
    child_must_abort(open_too_deep, "F01");
}

static void text_that_would_be_no_json_is_a_broken_promise(void **state)
{
    (void)state;
    child_must_abort(close_what_is_not_open, "F01");
    child_must_abort(close_after_a_key, "F01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_colons_stand_where_they_must),
        cmocka_unit_test(numbers_are_exact_at_their_limits),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(depth_has_a_limit_that_is_checked),
        cmocka_unit_test(text_that_would_be_no_json_is_a_broken_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
