/* test_hooks.c: hooks are off until somebody fills them. */
#include "base/hooks.h"
#include "child.h"

static size_t refused_bytes;

static void note_refusal(size_t bytes)
{
    refused_bytes = bytes;
}

static void hooks_begin_empty(void **state)
{
    (void)state;
    assert_null(ash_hooks.oom);
}

static void hook_gets_what_the_caller_gives(void **state)
{
    (void)state;
    ash_hooks.oom = note_refusal;
    ash_hooks.oom(4096);
    assert_int_equal(refused_bytes, 4096);
    ash_hooks.oom = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hooks_begin_empty),
        cmocka_unit_test(hook_gets_what_the_caller_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
