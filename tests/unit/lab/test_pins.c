/* test_pins.c: survivors on nearly empty pages, by call site or by size. */
#include "heap.h"
#include "lab/pins.h"

static struct ash_lab_pins pins;

/* 200 blocks of 504 bytes, eight to a page; every 16th survives, half of them from each site. */
static void survive(void)
{
    heap_open();
    for (size_t i = 0; i < 200; i++)
        heap_birth(i, 504, i % 32 ? 7 : 9);
    for (size_t i = 0; i < 200; i++)
        if (i % 16)
            heap_death(i);
    heap_sample();
}

static void sites_are_told_by_what_they_hold(void **state)
{
    (void)state;
    survive();
    pins = (struct ash_lab_pins){.by_site = true};
    ash_lab_pins_take(&pins, metric, &blocks, 42);
    assert_int_equal(ash_lab_pins_sort(&pins), 2);
    assert_int_equal(pins.entry, 42);
    assert_int_equal(pins.pins[0].key - 1, 9);
    assert_int_equal(pins.pins[1].key - 1, 7);
    assert_int_equal(pins.pins[0].n_blocks + pins.pins[1].n_blocks, 13);
    assert_int_equal(pins.n_pages, 13); /* a survivor holds a page */
    heap_close();
}

static void without_sites_sizes_are_told(void **state)
{
    (void)state;
    survive();
    pins = (struct ash_lab_pins){.by_site = false};
    ash_lab_pins_take(&pins, metric, &blocks, 1);
    assert_int_equal(ash_lab_pins_sort(&pins), 1);
    assert_int_equal(pins.pins[0].key - 1, 512);
    assert_in_range(pins.pins[0].held_bytes, 12 * 4096, 14 * 4096);
    heap_close();
}

static void full_pages_are_not_held_by_anyone(void **state)
{
    (void)state;
    heap_open();
    for (size_t i = 0; i < 64; i++)
        heap_birth(i, 504, 1);
    heap_sample();
    pins = (struct ash_lab_pins){.by_site = true};
    ash_lab_pins_take(&pins, metric, &blocks, 1);
    assert_in_range(pins.n_pages, 0, 1); /* the last one has just begun */
    heap_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_are_told_by_what_they_hold),
        cmocka_unit_test(without_sites_sizes_are_told),
        cmocka_unit_test(full_pages_are_not_held_by_anyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
