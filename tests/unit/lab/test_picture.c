/* test_picture.c: address × time: nothing is lost when rows are joined or columns run out. */
#include "heap.h"
#include "lab/picture.h"

static struct ash_lab_picture picture;

static uint64_t sum(bool live, uint32_t column)
{
    uint64_t bytes = 0;
    for (uint32_t z = 0; z < picture.n_zones; z++)
        for (unsigned row = 0; row < ASH_LAB_ROWS; row++)
            bytes +=
                live ? picture.zones[z].live[row][column] : picture.zones[z].resident[row][column];
    return bytes;
}

static void columns_sum_up_to_the_samples(void **state)
{
    (void)state;
    struct ash_lab_sample samples[8];
    picture = (struct ash_lab_picture){0};
    heap_open();
    for (uint32_t i = 0; i < 8; i++) {
        heap_birth(i, (size_t)1000 << i * 2, 0); /* up to 16 MB: rows are joined */
        samples[i] = heap_sample();
        ash_lab_picture_take(&picture, metric, &blocks, i + 1);
    }
    assert_int_equal(picture.n_columns, 8);
    assert_true(picture.zones[0].row_bytes >= 65536);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(sum(true, i), samples[i].live);
        assert_int_equal(sum(false, i), samples[i].resident);
        assert_int_equal(picture.entries[i], i + 1);
    }
    heap_close();
}

static void columns_beyond_the_last_are_left_out(void **state)
{
    (void)state;
    picture = (struct ash_lab_picture){0};
    heap_open();
    heap_sample();
    for (unsigned i = 0; i < ASH_LAB_COLUMNS + 5; i++)
        ash_lab_picture_take(&picture, metric, &blocks, i);
    assert_int_equal(picture.n_columns, ASH_LAB_COLUMNS);
    heap_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_sum_up_to_the_samples),
        cmocka_unit_test(columns_beyond_the_last_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
