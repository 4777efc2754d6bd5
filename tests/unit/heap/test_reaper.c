/* test_reaper.c: what a quiet process holds goes back without a call. */
#include "scene.h"

static void the_reaper_gives_memory_of_a_quiet_process_back(void **state)
{
    (void)state;
    void *p = get(1 << 20);
    memset(p, 1, 1 << 20);
    ash_fast_free(p);
    assert_true(ash_space_count.dirty > 0);
    assert_int_equal(ash_reaper_start(), 0);
    assert_int_equal(ash_reaper_start(), 0);
    static _Atomic uint32_t never;
    for (unsigned i = 0; i < 2000 && ash_space_count.dirty > 0; i++)
        ash_os_wait(&never, 0, 10);
    assert_int_equal(ash_space_count.dirty, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reaper_gives_memory_of_a_quiet_process_back),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
