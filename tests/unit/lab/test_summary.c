/* test_summary.c: numbers of a trace whose story is known. */
#include "lab/summary.h"
#include "made_trace.h"

static void a_small_story(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    made_birth(&made, 0, 1, 160, 100);
    made_birth(&made, 0, 2, 320, 1000);
    made_death(&made, 0, 3, 320); /* the youngest */
    made_birth(&made, 0, 4, 480, 50);
    made_death(&made, 0, 5, 160); /* not the youngest */
    made_death(&made, 1, 6, 480); /* by another thread */
    made_death(&made, 1, 7, 640); /* never born */
    struct ash_trace_event stack = {.op = ASH_TRACE_EXTENDED,
                                    .more = ASH_TRACE_STACK,
                                    .tick = 8,
                                    .stack = 9,
                                    .size = 2,
                                    .frames = (const uint64_t[]){0x1000, 0x2000}};
    made_put(&made, 1, &stack);
    struct ash_trace_event birth = {
        .op = ASH_TRACE_CALLOC, .tick = 9, .addr = 800, .size = 8, .stack = 9};
    made_put(&made, 1, &birth);
    struct ash_trace_event moved = {
        .op = ASH_TRACE_REALLOC, .tick = 10, .old = 800, .addr = 960, .size = 3000, .stack = 9};
    made_put(&made, 1, &moved);
    struct ash_order *order = made_open(&made);
    struct ash_summary summary;
    assert_true(ash_summary_make(order, &summary));
    assert_int_equal(summary.n_births, 4);
    assert_int_equal(summary.n_deaths, 3);
    assert_int_equal(summary.n_unknown, 1);
    assert_int_equal(summary.n_youngest, 1);
    assert_int_equal(summary.n_far, 1);
    assert_int_equal(summary.n_resizes, 1);
    assert_int_equal(summary.n_moved, 1);
    assert_int_equal(summary.birth_bytes, 100 + 1000 + 50 + 8 + 2992);
    assert_int_equal(summary.peak_bytes, 3000);
    assert_int_equal(summary.peak_ns, 10);
    assert_int_equal(summary.n_live, 1);
    assert_int_equal(summary.live_bytes, 3000);
    assert_int_equal(summary.sizes[6], 1); /* 100 */
    assert_int_equal(summary.sizes[9], 1); /* 1000 */
    assert_int_equal(summary.ages[9], 1);  /* 320: 1000 bytes old, its own */
    assert_int_equal(summary.ages[10], 1); /* 160: 1150 */
    assert_int_equal(summary.ages[5], 1);  /* 480: 50 */
    assert_int_equal(summary.survivors[11], 1);
    assert_int_equal(summary.n_sites, 2);
    assert_int_equal(summary.sites[0].stack, 9);
    assert_int_equal(summary.sites[0].n_frames, 2);
    assert_int_equal(summary.sites[0].frames[1], 0x2000);
    assert_int_equal(summary.sites[0].live_bytes, 3000);
    ash_summary_free(&summary);
    ash_order_close(order);
    free(made.bytes);
}

static void put_site(struct made_trace *made, uint32_t stack, const uint64_t *frames, uint64_t n)
{
    struct ash_trace_event event = {.op = ASH_TRACE_EXTENDED,
                                    .more = ASH_TRACE_STACK,
                                    .tick = stack,
                                    .stack = stack,
                                    .size = n,
                                    .frames = frames};
    made_put(made, 0, &event);
    event = (struct ash_trace_event){.op = ASH_TRACE_MALLOC,
                                     .tick = stack,
                                     .stack = stack,
                                     .addr = 16 * stack,
                                     .size = 100 * stack};
    made_put(made, 0, &event);
}

static void sites_that_begin_alike_can_be_one(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    put_site(&made, 1, (const uint64_t[]){7, 8, 9}, 3);
    put_site(&made, 2, (const uint64_t[]){7, 9}, 2);
    put_site(&made, 3, (const uint64_t[]){7, 8}, 2);
    struct ash_order *order = made_open(&made);
    struct ash_summary summary;
    assert_true(ash_summary_make(order, &summary));
    assert_int_equal(summary.n_sites, 3);
    ash_summary_group(&summary, 2);
    assert_int_equal(summary.n_sites, 2);
    assert_int_equal(summary.sites[0].birth_bytes, 400);
    assert_int_equal(summary.sites[0].frames[1], 8);
    ash_summary_group(&summary, 1);
    assert_int_equal(summary.n_sites, 1);
    assert_int_equal(summary.sites[0].n_live, 3);
    ash_summary_free(&summary);
    ash_order_close(order);
    free(made.bytes);
}

static void an_empty_trace_is_all_zero(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    struct ash_order *order = made_open(&made);
    struct ash_summary summary;
    assert_true(ash_summary_make(order, &summary));
    assert_int_equal(summary.n_births + summary.n_deaths + summary.n_sites, 0);
    ash_summary_free(&summary);
    ash_order_close(order);
    free(made.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_story),
        cmocka_unit_test(sites_that_begin_alike_can_be_one),
        cmocka_unit_test(an_empty_trace_is_all_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
