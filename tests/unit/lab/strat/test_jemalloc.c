/* test_jemalloc.c: what is known of jemalloc 5.3.0, fact by fact. */
#include "twin.h"

static size_t usable_of(struct ground *ground, size_t size)
{
    char *p = ground_alloc(ground, size);
    size_t usable = ground->strategy->usable(ground->self, p);
    ground_free(ground, p);
    return usable;
}

static void sizes_have_four_steps_per_doubling(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_jemalloc);
    static const size_t rows[][2] = {
        {1, 16},        {17, 32},       {129, 160},     {257, 320},       {4097, 5120},
        {14336, 14336}, {14337, 16384}, {16385, 20480}, {100000, 114688}, {1000000, 1048576}};
    for (unsigned i = 0; i < ASH_COUNT_OF(rows); i++)
        assert_int_equal(usable_of(&ground, rows[i][0]), rows[i][1]);
    ground_close(&ground);
}

static void a_fill_takes_the_lowest_regions_in_order(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_jemalloc);
    char *a = ground_alloc(&ground, 64);
    assert_int_equal((uintptr_t)a % 4096, 0);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 63 * 64); /* half of 128 slots */
    for (unsigned i = 1; i < 64; i++)
        assert_ptr_equal(ground_alloc(&ground, 64), a + i * 64);
    ground_close(&ground);
}

static void a_full_stack_gives_its_older_half_back(void **state)
{
    (void)state;
    struct ground ground = {0};
    static char *blocks[129];
    ground_open(&ground, &ash_lab_jemalloc);
    for (unsigned i = 0; i < 129; i++)
        blocks[i] = ground_alloc(&ground, 64);
    size_t n = ground_bytes(&ground, ASH_LAB_CACHED) / 64; /* of the last fill */
    for (unsigned i = 0; i < 128 - n; i++)
        ground_free(&ground, blocks[i]);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 128 * 64);
    ground_free(&ground, blocks[128]);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 65 * 64);
    ground_close(&ground);
}

static void threads_get_arenas_up_to_four_per_cpu(void **state)
{
    (void)state;
    enum { N = 10 }; /* two CPUs */
    struct ground ground = {0};
    void *slots[N] = {NULL};
    size_t mapped[N];
    ground_open(&ground, &ash_lab_jemalloc);
    for (unsigned i = 0; i < N; i++) {
        ash_lab_memory_set_thread(ground.memory, i, &slots[i]);
        ground_alloc(&ground, 100);
        mapped[i] = ground_mapped(&ground);
    }
    for (unsigned i = 1; i < 8; i++)
        assert_true(mapped[i] > mapped[i - 1]);
    assert_int_equal(mapped[9], mapped[7]);
    ground_close(&ground);
}

static void dirty_pages_go_as_time_passes(void **state)
{
    (void)state;
    struct ground ground = {0};
    static char *blocks[64];
    ground_open(&ground, &ash_lab_jemalloc);
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++) {
        blocks[i] = ground_alloc(&ground, 100000);
        memset(blocks[i], 1, 100000);
    }
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        ground_free(&ground, blocks[i]);
    size_t before = ash_lab_memory_resident(ground.memory), middle = 0;
    for (unsigned ms = 0; ms <= 12000; ms += 50) {
        ash_lab_memory_set_now(ground.memory, (uint64_t)ms * 1000000);
        for (unsigned i = 0; i < 600; i++) /* ticks */
            ground_free(&ground, ground_alloc(&ground, 40000));
        if (ms == 6000)
            middle = ash_lab_memory_resident(ground.memory);
    }
    size_t end = ash_lab_memory_resident(ground.memory);
    assert_true(before > 6000000 && middle < before * 3 / 4 && middle > before / 8);
    assert_true(end < before / 8);
    ground_close(&ground);
}

static void oversize_blocks_are_given_back_at_once(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_jemalloc);
    char *p = ground_alloc(&ground, 9 << 20);
    memset(p, 1, 9 << 20);
    ground_free(&ground, p);
    assert_true(ash_lab_memory_resident(ground.memory) < 1 << 20);
    assert_true(ground_mapped(&ground) > 9 << 20); /* retained */
    ground_close(&ground);
}

static void sizes_and_small_addresses_are_those_of_the_real_one(void **state)
{
    (void)state;
    twin_run("libjemalloc.so.2", "9", "1");
    twin_run("libjemalloc.so.2", "13", "0");
    twin_run("libjemalloc.so.2", "21", "0");
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return twin_compare(&ash_lab_jemalloc, (unsigned)atoi(argv[1]), argv[2][0] == '1');
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_four_steps_per_doubling),
        cmocka_unit_test(a_fill_takes_the_lowest_regions_in_order),
        cmocka_unit_test(a_full_stack_gives_its_older_half_back),
        cmocka_unit_test(threads_get_arenas_up_to_four_per_cpu),
        cmocka_unit_test(dirty_pages_go_as_time_passes),
        cmocka_unit_test(oversize_blocks_are_given_back_at_once),
        cmocka_unit_test(sizes_and_small_addresses_are_those_of_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
