/* test_import_bench.c: malloc-bench's protobuf; every cut and every changed byte is survived. */
#include "traces.h"

/* malloc(100) → 0, calloc(2, 8) → 1, realloc(1, 90) → 1, malloc(4, align 64) → 2, free(NULL),
 * free(0), realloc(1, 0), an unknown field, the count. */
static const uint8_t message[] = {
    0x0a, 6, 0x0a, 4,   0x08, 0, 0x10, 100,           /* malloc */
    0x0a, 8, 0x22, 6,   0x08, 1, 0x10, 2,   0x18, 8,  /* calloc */
    0x0a, 8, 0x1a, 6,   0x08, 1, 0x10, 1,   0x18, 90, /* realloc */
    0x0a, 8, 0x0a, 6,   0x08, 2, 0x10, 4,   0x18, 64, /* aligned */
    0x0a, 2, 0x12, 0,                                 /* free(NULL) */
    0x0a, 6, 0x12, 4,   0x08, 0, 0x10, 100,           /* free */
    0x0a, 6, 0x1a, 4,   0x10, 1, 0x18, 0,             /* realloc to nothing */
    0x7a, 3, 'a',  'b', 'c',                          /* not ours */
    0x10, 3,                                          /* max_simultaneous_allocs */
};

static void every_kind_of_line_is_read(void **state)
{
    (void)state;
    const char *story = " m0=100 c1=16 r1=90 a2=4 f0 f1";
    assert_string_equal(trace_story(trace_file(message, sizeof(message))), story);
    assert_string_equal(trace_story(trace_gzip(message, sizeof(message))), story);
}

static void the_count_may_come_first(void **state)
{
    (void)state;
    static const uint8_t first[] = {0x10, 1, 0x0a, 6, 0x0a, 4, 0x08, 0, 0x10, 100};
    assert_string_equal(trace_story(trace_file(first, sizeof(first))), " m0=100");
}

static void a_cut_file_says_where(void **state)
{
    (void)state;
    for (size_t n = 1; n < sizeof(message); n++)
        trace_story(trace_file(message, n));
    assert_string_equal(trace_story(trace_file(message, 12)),
                        " m0=100 !it ends or breaks inside a field (byte 12 of the protobuf "
                        "message)");
}

static void any_changed_byte_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(message); i++)
        for (unsigned x = 1; x < 256; x += 6) {
            uint8_t bytes[sizeof(message)];
            memcpy(bytes, message, sizeof(bytes));
            bytes[i] ^= (uint8_t)x;
            char path[64];
            snprintf(path, sizeof(path), "%s", trace_file(bytes, sizeof(bytes)));
            trace_story(path);
            int fd = atoi(strrchr(path, '/') + 1);
            close(fd);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line_is_read),
        cmocka_unit_test(the_count_may_come_first),
        cmocka_unit_test(a_cut_file_says_where),
        cmocka_unit_test(any_changed_byte_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
