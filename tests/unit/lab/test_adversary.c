/* test_adversary.c: the attacks reach what theory says, and read what users write. */
#include "child.h"
#include "lab/adversary.h"
#include "lab/figures.h"
#include "lab/replay.h"
#include <string.h>

static struct ash_lab_attack attack;
static char error[ASH_LAB_ERROR_MAX];

static void words_are_read(void **state)
{
    (void)state;
    assert_true(ash_lab_attack_read("robson", &attack, error));
    assert_int_equal(attack.kind, ASH_LAB_ROBSON);
    assert_int_equal(attack.n_units, (1 << 20) / 64);
    assert_int_equal(attack.log_block, 8);
    assert_true(ash_lab_attack_read("knuth:live=2M:unit=32:block=1K", &attack, error));
    assert_int_equal(attack.kind, ASH_LAB_KNUTH);
    assert_int_equal(attack.n_units, 65536);
    assert_int_equal(attack.log_block, 5);
    static const char *const bad[] = {"robin",         "robson:x=1",      "robson:unit=48",
                                      "robson:unit=0", "robson:block=32", "robson:live=1K",
                                      "robson:live="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ash_lab_attack_read(bad[i], &attack, error));
}

static void the_bound_is_robsons(void **state)
{
    (void)state;
    attack = (struct ash_lab_attack){ASH_LAB_ROBSON, 3, 1024, 64};
    assert_int_equal(ash_lab_attack_bound(&attack), (1024 + 1024 * 3 / 2 - 8 + 1) * 64);
}

/* The most bytes on pages that are not metadata. */
static uint64_t driven_to(const struct ash_lab_strategy *strategy, const char *pick)
{
    struct ash_lab_contender contender = {.strategy = strategy};
    struct ash_lab_result result = {0};
    ash_lab_contender_add(&contender, "pick", pick);
    const struct ash_lab_plan plan = {
        .contenders = &contender,
        .n_contenders = 1,
        .order = {.attack = attack,
                  .n_entries = 3 * attack.n_units,
                  .n_slots = attack.n_units,
                  .n_threads = 1,
                  .every = 64},
        .watch = {.n_jobs = 1, .hang_ms = 10000},
    };
    uint64_t most = 0;
    assert_int_equal(ash_lab_replay(&plan, &result), 1);
    for (size_t i = 0; i < result.n_samples; i++) {
        uint64_t bytes = result.samples[i].resident - result.samples[i].meta;
        most = bytes > most ? bytes : most;
    }
    ash_lab_result_end(&result);
    return most;
}

static void buddies_with_the_lowest_address_meet_the_bound_exactly(void **state)
{
    (void)state;
    assert_true(ash_lab_attack_read("knuth:live=512K:block=16K:unit=64", &attack, error));
    uint64_t live = 512 << 10; /* log2(n) = 8: 1 + 8 / 2 */
    uint64_t bytes = driven_to(&ash_lab_buddy, "lowest");
    assert_in_range(bytes, 5 * live - (16 << 10), 5 * live + (64 << 10));
}

static void nobody_withstands_robson(void **state)
{
    (void)state;
    assert_true(ash_lab_attack_read("robson:live=512K:block=4K:unit=64", &attack, error));
    uint64_t bound = ash_lab_attack_bound(&attack);
    static const struct ash_lab_strategy *const all[] = {&ash_lab_first_fit, &ash_lab_best_fit,
                                                         &ash_lab_tlsf, &ash_lab_buddy};
    for (size_t i = 0; i < 4; i++)
        assert_true(driven_to(all[i], "lifo") >= bound - bound / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(the_bound_is_robsons),
        cmocka_unit_test(buddies_with_the_lowest_address_meet_the_bound_exactly),
        cmocka_unit_test(nobody_withstands_robson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
