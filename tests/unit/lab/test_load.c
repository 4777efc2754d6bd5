/* test_load.c: pairing of births and deaths: slots, numbers, what is missed or unknown. */
#include "traces.h"

static void slots_are_dense_and_reused(void **state)
{
    (void)state;
    assert_string_equal(
        trace_story(trace_text("9\n8\na 5 1\na 6 2\na 7 3\nf 6\na 8 4\nf 5\nf 7\na 1 5\n")),
        " m0=1 m1=2 m2=3 f1 m1=4 f0 f2 m2=5");
}

static void what_does_not_pair_is_counted(void **state)
{
    (void)state;
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load =
        ash_lab_load_open(trace_text("v 1 3\n+ 8 1 10\n+ 8 1 10\n- 20\n- 10\n"), error);
    struct ash_lab_entry entry;
    uint64_t numbers[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ash_lab_load_next(load, &entry), 1);
        numbers[i] = entry.number;
    }
    assert_int_equal(ash_lab_load_next(load, &entry), 0);
    const uint64_t expected[] = {1, 1, 2, 2}; /* birth, missed death, birth, death */
    assert_memory_equal(numbers, expected, sizeof(expected));
    const struct ash_lab_load_count *count = ash_lab_load_count(load);
    assert_int_equal(count->n_missed, 1);
    assert_int_equal(count->n_unknown, 1);
    assert_int_equal(count->n_births, 2);
    assert_int_equal(count->n_deaths, 2);
    assert_int_equal(count->n_slots, 1);
    ash_lab_load_close(load);
}

/* Names collide in the table and leave it in any order: a shadow by number must agree. */
static void the_table_keeps_thousands_apart(void **state)
{
    (void)state;
    enum { N = 5000 };
    char *text = malloc(N * 2 * 24 + 100), *at = text;
    at += sprintf(at, "%d\n%d\n", N, 2 * N);
    for (unsigned i = 0; i < N; i++)
        at += sprintf(at, "a %u %u\n", i * 4096, i + 1);
    for (unsigned i = 0; i < N; i++)
        at += sprintf(at, "f %u\n", (i * 2503 % N) * 4096);
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load = ash_lab_load_open(trace_text(text), error);
    struct ash_lab_entry entry;
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(ash_lab_load_next(load, &entry), 1);
        assert_int_equal(entry.slot, i);
    }
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(ash_lab_load_next(load, &entry), 1);
        assert_int_equal(entry.slot, i * 2503 % N);
        assert_int_equal(entry.number, i * 2503 % N + 1);
    }
    assert_int_equal(ash_lab_load_next(load, &entry), 0);
    assert_int_equal(ash_lab_load_count(load)->n_slots, N);
    ash_lab_load_close(load);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_dense_and_reused),
        cmocka_unit_test(what_does_not_pair_is_counted),
        cmocka_unit_test(the_table_keeps_thousands_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
