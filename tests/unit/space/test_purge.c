/* test_purge.c: how much free memory is kept, what goes back and when (S6, S8, S10, S11). */
#include "base/rng.h"
#include "runs.h"

#define KEPT_SLICES 64 /* 4 MiB */
#define BATCH_SLICES 16
#define MANY 96
#define RUN 8u

static struct ash_run runs[MANY];

static void rise(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        runs[i] = claim(RUN);
        *(char *)runs[i].addr = 1;
    }
}

static void fall(void)
{
    for (unsigned i = 0; i < MANY; i++)
        give_back(runs[i]);
}

static void at_most_four_mebibytes_stay_after_a_fall(void **state)
{
    (void)state;
    rise();
    fall();
    assert_int_equal(live_slices(), 0);
    assert_true(dirty_slices() < KEPT_SLICES + BATCH_SLICES);
    assert_true(dirty_slices() >= KEPT_SLICES);
    counts_must_agree_with_groups();
}

static void an_eighth_of_what_is_live_stays(void **state)
{
    (void)state;
    struct ash_run live[16];
    for (unsigned i = 0; i < ASH_COUNT_OF(live); i++)
        live[i] = claim(60); /* 960 slices, of which an eighth is 120 */
    rise();
    fall();
    assert_true(dirty_slices() >= 960 / 8);
    assert_true(dirty_slices() < 960 / 8 + BATCH_SLICES);
    for (unsigned i = 0; i < ASH_COUNT_OF(live); i++)
        give_back(live[i]);
    assert_true(dirty_slices() < KEPT_SLICES + BATCH_SLICES);
}

static void a_loop_keeps_its_memory_from_the_second_round(void **state)
{
    (void)state;
    rise();
    fall();
    rise();
    uint64_t purged = ash_space_count.purged_bytes;
    fall();
    rise();
    fall();
    assert_int_equal(ash_space_count.purged_bytes, purged);
    assert_int_equal(dirty_slices(), MANY * RUN);
}

static void regrowth_is_forgotten_after_two_windows(void **state)
{
    (void)state;
    rise();
    ash_purge_tick(ash_os_now_ms() + 1100);
    fall();
    rise();
    ash_purge_tick(ash_os_now_ms() + 2200);
    for (unsigned i = 3; i < 8; i++) /* regret halves with each */
        ash_purge_tick(ash_os_now_ms() + i * 1100);
    fall();
    assert_true(dirty_slices() < KEPT_SLICES + BATCH_SLICES);
}

static void a_pause_ends_all_memory_of_demand(void **state)
{
    (void)state;
    rise();
    fall();
    rise();
    ash_purge_tick(ash_os_now_ms() + 9000);
    ash_purge_tick(ash_os_now_ms() + 18000);
    fall();
    assert_true(dirty_slices() < KEPT_SLICES + BATCH_SLICES);
}

/* Objects of many lengths replace each other: what is free never fits the next one quite, so
 * it is surplus, and was missed each time that it was given back. */
static void what_was_missed_is_kept_next_time(void **state)
{
    (void)state;
    enum { OBJECTS = 8, REPLACEMENTS = 1000, LONGEST = ASH_REGION_SLICES / 40 };
    struct ash_run objects[OBJECTS] = {0};
    uint64_t seed = 7, claimed = 0, purged_before = 0;
    for (unsigned i = 0; i < 2 * REPLACEMENTS; i++) {
        if (i == REPLACEMENTS)
            purged_before = ash_space_count.purged_bytes;
        struct ash_run *object = &objects[ash_rng_next(&seed) % OBJECTS];
        give_back(*object);
        *object = claim(LONGEST / 5 + (unsigned)(ash_rng_next(&seed) % (LONGEST * 4 / 5)));
        claimed += i < REPLACEMENTS ? 0 : object->n_slices * ASH_SLICE_BYTES;
    }
    assert_true(ash_space_count.purged_bytes - purged_before < claimed / 400);
    assert_true(ash_purge_peak_bytes() < OBJECTS * LONGEST * ASH_SLICE_BYTES * 5 / 4);
}

/* The clock of the fall is the earlier one: it was read before another thread's tick. */
static void regrowth_is_remembered_for_one_window(void **state)
{
    (void)state;
    rise();
    fall();
    rise();
    ash_purge_tick(ash_os_now_ms() + 1100);
    fall();
    assert_int_equal(dirty_slices(), MANY * RUN);
}

static void what_lies_for_a_second_goes_back_at_a_tick(void **state)
{
    (void)state;
    struct ash_run run = claim(20);
    give_back(run);
    uint64_t now_ms = ash_os_now_ms();
    ash_purge_tick(now_ms);
    ash_purge_tick(now_ms + 900);
    assert_int_equal(dirty_slices(), 20);
    ash_purge_tick(now_ms + 1100);
    assert_int_equal(dirty_slices(), 0);
    assert_int_equal(ash_space_count.purged_bytes, 20 * ASH_SLICE_BYTES);
}

static void a_tick_leaves_what_is_in_use(void **state)
{
    (void)state;
    struct ash_run run = claim(20);
    fill(run);
    ash_run_return(run.addr + 10 * ASH_SLICE_BYTES, 10);
    ash_purge_tick(ash_os_now_ms() + 1100);
    assert_int_equal(dirty_slices(), 0);
    assert_int_equal(live_slices(), 10);
    const unsigned char *bytes = (const unsigned char *)run.addr;
    for (size_t i = 0; i < 10 * ASH_SLICE_BYTES; i += 997)
        assert_int_equal(bytes[i], 0xa5);
    counts_must_agree_with_groups();
}

static void everything_free_goes_back_on_request(void **state)
{
    (void)state;
    struct ash_run a = claim(5), b = claim(7), c = claim(40);
    fill(a);
    fill(c);
    give_back(a);
    give_back(c);
    assert_int_equal(ash_purge_all(), 45 * ASH_SLICE_BYTES);
    assert_int_equal(ash_purge_all(), 0);
    assert_int_equal(dirty_slices(), 0);
    assert_int_equal(live_slices(), 7);
    assert_true(reads_zero(a.addr, 5 * ASH_SLICE_BYTES)); /* S8 */
    assert_true(reads_zero(c.addr, 40 * ASH_SLICE_BYTES));
    assert_true(ash_space_count.purge_count >= 2);
    counts_must_agree_with_groups();
    give_back(b);
}

static void a_refused_release_stays_counted_and_is_tried_again(void **state)
{
    (void)state;
    struct ash_run run = claim(5);
    fill(run);
    give_back(run);
    ash_os_fail_set(0, 1, ASH_FAIL_MADVISE, 0);
    assert_int_equal(ash_purge_all(), 0);
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(dirty_slices(), 5);
    counts_must_agree_with_groups();
    assert_false(claim(5).zero); /* S6: it is not zero, and nobody says so */
    give_back(run);
    assert_int_equal(ash_purge_all(), 5 * ASH_SLICE_BYTES);
}

static void refused_surplus_is_not_asked_for_at_every_return(void **state)
{
    (void)state;
    struct ash_run whole[100];
    for (size_t i = 0; i < ASH_COUNT_OF(whole); i++)
        whole[i] = claim(ASH_GROUP_SLICES);
    uint64_t before = ash_os_fail_count();
    ash_os_fail_set(0, 1, ASH_FAIL_MADVISE, 0);
    for (size_t i = 0; i < ASH_COUNT_OF(whole); i++)
        give_back(whole[i]);
    uint64_t n_asked = ash_os_fail_count() - before;
    ash_os_fail_set(0, 0, 0, 0);
    /* all groups in each pass of one sweep, and some sweeps where the test whole slowly; it
     * would be a hundred sweeps and more */
    assert_in_range(n_asked, 1, 20 * ASH_COUNT_OF(whole));
    counts_must_agree_with_groups();
    assert_int_equal(ash_purge_all(), ASH_COUNT_OF(whole) * ASH_GROUP_BYTES);
}

static void the_limit_makes_dirty_memory_go_back_first(void **state)
{
    (void)state;
    struct ash_run run = claim(32);
    give_back(run);
    ash_space_count.limit_bytes = (int64_t)(40 * ASH_SLICE_BYTES);
    assert_true(ash_purge_admits(8, 0));
    assert_int_equal(dirty_slices(), 32);
    assert_true(ash_purge_admits(20, 0));
    assert_int_equal(dirty_slices(), 0);
    assert_true(ash_purge_admits(0, 40 * ASH_SLICE_BYTES));
    assert_false(ash_purge_admits(0, 40 * ASH_SLICE_BYTES + 1));
    assert_false(ash_purge_admits(41, 0));
    ash_space_count.limit_bytes = 0;
    assert_true(ash_purge_admits(41, 0));
}

static void committed_is_what_is_live_or_dirty(void **state)
{
    (void)state;
    struct ash_run a = claim(8), b = claim(3);
    give_back(a);
    assert_int_equal(ash_purge_committed_bytes(), 11 * ASH_SLICE_BYTES);
    ash_purge_all();
    assert_int_equal(ash_purge_committed_bytes(), 3 * ASH_SLICE_BYTES);
    assert_int_equal(ash_purge_peak_bytes(), 11 * ASH_SLICE_BYTES);
    give_back(b);
}

/* The group of a page born huge, its other slices free but for the first `used`. */
static struct ash_group *huge_group(unsigned used, struct ash_run *ret_run)
{
    ash_space_count.used_bytes = (int64_t)1 << 30;
    *ret_run = claim(31);
    ash_run_return(ret_run->addr + used * ASH_SLICE_BYTES, 31 - used);
    return ash_group_of(ret_run->addr);
}

static void huge_groups_in_use_are_not_split_by_age(void **state)
{
    (void)state;
    if (ash_os_thp() == ASH_THP_NEVER)
        skip();
    struct ash_run run;
    struct ash_group *group = huge_group(20, &run);
    assert_int_equal(group->huge, 1);
    ash_purge_tick(ash_os_now_ms() + 1100);
    assert_int_equal(group->huge, 1);
    assert_int_equal(dirty_slices(), 11);
    ash_run_return(run.addr + 4 * ASH_SLICE_BYTES, 16);
    ash_purge_tick(ash_os_now_ms() + 2200);
    assert_int_equal(group->huge, 0);
    assert_int_equal(ash_space_count.huge_groups, 0);
    assert_int_equal(ash_space_count.huge_untouched, 0);
    assert_int_equal(dirty_slices(), 0);
}

static void huge_groups_are_split_on_request(void **state)
{
    (void)state;
    if (ash_os_thp() == ASH_THP_NEVER)
        skip();
    struct ash_run run;
    struct ash_group *group = huge_group(20, &run);
    assert_int_equal(ash_purge_all(), 11 * ASH_SLICE_BYTES);
    assert_int_equal(group->huge, 0);
    assert_int_equal(ash_space_count.huge_groups, 0);
}

static void a_group_that_cannot_be_split_stays_huge(void **state)
{
    (void)state;
    if (ash_os_thp() == ASH_THP_NEVER)
        skip();
    struct ash_run run;
    struct ash_group *group = huge_group(20, &run);
    ash_os_fail_set(0, 1, ASH_FAIL_MADVISE, 0);
    assert_int_equal(ash_purge_all(), 0);
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(group->huge, 1);
    assert_int_equal(dirty_slices(), 11);
    counts_must_agree_with_groups();
}

static void huge_pages_need_use_and_permission(void **state)
{
    (void)state;
    assert_false(ash_purge_wants_huge());
    ash_space_count.used_bytes = (int64_t)1 << 30;
    assert_int_equal(ash_purge_wants_huge(), ash_os_thp() != ASH_THP_NEVER);
    ash_purge_no_huge();
    assert_false(ash_purge_wants_huge());
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_four_mebibytes_stay_after_a_fall),
        cmocka_unit_test(an_eighth_of_what_is_live_stays),
        cmocka_unit_test(a_loop_keeps_its_memory_from_the_second_round),
        cmocka_unit_test(regrowth_is_forgotten_after_two_windows),
        cmocka_unit_test(a_pause_ends_all_memory_of_demand),
        cmocka_unit_test(what_was_missed_is_kept_next_time),
        cmocka_unit_test(regrowth_is_remembered_for_one_window),
        cmocka_unit_test(what_lies_for_a_second_goes_back_at_a_tick),
        cmocka_unit_test(a_tick_leaves_what_is_in_use),
        cmocka_unit_test(everything_free_goes_back_on_request),
        cmocka_unit_test(a_refused_release_stays_counted_and_is_tried_again),
        cmocka_unit_test(refused_surplus_is_not_asked_for_at_every_return),
        cmocka_unit_test(the_limit_makes_dirty_memory_go_back_first),
        cmocka_unit_test(committed_is_what_is_live_or_dirty),
        cmocka_unit_test(huge_groups_in_use_are_not_split_by_age),
        cmocka_unit_test(huge_groups_are_split_on_request),
        cmocka_unit_test(a_group_that_cannot_be_split_stays_huge),
        cmocka_unit_test(huge_pages_need_use_and_permission),
    };
    return apart_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
