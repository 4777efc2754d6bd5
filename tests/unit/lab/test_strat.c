/* test_strat.c: every strategy is in the table, by its name, with all that the contract demands. */
#include "lab/strat.h"
#include "child.h"

static void every_strategy_is_found_by_its_name(void **state)
{
    (void)state;
    unsigned n = 0;
    for (const struct ash_lab_strategy *s; (s = ash_lab_nth(n)) != NULL; n++) {
        assert_ptr_equal(ash_lab_find(s->name), s);
        assert_true(s->state_size > 0 && s->about[0]);
        assert_true(s->open && s->alloc && s->free && s->usable && s->each && s->check);
        assert_int_equal(s->thread != NULL, (s->flags & ASH_LAB_THREADS) != 0);
        assert_true(s->why || (s->flags & ASH_LAB_MODEL));
    }
    assert_true(n >= 4);
    assert_null(ash_lab_find("none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_strategy_is_found_by_its_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
