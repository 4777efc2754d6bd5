/* test_stack.c: a stack has one number, whichever thread asks. */
#include "probe/stack.h"
#include "heap/scene.h"

static void alike_is_alike(void **state)
{
    (void)state;
    bool is_new;
    uintptr_t frames[] = {0x1000, 0x2000, 0x3000};
    assert_int_equal(ash_stack_intern(frames, 3, &is_new), 0); /* not started */
    assert_true(ash_stack_start());
    uint32_t first = ash_stack_intern(frames, 3, &is_new);
    assert_true(first != 0 && is_new);
    assert_int_equal(ash_stack_intern(frames, 3, &is_new), first);
    assert_false(is_new);
    assert_int_not_equal(ash_stack_intern(frames, 2, &is_new), first);
    assert_true(is_new);
    assert_int_not_equal(ash_stack_intern(frames + 1, 2, &is_new), first);
    assert_int_equal(ash_stack_intern(frames, 0, &is_new), 0);
    assert_false(is_new);
    ash_stack_forget();
    assert_int_equal(ash_stack_intern(frames, 3, &is_new), first);
    assert_true(is_new);
}

static _Atomic uint32_t n_new;
static uint32_t numbers[2][20000];

static void *intern_many(void *arg)
{
    uint32_t *to = arg;
    for (uintptr_t i = 0; i < 20000; i++) {
        uintptr_t frames[] = {i % 141, i / 141, 7};
        bool is_new;
        to[i] = ash_stack_intern(frames, 3, &is_new);
        n_new += is_new;
    }
    return NULL;
}

static void threads_agree(void **state)
{
    (void)state;
    assert_true(ash_stack_start());
    n_new = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, intern_many, numbers[0]), 0);
    intern_many(numbers[1]);
    pthread_join(thread, NULL);
    assert_memory_equal(numbers[0], numbers[1], sizeof numbers[0]);
    assert_int_equal(n_new, 20000);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    assert_true(ash_stack_start());
    uint32_t n = 0;
    for (uintptr_t i = 0; i < ASH_STACK_COUNT; i++) {
        bool is_new;
        uintptr_t frames[] = {i, i * 3};
        n += ash_stack_intern(frames, 2, &is_new) != 0;
    }
    assert_true(n >= ASH_STACK_COUNT / 8 * 7 && n < ASH_STACK_COUNT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_is_alike),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(a_full_table_says_so),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
