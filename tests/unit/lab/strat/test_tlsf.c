/* test_tlsf.c: good fit, and steps that do not depend on the heap. */
#include "ground.h"

static void steps_are_constant(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tlsf);
    static char *blocks[20000];
    const struct ash_lab_memory_count *count = ash_lab_memory_count(ground.memory);
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        blocks[i] = ground_alloc(&ground, 16 + i * 7919 % 5000);
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i += 2)
        ground_free(&ground, blocks[i]);
    uint64_t most = 0;
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++) {
        uint64_t before = count->n_steps;
        if (i % 2)
            ground_free(&ground, blocks[i]);
        else
            blocks[i] = ground_alloc(&ground, 16 + i * 104729 % 5000);
        most = count->n_steps - before > most ? count->n_steps - before : most;
    }
    assert_true(most <= 4); /* two bit scans, one list; or three lists */
    ground_close(&ground);
}

static void a_search_passes_over_what_might_not_fit(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tlsf);
    char *a = ground_alloc(&ground, 4200), *guard = ground_alloc(&ground, 16);
    ground_free(&ground, a); /* 4208 bytes lie in the list of 4096 to 4223 */
    assert_ptr_not_equal(ground_alloc(&ground, 4200), a);
    assert_ptr_equal(ground_alloc(&ground, 4088), a); /* 4096: begins a list */
    assert_true(guard > a);
    ground_close(&ground);
}

static void small_sizes_fit_exactly(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tlsf);
    char *blocks[30];
    for (unsigned i = 0; i < 30; i++) {
        blocks[i] = ground_alloc(&ground, 24 + i * 16);
        ground_alloc(&ground, 16);
    }
    for (unsigned i = 0; i < 30; i++)
        ground_free(&ground, blocks[i]);
    for (unsigned i = 0; i < 30; i++)
        assert_ptr_equal(ground_alloc(&ground, 24 + i * 16), blocks[i]);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_constant),
        cmocka_unit_test(a_search_passes_over_what_might_not_fit),
        cmocka_unit_test(small_sizes_fit_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
