/* test_tcmalloc.c: what is known of gperftools' tcmalloc, fact by fact. */
#include "twin.h"

static size_t usable_of(struct ground *ground, size_t size)
{
    char *p = ground_alloc(ground, size);
    size_t usable = ground->strategy->usable(ground->self, p);
    ground_free(ground, p);
    return usable;
}

static void classes_waste_an_eighth_at_most(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tcmalloc);
    static const size_t rows[][2] = {{1, 16},          {17, 32},        {129, 144},
                                     {1025, 1152},     {8193, 9216},    {32769, 40960},
                                     {262144, 262144}, {262145, 270336}};
    for (unsigned i = 0; i < ASH_COUNT_OF(rows); i++)
        assert_int_equal(usable_of(&ground, rows[i][0]), rows[i][1]);
    for (size_t size = 128; size < 200000; size += 61)
        assert_true(usable_of(&ground, size) <= size + size / 4);
    ground_close(&ground);
}

static void a_cache_starts_slowly(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tcmalloc);
    /* Refills take 1, 2, 3 … objects: after six blocks three were taken, and the list is empty. */
    static const size_t cached[] = {0, 1, 0, 2, 1, 0, 3};
    for (unsigned i = 0; i < ASH_COUNT_OF(cached); i++) {
        ground_alloc(&ground, 64);
        assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), cached[i] * 64);
    }
    ground_close(&ground);
}

static void a_thread_leaves_nothing_in_its_cache(void **state)
{
    (void)state;
    struct ground ground = {0};
    void *slot = NULL;
    static char *blocks[2000];
    ground_open(&ground, &ash_lab_tcmalloc);
    ash_lab_memory_set_thread(ground.memory, 1, &slot);
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        blocks[i] = ground_alloc(&ground, 48);
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        ground_free(&ground, blocks[i]);
    size_t before = ground_bytes(&ground, ASH_LAB_CACHED);
    ground.strategy->thread(ground.self, ASH_LAB_WENT);
    assert_null(slot);
    assert_true(ground_bytes(&ground, ASH_LAB_CACHED) <= before); /* transfer slots keep some */
    ground_close(&ground);
}

static void spans_grow_by_a_mebibyte_and_join(void **state)
{
    (void)state;
    struct ground ground = {.params = {{"release_rate", "0"}}};
    ground_open(&ground, &ash_lab_tcmalloc);
    char *a = ground_alloc(&ground, 400000), *b = ground_alloc(&ground, 400000);
    size_t pieces = 8 << 20; /* of metadata */
    assert_int_equal(ground_mapped(&ground), (1 << 20) + pieces);
    ground_free(&ground, a);
    ground_free(&ground, b);
    assert_ptr_equal(ground_alloc(&ground, 1 << 20), a);
    assert_int_equal(ground_mapped(&ground), (1 << 20) + pieces);
    ground_close(&ground);
}

static void alignments_come_from_classes_or_spans(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_tcmalloc);
    for (size_t align = 16; align <= (size_t)1 << 20; align *= 2)
        for (size_t size = 1; size < 100000; size = size * 3 + 1)
            assert_int_equal((uintptr_t)ground.strategy->alloc(ground.self, size, align) % align,
                             0);
    ground_close(&ground);
}

static void sizes_are_those_of_the_real_one(void **state)
{
    (void)state;
    twin_run("libtcmalloc_minimal.so.4.5.10", "9", "0");
    twin_run("libtcmalloc_minimal.so.4.5.10", "13", "0");
    twin_run("libtcmalloc_minimal.so.4.5.10", "18", "0");
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return twin_compare(&ash_lab_tcmalloc, (unsigned)atoi(argv[1]), argv[2][0] == '1');
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_waste_an_eighth_at_most),
        cmocka_unit_test(a_cache_starts_slowly),
        cmocka_unit_test(a_thread_leaves_nothing_in_its_cache),
        cmocka_unit_test(spans_grow_by_a_mebibyte_and_join),
        cmocka_unit_test(alignments_come_from_classes_or_spans),
        cmocka_unit_test(sizes_are_those_of_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
