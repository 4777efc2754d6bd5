/* test_input.c: plain, gzip and zstd bytes come out alike; cut and damaged files say so. */
#include "traces.h"
#include "lab/input.h"
#include <zstd.h>

static uint8_t plain[300000];

static struct ash_lab_input *opened(const char *path)
{
    char error[ASH_LAB_ERROR_MAX] = "";
    struct ash_lab_input *input = ash_lab_input_open(path, error);
    assert_string_equal(error, "");
    return input;
}

static void fill(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof(plain); i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = (uint8_t)(x >> 24);
    }
}

static void must_be_plain(const char *path)
{
    static uint8_t got[sizeof(plain) + 1];
    struct ash_lab_input *input = opened(path);
    const uint8_t *at;
    assert_true(ash_lab_input_peek(input, &at, 100) >= 100);
    assert_memory_equal(at, plain, 100);
    assert_int_equal(ash_lab_input_byte(input), plain[0]);
    assert_int_equal(ash_lab_input_read(input, NULL, 9), 9);
    assert_int_equal(ash_lab_input_read(input, got, sizeof(got)), sizeof(plain) - 10);
    assert_memory_equal(got, plain + 10, sizeof(plain) - 10);
    assert_int_equal(ash_lab_input_at(input), sizeof(plain));
    assert_null(ash_lab_input_failed(input));
    ash_lab_input_close(input);
}

static void all_packings_give_the_same_bytes(void **state)
{
    (void)state;
    fill();
    must_be_plain(trace_file(plain, sizeof(plain)));
    must_be_plain(trace_gzip(plain, sizeof(plain)));
    static uint8_t packed[sizeof(plain) + 1000];
    size_t n = ZSTD_compress(packed, sizeof(packed), plain, sizeof(plain), 1);
    must_be_plain(trace_file(packed, n));
}

static const char *why_cut(const void *packed, size_t n)
{
    static char why[100];
    struct ash_lab_input *input = opened(trace_file(packed, n));
    ash_lab_input_read(input, NULL, sizeof(plain));
    snprintf(why, sizeof(why), "%s", ash_lab_input_failed(input));
    ash_lab_input_close(input);
    return why;
}

static void cut_and_damaged_files_say_so(void **state)
{
    (void)state;
    static uint8_t packed[sizeof(plain) + 1000];
    fill();
    size_t n = ZSTD_compress(packed, sizeof(packed), plain, sizeof(plain), 1);
    assert_string_equal(why_cut(packed, n - 5), "the zstd data ends too early");
    FILE *file = fopen(trace_gzip(plain, sizeof(plain)), "rb");
    n = fread(packed, 1, sizeof(packed), file);
    fclose(file);
    assert_string_equal(why_cut(packed, n / 2), "the gzip data ends too early");
    packed[n / 2] ^= 255;
    memset(packed + n / 2, 0x55, 64);
    assert_string_equal(why_cut(packed, n), "the gzip data is damaged");
}

static void lines_are_cut_to_the_buffer(void **state)
{
    (void)state;
    struct ash_lab_input *input = opened(trace_text("one\r\n\ntwotwotwo\nend"));
    char line[5];
    assert_int_equal(ash_lab_input_line(input, line, sizeof(line)), 3);
    assert_string_equal(line, "one");
    assert_int_equal(ash_lab_input_line(input, line, sizeof(line)), 0);
    assert_int_equal(ash_lab_input_line(input, line, sizeof(line)), 4);
    assert_int_equal(ash_lab_input_line(input, line, sizeof(line)), 3);
    assert_int_equal(ash_lab_input_line(input, line, sizeof(line)), -1);
    ash_lab_input_close(input);
}

static void what_cannot_be_opened_has_a_reason(void **state)
{
    (void)state;
    char error[ASH_LAB_ERROR_MAX];
    assert_null(ash_lab_input_open("/no/such/file", error));
    assert_string_equal(error, "No such file or directory");
    assert_null(ash_lab_input_open("/", error));
    assert_string_equal(error, "it is a folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_packings_give_the_same_bytes),
        cmocka_unit_test(cut_and_damaged_files_say_so),
        cmocka_unit_test(lines_are_cut_to_the_buffer),
        cmocka_unit_test(what_cannot_be_opened_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
