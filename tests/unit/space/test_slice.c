/* test_slice.c: slices of one group change hands whole, once, and in no other way (S4). */
#include "space/slice.h"
#include "child.h"
#include <pthread.h>

#define THREADS 4
#define ROUNDS 20000

static void claim_takes_the_lowest_run_that_suffices(void **state)
{
    (void)state;
    struct ash_group group = {.free = 0x00ff0f07};
    assert_int_equal(ash_slice_claim(&group, 4), 8);
    assert_int_equal(group.free, 0x00ff0007);
    assert_int_equal(ash_slice_claim(&group, 8), 16);
    assert_int_equal(ash_slice_claim(&group, 1), 0);
    assert_int_equal(group.free, 0x00000006);
}

static void claim_refuses_when_no_run_is_long_enough(void **state)
{
    (void)state;
    struct ash_group group = {.free = 0x0f0f};
    assert_int_equal(ash_slice_claim(&group, 5), -1);
    assert_int_equal(group.free, 0x0f0f);
}

static void a_whole_group_is_one_run(void **state)
{
    (void)state;
    struct ash_group group = {.free = UINT32_MAX};
    assert_int_equal(ash_slice_claim(&group, ASH_GROUP_SLICES), 0);
    assert_int_equal(group.free, 0);
    assert_int_equal(ash_slice_claim(&group, 1), -1);
}

static void exact_claim_takes_all_or_nothing(void **state)
{
    (void)state;
    struct ash_group group = {.free = 0xf0};
    assert_false(ash_slice_claim_exact(&group, 0x1f0));
    assert_int_equal(group.free, 0xf0);
    assert_true(ash_slice_claim_exact(&group, 0x60));
    assert_int_equal(group.free, 0x90);
}

static void returned_slices_can_be_claimed_again(void **state)
{
    (void)state;
    struct ash_group group = {.free = UINT32_MAX};
    assert_int_equal(ash_slice_claim(&group, 32), 0);
    ash_slice_return(&group, 0x700);
    assert_int_equal(group.free, 0x700);
    assert_int_equal(ash_slice_claim(&group, 3), 8);
}

static int claim_nothing(void)
{
    struct ash_group group = {.free = UINT32_MAX};
    return ash_slice_claim(&group, 0);
}

static int claim_more_than_a_group(void)
{
    struct ash_group group = {.free = UINT32_MAX};
    return ash_slice_claim(&group, ASH_GROUP_SLICES + 1);
}

static int return_what_is_free(void)
{
    struct ash_group group = {.free = 0x10};
    ash_slice_return(&group, 0x18);
    return 0;
}

static void broken_promises_end_the_program(void **state)
{
    (void)state;
    child_must_abort(claim_nothing, "F01");
    child_must_abort(claim_more_than_a_group, "F01");
    child_must_abort(return_what_is_free, "F01");
}

static struct ash_group shared = {.free = UINT32_MAX};
static _Atomic int holder[ASH_GROUP_SLICES];
static _Atomic unsigned n_clashes;

/* Takes every slice of a run for one thread, or hands it back. */
static void hold(unsigned first_i, unsigned n, int from, int to)
{
    for (unsigned i = first_i; i < first_i + n; i++)
        if (atomic_exchange(&holder[i], to) != from)
            atomic_fetch_add(&n_clashes, 1);
}

static void *claim_and_return(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned n = 1 + (round * 7 + (unsigned)me) % 11;
        int first_i = ash_slice_claim(&shared, n);
        if (first_i < 0)
            continue;
        hold((unsigned)first_i, n, 0, me);
        hold((unsigned)first_i, n, me, 0);
        ash_slice_return(&shared, ash_bitmap_run((unsigned)first_i, n));
    }
    return NULL;
}

static void threads_never_hold_the_same_slice(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, claim_and_return, (void *)(intptr_t)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_clashes, 0);
    assert_int_equal(shared.free, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claim_takes_the_lowest_run_that_suffices),
        cmocka_unit_test(claim_refuses_when_no_run_is_long_enough),
        cmocka_unit_test(a_whole_group_is_one_run),
        cmocka_unit_test(exact_claim_takes_all_or_nothing),
        cmocka_unit_test(returned_slices_can_be_claimed_again),
        cmocka_unit_test(broken_promises_end_the_program),
        cmocka_unit_test(threads_never_hold_the_same_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
