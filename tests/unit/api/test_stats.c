/* test_stats.c: the numbers follow what the program does. */
#include "api/stats.h"
#include "ashlar.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void a_block_counts_until_it_is_freed(void **state)
{
    (void)state;
    struct ash_stat_values before, with, after;
    ash_stats_gather(&before);
    void *small = ashlar_malloc(100);
    void *large = ashlar_malloc(1 << 20);
    ash_stats_gather(&with);
    ashlar_free(small);
    ashlar_free(large);
    ash_stats_gather(&after);
    assert_int_equal(with.live_blocks, before.live_blocks + 2);
    assert_int_equal(with.live_bytes, before.live_bytes + 112 + (1 << 20));
    assert_int_equal(with.large_count, before.large_count + 1);
    assert_int_equal(with.malloc_count, before.malloc_count + 2);
    assert_int_equal(after.live_blocks, before.live_blocks);
    assert_int_equal(after.free_count, before.free_count + 2);
}

static void a_report_is_written_whole(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    ash_stats_write_fd(ASH_STAT_JSON, fileno(file));
    char text[8192];
    rewind(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = 0;
    fclose(file);
    assert_int_equal(text[0], '{');
    assert_string_equal(text + n - 3, "}}\n");
    assert_non_null(strstr(text, "\"malloc_count\":"));
    assert_non_null(strstr(text, "\"limit_bytes\":"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_counts_until_it_is_freed),
        cmocka_unit_test(a_report_is_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
