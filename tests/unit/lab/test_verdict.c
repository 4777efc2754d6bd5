/* test_verdict.c: each rule of the verdict, from figures made by hand. */
#include "child.h"
#include "lab/verdict.h"
#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20, N = 4 };

static struct ash_lab_survey survey;
static struct ash_lab_contender contenders[N];
static struct ash_lab_result results[N];
static struct ash_lab_figures figures[N];
static struct ash_lab_verdict verdict;

/* The base holds 25 MiB at its peak for 17 live, most of the waste kept; others like it. */
static int set_up(void **state)
{
    (void)state;
    static const char *const names[N] = {"ptmalloc2", "best_fit", "mimalloc", "libx.so"};
    survey = (struct ash_lab_survey){.count = {.n_births = 50000, .n_entries = 100000},
                                     .live_max_bytes = 17 * MIB};
    for (size_t i = 0; i < N; i++) {
        contenders[i] =
            (struct ash_lab_contender){.kind = i == 3 ? ASH_LAB_FOREIGN : ASH_LAB_STRATEGY_OF_OURS};
        snprintf(contenders[i].label, sizeof(contenders[i].label), "%s", names[i]);
        results[i] = (struct ash_lab_result){.contender = &contenders[i]};
        figures[i] = (struct ash_lab_figures){.peak = 25 * MIB,
                                              .live_peak = 17 * MIB,
                                              .average = 20 * MIB,
                                              .is_foreign = i == 3,
                                              .is_model = i == 2};
        figures[i].at_peak.kept = 5 * MIB;
        figures[i].at_peak.holes = 2 * MIB;
        figures[i].at_peak.rounding = MIB;
    }
    return 0;
}

static const char *judged(void)
{
    static char all[ASH_LAB_LINES * ASH_LAB_LINE_MAX];
    const struct ash_lab_verdict_input input = {&survey, results, figures, N, 0, false};
    ash_lab_judge(&input, &verdict);
    all[0] = 0;
    for (unsigned i = 0; i < verdict.n_lines; i++) {
        strcat(all, verdict.lines[i]);
        strcat(all, "\n");
    }
    return all;
}

static void must_say(const char *words)
{
    const char *all = judged();
    if (!strstr(all, words))
        fail_msg("'%s' is not in: %s", words, all);
}

static void must_not_say(const char *words)
{
    assert_null(strstr(judged(), words));
}

static void lv1_faults_and_refusals_are_out_and_named(void **state)
{
    (void)state;
    figures[1].peak = MIB;
    figures[1].is_out = figures[2].is_out = true;
    results[1].fault = (struct ash_lab_fault){.kind = ASH_LAB_FAULT_CRASHED, .entry = 77};
    results[2].end.n_refused = 3;
    must_say("Out: best_fit (at entry 77), mimalloc (3 refused).");
    must_not_say("would hold");
    figures[0].is_out = true;
    must_say("No verdict: ptmalloc2, the base, did not come through.");
    assert_string_equal(verdict.rule, "LV1");
}

static void lv2_too_short_and_partial_traces(void **state)
{
    (void)state;
    survey.count.n_births = 9999;
    must_say("Too short to judge: 9999 births");
    assert_string_equal(verdict.rule, "LV2");
    assert_int_equal(verdict.n_lines, 1);
    survey.count.n_births = 10000;
    survey.live_max_bytes = MIB - 1;
    must_say("Too short to judge");
    survey.live_max_bytes = 17 * MIB;
    figures[1].peak = 18 * MIB;
    survey.n_dropped = 100; /* 0.1 % */
    must_not_say("at least");
    survey.n_dropped = 101;
    must_say("best_fit would hold at least 18.0 MiB at its peak instead of at least 25.0 MiB");
}

static void lv3_noise_is_no_difference(void **state)
{
    (void)state;
    assert_false(ash_lab_is_less(100 * MIB, 100 * MIB + 300000, 0)); /* below 2 % */
    assert_false(ash_lab_is_less(MIB, MIB + 200000, 0));             /* below 256 KiB */
    assert_true(ash_lab_is_less(MIB, MIB + 300000, 0));
    assert_false(ash_lab_is_less(MIB, 2 * MIB, MIB)); /* within the spread */
    assert_true(ash_lab_is_less(MIB, 2 * MIB, MIB - 1));
    assert_false(ash_lab_is_less(2 * MIB, MIB, 0));
    figures[3].peak = 20 * MIB;
    results[3].spread_bytes = 6 * MIB;
    must_say("Stay with ptmalloc2");
    results[3].spread_bytes = MIB;
    must_say("libx.so would hold 20.0 MiB");
}

static void lv4_not_the_allocator(void **state)
{
    (void)state;
    figures[0].live_peak = 22 * MIB;
    must_say("Your program itself holds 22.0 MiB of the 25.0 MiB that are resident at the peak; "
             "no allocator here changes that.");
    assert_string_equal(verdict.rule, "LV4");
    figures[0].live_peak = 21 * MIB; /* 16 % are waste */
    must_say("Stay with ptmalloc2");
}

static void lv5_the_best_by_peak_and_on_average(void **state)
{
    (void)state;
    figures[1].peak = 18 * MIB;
    figures[1].average = 12 * MIB;
    must_say("best_fit would hold 18.0 MiB at its peak instead of 25.0 MiB (-28 %) and 12.0 MiB "
             "instead of 20.0 MiB on average (-40 %).");
    assert_string_equal(verdict.rule, "LV5");
    assert_int_equal(verdict.best, 1);
    figures[2].peak = 18 * MIB + 1000;
    figures[2].average = 9 * MIB;
    must_say("; mimalloc (a model) ties with it; on average mimalloc, a model, is best with "
             "9.0 MiB.");
    figures[1] = figures[0];
    figures[2].peak = figures[0].peak;
    must_say("No contender holds less than ptmalloc2 at the peak (25.0 MiB); on average "
             "mimalloc, a model, would hold 9.0 MiB instead of 20.0 MiB (-55 %).");
}

static void lv6_the_largest_part_and_what_follows(void **state)
{
    (void)state;
    must_say("Most of what ptmalloc2 wastes at its peak is kept, not fragmented (5.0 MiB of "
             "8.0 MiB)");
    figures[0].at_peak.headers = 4 * MIB;
    must_say("is holes, headers and metadata (6.0 MiB of 12.0 MiB): a trace with call stacks");
    survey.has_sites = true;
    must_say("names the call sites that hold nearly empty pages");
    figures[0].at_peak.rounding = 7 * MIB;
    must_say("is rounding (7.0 MiB of 18.0 MiB)");
}

static void lv7_models_are_called_so_and_averages_need_time(void **state)
{
    (void)state;
    figures[2].peak = 18 * MIB;
    must_say("mimalloc, a model, would hold 18.0 MiB");
    figures[3].peak = 10 * MIB;
    must_say("libx.so would hold 10.0 MiB at its peak instead of 25.0 MiB (-60 %).\n");
}

static void the_base_is_named_or_ptmalloc2_or_the_first(void **state)
{
    (void)state;
    static const struct ash_lab_strategy model = {.name = "ptmalloc2"};
    assert_int_equal(ash_lab_base(results, N, "mimalloc"), 2);
    assert_int_equal(ash_lab_base(results, N, "nobody"), N);
    assert_int_equal(ash_lab_base(results, N, NULL), 0);
    contenders[2].strategy = &model;
    assert_int_equal(ash_lab_base(results, N, NULL), 2);
    snprintf(contenders[3].label, sizeof(contenders[3].label), "libc.so.6");
    assert_int_equal(ash_lab_base(results, N, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lv1_faults_and_refusals_are_out_and_named, set_up),
        cmocka_unit_test_setup(lv2_too_short_and_partial_traces, set_up),
        cmocka_unit_test_setup(lv3_noise_is_no_difference, set_up),
        cmocka_unit_test_setup(lv4_not_the_allocator, set_up),
        cmocka_unit_test_setup(lv5_the_best_by_peak_and_on_average, set_up),
        cmocka_unit_test_setup(lv6_the_largest_part_and_what_follows, set_up),
        cmocka_unit_test_setup(lv7_models_are_called_so_and_averages_need_time, set_up),
        cmocka_unit_test_setup(the_base_is_named_or_ptmalloc2_or_the_first, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
