/* test_ground.c: units taken and left, against a shadow of bytes; regions and their borders. */
#include "child.h"
#include "lab/ground.h"
#include <string.h>

static struct ash_lab_ground ground;

static void blocks_that_meet_are_refused(void **state)
{
    (void)state;
    enum { N = 4096 };
    static uint8_t shadow[N];                                /* by unit */
    const uintptr_t base = ((uintptr_t)7 << 30) - N / 2 * 8; /* across the border of a region */
    uint32_t x = 1;
    assert_true(ash_lab_ground_init(&ground));
    for (int i = 0; i < 20000; i++) {
        x = x * 1664525 + 1013904223;
        size_t first = x >> 8 & (N - 1), n = 1 + (x >> 20) % 300;
        if (first + n > N)
            n = N - first;
        bool is_free = true, is_taken = true;
        for (size_t k = first; k < first + n; k++) {
            is_free &= shadow[k] == 0;
            is_taken &= shadow[k] == 1;
        }
        uintptr_t at = base + first * 8;
        size_t size = n * 8 - (x & 7); /* the last unit counts whole */
        if (is_taken && (x & 16)) {
            ash_lab_ground_leave(&ground, at, size);
            memset(shadow + first, 0, n);
        } else {
            assert_int_equal(ash_lab_ground_take(&ground, at, size), is_free);
            if (is_free)
                memset(shadow + first, 1, n);
        }
    }
    ash_lab_ground_end(&ground);
}

static void far_addresses_and_large_blocks_have_room(void **state)
{
    (void)state;
    assert_true(ash_lab_ground_init(&ground));
    for (uintptr_t i = 1; i < 1000; i++)
        assert_true(ash_lab_ground_take(&ground, i << 37, 4096));
    assert_true(ash_lab_ground_take(&ground, 1 << 20, (size_t)1 << 30));
    assert_false(ash_lab_ground_take(&ground, (uintptr_t)1 << 30, 8));
    assert_true(ash_lab_ground_take(&ground, 64, 0));
    ash_lab_ground_end(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_meet_are_refused),
        cmocka_unit_test(far_addresses_and_large_blocks_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
