/* test_print.c: lines that are built, cut and written without malloc. */
#include "base/print.h"
#include "child.h"
#include <fcntl.h>

/* The longest text: two bytes are kept for the newline and the closing 0. */
#define TEXT_BYTES_MAX (ASH_LINE_BYTES - 2)

static void numbers_are_exact_at_their_limits(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_u64(&line, 0);
    ash_line_char(&line, ' ');
    ash_line_u64(&line, UINT64_MAX);
    ash_line_char(&line, ' ');
    ash_line_i64(&line, INT64_MIN);
    ash_line_char(&line, ' ');
    ash_line_i64(&line, INT64_MAX);
    ash_line_char(&line, ' ');
    ash_line_hex(&line, 0);
    ash_line_char(&line, ' ');
    ash_line_hex(&line, UINT64_MAX);
    assert_string_equal(line.text, "0 18446744073709551615 -9223372036854775808 "
                                   "9223372036854775807 0x0 0xffffffffffffffff");
    assert_int_equal(line.len, strlen(line.text));
}

static void bytes_have_a_unit_and_one_decimal(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {512, "512 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1024 * 1024 - 1, "1023.9 KiB"},
        {3ull << 30, "3.0 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    for (size_t i = 0; i < ASH_COUNT_OF(rows); i++) {
        struct ash_line line;
        ash_line_init(&line);
        ash_line_bytes(&line, rows[i].bytes);
        assert_string_equal(line.text, rows[i].text);
    }
}

static void every_form_is_replaced_by_its_argument(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "%s|%c|%d|%u|%lu|%zu|%p|%B|%%|", "text", 'c', -5, 7u, 1ul << 40, (size_t)9,
                 (uintptr_t)0xabc, (uint64_t)2048);
    assert_string_equal(line.text, "text|c|-5|7|1099511627776|9|0xabc|2.0 KiB|%|");
}

static void unknown_form_shows_as_it_stands(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "a%qb%lx%z%s%", "!");
    assert_string_equal(line.text, "a%qb%lx%z!%");
}

static void null_string_is_named(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "<%s>", (const char *)NULL);
    assert_string_equal(line.text, "<(null)>");
}

static void line_that_fits_exactly_is_not_cut(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    for (size_t i = 0; i < TEXT_BYTES_MAX; i++)
        ash_line_char(&line, 'x');
    assert_int_equal(line.len, TEXT_BYTES_MAX);
    assert_int_equal(line.text[TEXT_BYTES_MAX - 1], 'x');
    assert_int_equal(line.text[TEXT_BYTES_MAX], 0);
}

static void line_that_is_too_long_ends_in_dots(void **state)
{
    (void)state;
    char text[ASH_LINE_BYTES * 2];
    memset(text, 'x', sizeof text);
    for (size_t before = 0; before <= TEXT_BYTES_MAX; before++) {
        struct ash_line line;
        ash_line_init(&line);
        ash_line_strn(&line, text, before);
        ash_line_strn(&line, text, TEXT_BYTES_MAX + 1 - before);
        ash_line_str(&line, "more");
        assert_int_equal(line.len, TEXT_BYTES_MAX);
        assert_string_equal(line.text + TEXT_BYTES_MAX - 4, "x...");
    }
}

static void write_adds_one_newline_and_empties_the_line(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ash_line line;
    ash_line_init(&line);
    ash_line_str(&line, "one");
    ash_line_write(&line, ends[1]);
    assert_int_equal(line.len, 0);
    char text[16] = {0};
    assert_int_equal(read(ends[0], text, sizeof text), 4);
    assert_string_equal(text, "one\n");
    close(ends[0]);
    close(ends[1]);
}

static void longest_line_is_written_whole(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ash_line line;
    ash_line_init(&line);
    for (size_t i = 0; i < 2 * ASH_LINE_BYTES; i++)
        ash_line_char(&line, 'y');
    ash_line_write(&line, ends[1]);
    char text[2 * ASH_LINE_BYTES];
    assert_int_equal(read(ends[0], text, sizeof text), TEXT_BYTES_MAX + 1);
    assert_memory_equal(text + TEXT_BYTES_MAX - 3, "...\n", 4);
    close(ends[0]);
    close(ends[1]);
}

static void failed_write_keeps_errno_and_returns(void **state)
{
    (void)state;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_str(&line, "nobody reads this");
    errno = 4711;
    ash_line_write(&line, -1);
    assert_int_equal(errno, 4711);
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    ash_line_str(&line, "nor this");
    errno = 4711;
    ash_line_write(&line, full);
    assert_int_equal(errno, 4711);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact_at_their_limits),
        cmocka_unit_test(bytes_have_a_unit_and_one_decimal),
        cmocka_unit_test(every_form_is_replaced_by_its_argument),
        cmocka_unit_test(unknown_form_shows_as_it_stands),
        cmocka_unit_test(null_string_is_named),
        cmocka_unit_test(line_that_fits_exactly_is_not_cut),
        cmocka_unit_test(line_that_is_too_long_ends_in_dots),
        cmocka_unit_test(write_adds_one_newline_and_empties_the_line),
        cmocka_unit_test(longest_line_is_written_whole),
        cmocka_unit_test(failed_write_keeps_errno_and_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
