/* test_fail.c: exactly the calls that were named are refused on purpose. */
#include "os/os.h"
#include "child.h"
#include <pthread.h>

#define SEED 42
#define CALLS 20000
#define THREADS 4

static int all_off(void **state)
{
    (void)state;
    ash_os_fail_set(0, 0, 0, 0);
    return 0;
}

static void nothing_is_refused_by_default(void **state)
{
    (void)state;
    uint64_t before = ash_os_fail_count();
    for (int i = 0; i < 100; i++)
        assert_false(ash_os_fail_now(ASH_FAIL_MMAP));
    assert_int_equal(ash_os_fail_count(), before);
}

static void nth_call_is_refused_and_no_other(void **state)
{
    (void)state;
    uint64_t before = ash_os_fail_count();
    ash_os_fail_set(3, 0, ASH_FAIL_ALL, 0);
    for (int i = 1; i <= 10; i++)
        assert_int_equal(ash_os_fail_now(ASH_FAIL_MMAP), i == 3);
    assert_int_equal(ash_os_fail_count(), before + 1);
}

static void other_kinds_neither_fail_nor_count(void **state)
{
    (void)state;
    ash_os_fail_set(2, 0, ASH_FAIL_MADVISE | ASH_FAIL_MREMAP, 0);
    assert_false(ash_os_fail_now(ASH_FAIL_MADVISE));
    assert_false(ash_os_fail_now(ASH_FAIL_MMAP));
    assert_false(ash_os_fail_now(ASH_FAIL_MUNMAP));
    assert_false(ash_os_fail_now(ASH_FAIL_MPROTECT));
    assert_true(ash_os_fail_now(ASH_FAIL_MREMAP));
}

static void setting_begins_to_count_anew(void **state)
{
    (void)state;
    ash_os_fail_set(2, 0, ASH_FAIL_ALL, 0);
    assert_false(ash_os_fail_now(ASH_FAIL_MMAP));
    ash_os_fail_set(2, 0, ASH_FAIL_ALL, 0);
    assert_false(ash_os_fail_now(ASH_FAIL_MMAP));
    assert_true(ash_os_fail_now(ASH_FAIL_MMAP));
}

static unsigned refused_of(unsigned n_calls)
{
    unsigned n = 0;
    for (unsigned i = 0; i < n_calls; i++)
        n += ash_os_fail_now(ASH_FAIL_MUNMAP);
    return n;
}

static void rate_refuses_its_share(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    ash_os_fail_set(0, 10, ASH_FAIL_ALL, SEED);
    unsigned n = refused_of(CALLS);
    assert_in_range(n, CALLS / 10 - CALLS / 50, CALLS / 10 + CALLS / 50);
    ash_os_fail_set(0, 1, ASH_FAIL_ALL, SEED);
    assert_int_equal(refused_of(100), 100);
}

static void equal_seeds_refuse_the_same_calls(void **state)
{
    (void)state;
    bool first[200];
    ash_os_fail_set(0, 4, ASH_FAIL_ALL, SEED);
    for (size_t i = 0; i < ASH_COUNT_OF(first); i++)
        first[i] = ash_os_fail_now(ASH_FAIL_MMAP);
    ash_os_fail_set(0, 4, ASH_FAIL_ALL, SEED);
    for (size_t i = 0; i < ASH_COUNT_OF(first); i++)
        assert_int_equal(ash_os_fail_now(ASH_FAIL_MMAP), first[i]);
}

static void *ask_often(void *arg)
{
    *(unsigned *)arg = refused_of(CALLS);
    return NULL;
}

static void nth_call_is_one_among_all_threads(void **state)
{
    (void)state;
    ash_os_fail_set(THREADS * CALLS, 0, ASH_FAIL_ALL, 0);
    pthread_t threads[THREADS];
    unsigned n[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &n[i]), 0);
    unsigned sum = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += n[i];
    }
    assert_int_equal(sum, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_refused_by_default, all_off),
        cmocka_unit_test_teardown(nth_call_is_refused_and_no_other, all_off),
        cmocka_unit_test_teardown(other_kinds_neither_fail_nor_count, all_off),
        cmocka_unit_test_teardown(setting_begins_to_count_anew, all_off),
        cmocka_unit_test_teardown(rate_refuses_its_share, all_off),
        cmocka_unit_test_teardown(equal_seeds_refuse_the_same_calls, all_off),
        cmocka_unit_test_teardown(nth_call_is_one_among_all_threads, all_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
