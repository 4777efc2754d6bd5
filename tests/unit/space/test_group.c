/* test_group.c: which slices a run gets, over groups and under the limit (S4, S5, S6). */
#include "runs.h"
#include <pthread.h>

#define THREADS 4
#define ROUNDS 400

static void the_group_that_fits_best_is_taken(void **state)
{
    (void)state;
    struct ash_run a = claim(32), b = claim(32), c = claim(32);
    ash_run_return(a.addr, 8);
    ash_run_return(b.addr + 4 * ASH_SLICE_BYTES, 4);
    ash_run_return(c.addr, 16);
    assert_int_equal(claim(4).addr, b.addr + 4 * ASH_SLICE_BYTES);
    assert_int_equal(claim(4).addr, a.addr);
    assert_int_equal(claim(9).addr, c.addr);
}

static void among_equals_the_lowest_address_is_taken(void **state)
{
    (void)state;
    struct ash_run a = claim(32), b = claim(32);
    uintptr_t low = a.addr < b.addr ? a.addr : b.addr;
    ash_run_return(b.addr, 5);
    ash_run_return(a.addr, 5);
    assert_int_equal(claim(5).addr, low);
}

static void runs_for_pages_never_cross_a_group(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct ash_run run;
        assert_true(ash_run_claim_in_group(1 + i % 32, &run));
        uintptr_t last = run.addr + run.n_slices * ASH_SLICE_BYTES - 1;
        assert_int_equal(run.addr >> ASH_GROUP_SHIFT, last >> ASH_GROUP_SHIFT); /* S5 */
    }
    counts_must_agree_with_groups();
}

static void objects_cross_groups_and_take_the_run_that_fits_best(void **state)
{
    (void)state;
    struct ash_run run = claim(160);
    uintptr_t border = ash_align_up(run.addr + 20 * ASH_SLICE_BYTES, ASH_GROUP_BYTES);
    uintptr_t fits = border - 4 * ASH_SLICE_BYTES;
    ash_run_return(border - 19 * ASH_SLICE_BYTES, 11);
    ash_run_return(fits, 8);
    ash_run_return(border + 40 * ASH_SLICE_BYTES, 10);
    assert_int_equal(claim(8).addr, fits);
    counts_must_agree_with_groups();
}

static void objects_take_what_was_touched_before(void **state)
{
    (void)state;
    struct ash_run run = claim(96);
    ash_run_return(run.addr, 5);
    ash_purge_all();
    ash_run_return(run.addr + 40 * ASH_SLICE_BYTES, 9); /* fits worse, but costs no fault */
    assert_int_equal(claim(5).addr, run.addr + 40 * ASH_SLICE_BYTES);
    assert_int_equal(claim(5).addr, run.addr);
}

static void runs_longer_than_a_group_are_put_together(void **state)
{
    (void)state;
    struct ash_run first = claim(20);
    struct ash_run run = claim(100);
    for (unsigned i = 0; i < run.n_slices; i++) {
        uintptr_t at = run.addr + i * ASH_SLICE_BYTES;
        unsigned slice_i = (unsigned)(at >> ASH_SLICE_SHIFT) % ASH_GROUP_SLICES;
        assert_int_equal(ash_group_of(at)->free >> slice_i & 1, 0); /* S4 */
    }
    assert_true(run.addr >= first.addr + 20 * ASH_SLICE_BYTES || run.addr < first.addr);
    counts_must_agree_with_groups();
    give_back(run);
    give_back(first);
    assert_int_equal(live_slices(), 0);
    counts_must_agree_with_groups();
}

static void alignment_is_kept(void **state)
{
    (void)state;
    claim(1);
    for (unsigned align = 1; align <= 64; align *= 2) {
        struct ash_run run;
        assert_true(ash_run_claim(3, align, &run));
        assert_int_equal(run.addr % (align * ASH_SLICE_BYTES), 0);
    }
}

static void extension_takes_exactly_what_follows(void **state)
{
    (void)state;
    struct ash_run run = claim(4);
    uintptr_t end = run.addr + 4 * ASH_SLICE_BYTES;
    bool zero = false;
    assert_true(ash_run_extend(end, 2, &zero));
    assert_true(zero);
    assert_int_equal(live_slices(), 6);
    assert_int_equal(ash_group_of(run.addr)->free & 0x3f, 0);
    ash_run_return(run.addr, 6);
    counts_must_agree_with_groups();
}

static void extension_over_a_taken_slice_changes_nothing(void **state)
{
    (void)state;
    struct ash_run a = claim(32), b = claim(32);
    struct ash_run low = a.addr < b.addr ? a : b, high = a.addr < b.addr ? b : a;
    assert_int_equal(low.addr + ASH_GROUP_BYTES, high.addr);
    ash_run_return(low.addr + 16 * ASH_SLICE_BYTES, 16);
    ash_run_return(high.addr, 8);
    uint32_t low_free = ash_group_of(low.addr)->free, high_free = ash_group_of(high.addr)->free;
    bool zero;
    assert_false(ash_run_extend(low.addr + 16 * ASH_SLICE_BYTES, 25, &zero));
    assert_int_equal(ash_group_of(low.addr)->free, low_free);
    assert_int_equal(ash_group_of(high.addr)->free, high_free);
    counts_must_agree_with_groups();
    assert_true(ash_run_extend(low.addr + 16 * ASH_SLICE_BYTES, 24, &zero));
    counts_must_agree_with_groups();
}

static void extension_ends_with_the_region(void **state)
{
    (void)state;
    struct ash_run run = claim(1);
    uintptr_t base = ash_align_down(run.addr, ASH_REGION_BYTES);
    bool zero;
    assert_false(ash_run_extend(base + ASH_REGION_BYTES, 1, &zero));
    assert_false(ash_run_extend(base + ASH_REGION_BYTES - ASH_SLICE_BYTES, 2, &zero));
}

static void limit_refuses_and_changes_nothing(void **state)
{
    (void)state;
    claim(3);
    uint64_t opened = ash_region_open_count();
    ash_space_count.limit_bytes = (int64_t)(10 * ASH_SLICE_BYTES);
    struct ash_run run;
    assert_false(ash_run_claim(8, 1, &run));
    assert_false(ash_run_claim(40, 1, &run));
    assert_int_equal(live_slices(), 3);
    assert_int_equal(dirty_slices(), 0);
    counts_must_agree_with_groups();
    assert_true(ash_run_claim(7, 1, &run));
    bool zero;
    assert_false(ash_run_extend(run.addr + 7 * ASH_SLICE_BYTES, 1, &zero));
    assert_int_equal(live_slices(), 10);
    counts_must_agree_with_groups();
    assert_true(ash_region_open_count() <= opened + 40);
}

static void memory_that_is_dirty_fits_the_limit(void **state)
{
    (void)state;
    struct ash_run run = claim(8);
    give_back(run);
    ash_space_count.limit_bytes = (int64_t)(8 * ASH_SLICE_BYTES);
    run = claim(8);
    assert_int_equal(live_slices(), 8);
    assert_int_equal(dirty_slices(), 0);
}

static void runs_say_zero_exactly_when_untouched(void **state)
{
    (void)state;
    struct ash_run run = claim(6);
    assert_true(run.zero);
    assert_true(reads_zero(run.addr, 6 * ASH_SLICE_BYTES));
    fill(run);
    ash_run_return(run.addr, 2);
    assert_false(claim(2).zero); /* S6 */
    ash_run_return(run.addr, 6);
    assert_false(claim(8).zero); /* six were touched, two were not */
}

static void runs_are_zero_again_after_purge(void **state)
{
    (void)state;
    struct ash_run run = claim(6);
    fill(run);
    give_back(run);
    assert_int_equal(ash_purge_all(), 6 * ASH_SLICE_BYTES);
    struct ash_run again = claim(6);
    assert_int_equal(again.addr, run.addr);
    assert_true(again.zero);
    assert_true(reads_zero(again.addr, 6 * ASH_SLICE_BYTES));
}

static void refused_growth_is_an_answer(void **state)
{
    (void)state;
    struct ash_run run;
    ash_os_fail_set(0, 1, ASH_FAIL_ALL, 0);
    assert_false(ash_run_claim(1, 1, &run));
    assert_false(ash_run_claim(ASH_RUN_MAX, 1, &run));
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(live_slices(), 0);
    assert_true(ash_run_claim(1, 1, &run));
    counts_must_agree_with_groups();
}

static void growth_refused_later_leaves_what_is_open(void **state)
{
    (void)state;
    claim(1);
    ash_os_fail_set(0, 1, ASH_FAIL_ALL, 0);
    struct ash_run run;
    assert_false(ash_run_claim(200, 1, &run));
    assert_true(ash_run_claim(20, 1, &run));
    counts_must_agree_with_groups();
    ash_os_fail_set(0, 0, 0, 0);
}

static int claim_too_much(void)
{
    struct ash_run run;
    return ash_run_claim(ASH_RUN_MAX + 1, 1, &run);
}

static int claim_at_no_power_of_two(void)
{
    struct ash_run run;
    return ash_run_claim(1, 3, &run);
}

static void claims_beyond_a_region_are_a_broken_promise(void **state)
{
    (void)state;
    child_must_abort(claim_too_much, "F01");
    child_must_abort(claim_at_no_power_of_two, "F01");
}

static void the_return_of_nothing_is_nothing(void **state)
{
    (void)state;
    struct ash_run run = claim(2);
    ash_run_return(run.addr, 0);
    assert_int_equal(live_slices(), 2);
}

/* All of the run is in use, as if blocks had been carved from it. */
static void use(struct ash_run run)
{
    ash_space_count.used_bytes += (int64_t)(run.n_slices * ASH_SLICE_BYTES);
}

static void huge_groups_stay_within_an_eighth(void **state)
{
    (void)state;
    if (ash_os_thp() == ASH_THP_NEVER)
        skip();
    use(claim(128));
    use(claim(128));
    assert_int_equal(ash_space_count.huge_groups, 0);
    for (unsigned i = 0; i < 100; i++) {
        use(claim(3));
        assert_true(ash_space_count.huge_untouched <= live_slices() / 8); /* S10 */
    }
    assert_true(ash_space_count.huge_groups > 0);
    int64_t untouched = 0;
    for (struct ash_region *r = ash_region_first(); r; r = r->next) {
        struct ash_group *table = (struct ash_group *)(r->base + ASH_GROUPS_OFFSET);
        for (unsigned g = ASH_FIRST_GROUP; g < r->open_end; g++)
            if (table[g].huge)
                untouched += 32 - __builtin_popcount(table[g].touched);
    }
    assert_int_equal(ash_space_count.huge_untouched, untouched);
}

static void refused_huge_pages_are_done_without(void **state)
{
    (void)state;
    use(claim(128));
    use(claim(128));
    ash_os_fail_set(0, 1, ASH_FAIL_MADVISE, 0);
    for (unsigned i = 0; i < 50; i++)
        use(claim(3));
    ash_os_fail_set(0, 0, 0, 0);
    assert_int_equal(ash_space_count.huge_groups, 0);
    assert_int_equal(ash_space_count.huge_untouched, 0);
}

static _Atomic unsigned n_wrong;

/* Marks both ends of each slice; whoever else holds one would change the mark. */
static void mark(struct ash_run run, uint64_t word)
{
    for (unsigned i = 0; i < run.n_slices; i++) {
        uint64_t *slice = (uint64_t *)(run.addr + i * ASH_SLICE_BYTES);
        slice[0] = word;
        slice[ASH_SLICE_BYTES / 8 - 1] = word;
    }
}

static void look(struct ash_run run, uint64_t word)
{
    for (unsigned i = 0; i < run.n_slices; i++) {
        const uint64_t *slice = (const uint64_t *)(run.addr + i * ASH_SLICE_BYTES);
        if (slice[0] != word || slice[ASH_SLICE_BYTES / 8 - 1] != word)
            atomic_fetch_add(&n_wrong, 1);
    }
}

static void *claim_mark_look(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ash_run run;
        unsigned n = round % 17 == 0 ? 33 + (unsigned)me : 1 + (round * 5 + (unsigned)me) % 12;
        if (!ash_run_claim(n, 1, &run)) {
            atomic_fetch_add(&n_wrong, 1);
            continue;
        }
        uint64_t word = me << 32 | round;
        mark(run, word);
        if (round % 64 == 0)
            ash_purge_all();
        look(run, word);
        ash_run_return(run.addr, run.n_slices);
    }
    return NULL;
}

static void threads_get_runs_of_their_own(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, claim_mark_look, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_wrong, 0);
    assert_int_equal(live_slices(), 0);
    counts_must_agree_with_groups();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_group_that_fits_best_is_taken),
        cmocka_unit_test(among_equals_the_lowest_address_is_taken),
        cmocka_unit_test(runs_for_pages_never_cross_a_group),
        cmocka_unit_test(objects_cross_groups_and_take_the_run_that_fits_best),
        cmocka_unit_test(objects_take_what_was_touched_before),
        cmocka_unit_test(runs_longer_than_a_group_are_put_together),
        cmocka_unit_test(alignment_is_kept),
        cmocka_unit_test(extension_takes_exactly_what_follows),
        cmocka_unit_test(extension_over_a_taken_slice_changes_nothing),
        cmocka_unit_test(extension_ends_with_the_region),
        cmocka_unit_test(limit_refuses_and_changes_nothing),
        cmocka_unit_test(memory_that_is_dirty_fits_the_limit),
        cmocka_unit_test(runs_say_zero_exactly_when_untouched),
        cmocka_unit_test(runs_are_zero_again_after_purge),
        cmocka_unit_test(refused_growth_is_an_answer),
        cmocka_unit_test(growth_refused_later_leaves_what_is_open),
        cmocka_unit_test(claims_beyond_a_region_are_a_broken_promise),
        cmocka_unit_test(the_return_of_nothing_is_nothing),
        cmocka_unit_test(huge_groups_stay_within_an_eighth),
        cmocka_unit_test(refused_huge_pages_are_done_without),
        cmocka_unit_test(threads_get_runs_of_their_own),
    };
    return apart_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
