/* test_inside.c: a strategy in the replay's process: what it says of itself, its words, its limit.
 */
#include "traces.h"
#include "lab/replay.h"

static struct ash_lab_contender contender;
static struct ash_lab_result result;
static struct ash_lab_strategy strategy;

static size_t bound(size_t live_max, size_t block_max)
{
    return live_max * 10 + block_max;
}

static size_t replay(uint64_t limit)
{
    memset(&contender, 0, sizeof(contender));
    contender.strategy = &strategy;
    result = (struct ash_lab_result){0};
    const struct ash_lab_plan plan = {
        .path = trace_text("9\n4\na 0 100\na 1 9000000\nf 0\nf 1\n"),
        .contenders = &contender,
        .n_contenders = 1,
        .order = {.n_entries = 4,
                  .n_slots = 2,
                  .n_threads = 1,
                  .every = 1,
                  .live_max = 7,
                  .block_max = 5,
                  .limit_bytes = limit,
                  .wants_steps = true},
        .watch = {.n_jobs = 1, .hang_ms = 5000},
    };
    return ash_lab_replay(&plan, &result);
}

static void it_says_what_it_is_and_why(void **state)
{
    (void)state;
    strategy = ash_lab_first_fit;
    strategy.bound = bound;
    assert_int_equal(replay(0), 1);
    assert_string_equal(result.hello.about, ash_lab_first_fit.about);
    assert_int_equal(result.hello.bound, 75);
    assert_int_equal(result.n_steps, 4);
    assert_true(result.steps[1].head.addr > 0);
    assert_true(strlen(result.steps[0].words) > 5);
    uint64_t covered = 0;
    for (uint32_t i = 0; i < result.steps[1].head.n_runs; i++)
        covered += result.steps[1].runs[i].size_kind >> 8;
    assert_true(covered >= 9000100);
    ash_lab_result_end(&result);
}

static void a_limit_refuses_and_is_survived(void **state)
{
    (void)state;
    strategy = ash_lab_first_fit;
    assert_int_equal(replay(1 << 20), 1);
    assert_int_equal(result.end.n_refused, 1);
    assert_true(result.end.memory.n_refused >= 1);
    assert_true(result.end.memory.mapped_peak_bytes <= 1 << 20);
    ash_lab_result_end(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_it_is_and_why),
        cmocka_unit_test(a_limit_refuses_and_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
