/* test_figures.c: samples as a few numbers; bytes in words. */
#include "child.h"
#include "lab/figures.h"
#include <string.h>

static void peaks_and_averages(void **state)
{
    (void)state;
    struct ash_lab_sample samples[] = {
        {.ns = 0, .live = 100, .resident = 400},
        {.ns = 10, .live = 300, .resident = 600},
        {.ns = 30, .live = 200, .resident = 900, .kept = 500, .asked = 200, .holes = 200},
        {.ns = 40, .live = 0, .resident = 300},
    };
    struct ash_lab_contender contender = {.kind = ASH_LAB_STRATEGY_OF_OURS};
    const struct ash_lab_result result = {
        .contender = &contender, .samples = samples, .n_samples = 4};
    struct ash_lab_figures figures;
    ash_lab_figures(&result, &figures);
    assert_int_equal(figures.peak, 900);
    assert_int_equal(figures.live_at_peak, 200);
    assert_int_equal(figures.live_peak, 300);
    assert_int_equal(figures.resident_at_live_peak, 600);
    assert_int_equal(figures.average, (400 * 10 + 600 * 20 + 900 * 10) / 40);
    assert_int_equal(figures.live_average, (100 * 10 + 300 * 20 + 200 * 10) / 40);
    assert_int_equal(figures.ratio_average_permille, (4000 * 10 + 2000 * 20 + 4500 * 10) / 40);
    assert_int_equal(figures.end, 300);
    assert_int_equal(figures.at_peak.kept, 500);
    assert_int_equal(ash_lab_external(&figures.at_peak), 777);
    assert_int_equal(ash_lab_internal(&figures.at_peak), 0);
    assert_false(figures.is_out);
}

static void bytes_have_units(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},        {1023, "1023 B"},           {1024, "1.0 KiB"},
        {1536, "1.5 KiB"}, {(1 << 20) - 1, "1.0 MiB"}, {(uint64_t)5 << 40, "5.0 TiB"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(ash_lab_bytes(cases[i].bytes), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_and_averages),
        cmocka_unit_test(bytes_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
