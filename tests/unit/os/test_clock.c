/* test_clock.c: the counter is a clock: it runs on, at the rate that was measured. */
#include "child.h"
#include "os/os.h"
#include <pthread.h>

static void the_counter_runs_at_its_rate(void **state)
{
    (void)state;
    uint64_t per_second = 0;
    (void)ash_os_counter_start(&per_second);
    assert_true(per_second >= 1000000);
    uint64_t ns = ash_os_now_ns(), steps = ash_os_counter();
    while (ash_os_now_ns() - ns < 20000000)
        ;
    double seconds = (double)(ash_os_counter() - steps) / (double)per_second;
    double clock = (double)(ash_os_now_ns() - ns) / 1e9;
    assert_true(seconds > 0.5 * clock && seconds < 2 * clock); /* we may have lost the CPU */
}

static _Atomic uint64_t newest;

static void *race(void *arg)
{
    bool *bad = arg;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t seen = atomic_load(&newest);
        uint64_t now = ash_os_counter_after();
        *bad |= now < seen;
        atomic_store(&newest, now);
    }
    return NULL;
}

static void what_was_seen_before_is_not_later(void **state)
{
    (void)state;
    uint64_t per_second;
    (void)ash_os_counter_start(&per_second);
    pthread_t thread;
    bool bad[2] = {false, false};
    assert_int_equal(pthread_create(&thread, NULL, race, &bad[1]), 0);
    race(&bad[0]);
    pthread_join(thread, NULL);
    assert_false(bad[0] || bad[1]);
}

static void clocks_of_the_system_run(void **state)
{
    (void)state;
    assert_true(ash_os_now_ns() > 0);
    assert_true(ash_os_wall_ns() > (uint64_t)1700000000 * 1000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_runs_at_its_rate),
        cmocka_unit_test(what_was_seen_before_is_not_later),
        cmocka_unit_test(clocks_of_the_system_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
