/* test_addresses.c: the map against a plain table. */
#include "lab/addresses.h"
#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N 5000u

static void it_holds_what_a_table_holds(void **state)
{
    (void)state;
    static uint64_t table[N]; /* value + 1 of address 16 * i */
    struct ash_addresses map = {0};
    uint64_t rng = 5;
    size_t n = 0;
    assert_null(ash_addresses_find(&map, 0));
    ash_addresses_remove(&map, 16);
    for (unsigned round = 0; round < 100000; round++) {
        uint64_t i = ash_rng_next(&rng) % N, value = ash_rng_next(&rng) >> 8;
        struct ash_address *row = ash_addresses_find(&map, 16 * i);
        assert_int_equal(row != NULL, table[i] != 0);
        if (row)
            assert_int_equal(row->value + 1, table[i]);
        if (ash_rng_next(&rng) % 2) {
            assert_true(ash_addresses_add(&map, 16 * i, value));
            n += table[i] == 0;
            table[i] = value + 1;
        } else {
            ash_addresses_remove(&map, 16 * i);
            n -= table[i] != 0;
            table[i] = 0;
        }
        assert_int_equal(map.n, n);
    }
    ash_addresses_free(&map);
    assert_int_equal(map.n_rows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_holds_what_a_table_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
