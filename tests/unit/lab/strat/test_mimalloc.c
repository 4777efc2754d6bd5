/* test_mimalloc.c: what is known of mimalloc 2.0.9, fact by fact. */
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
    ground_open(&ground, &ash_lab_mimalloc);
    static const size_t rows[][2] = {
        {1, 16},        {33, 48},       {65, 80},         {129, 160},       {1025, 1280},
        {16384, 16384}, {16385, 20480}, {131072, 131072}, {131073, 196608}, {600000, 1048576}};
    for (unsigned i = 0; i < ASH_COUNT_OF(rows); i++)
        assert_int_equal(usable_of(&ground, rows[i][0]), rows[i][1]);
    ground_close(&ground);
}

static void blocks_are_linked_a_few_at_a_time(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_mimalloc);
    char *a = ground_alloc(&ground, 64);
    assert_int_equal((uintptr_t)a % 65536, 384);
    ground_alloc(&ground, 64);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_BLOCK), 128);
    memset(a, 1, 64);
    assert_true(ash_lab_memory_resident(ground.memory) <= 20 * 4096); /* not the page's 64 KiB */
    ground_close(&ground);
}

static void own_frees_are_used_when_the_list_is_empty(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_mimalloc);
    char *blocks[64];
    for (unsigned i = 0; i < 32; i++)
        blocks[i] = ground_alloc(&ground, 64);
    ground_free(&ground, blocks[3]);
    for (unsigned i = 32; i < 64; i++) { /* the rest of the first 4 KiB */
        blocks[i] = ground_alloc(&ground, 64);
        assert_ptr_equal(blocks[i], blocks[i - 1] + 64);
    }
    assert_ptr_equal(ground_alloc(&ground, 64), blocks[3]);
    ground_close(&ground);
}

static void frees_by_another_thread_wait_for_the_owner(void **state)
{
    (void)state;
    struct ground ground = {0};
    void *slots[2] = {NULL, NULL};
    ground_open(&ground, &ash_lab_mimalloc);
    ash_lab_memory_set_thread(ground.memory, 0, &slots[0]);
    char *a = ground_alloc(&ground, 64), *b = ground_alloc(&ground, 64);
    ash_lab_memory_set_thread(ground.memory, 1, &slots[1]);
    ground_free(&ground, a);
    ground_free(&ground, b);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 128);
    assert_ptr_not_equal(ground_alloc(&ground, 64), a);
    ash_lab_memory_set_thread(ground.memory, 0, &slots[0]);
    for (unsigned i = 0; i < 63; i++)
        ground_alloc(&ground, 64);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 0);
    ground_close(&ground);
}

static void free_spans_are_purged_after_their_delay(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_mimalloc);
    ground_alloc(&ground, 64);
    char *p = ground_alloc(&ground, 8 << 20);
    memset(p, 1, 8 << 20);
    ground_free(&ground, p);
    assert_true(ash_lab_memory_resident(ground.memory) > 8 << 20);
    ash_lab_memory_set_now(ground.memory, 30000000);
    ground_alloc(&ground, 300000); /* time passes in slow calls only */
    ash_lab_memory_set_now(ground.memory, 90000000);
    ground_alloc(&ground, 300000);
    assert_true(ash_lab_memory_resident(ground.memory) < 2 << 20); /* what is in use again */
    ground_close(&ground);
}

static void segments_of_an_ended_thread_are_reclaimed(void **state)
{
    (void)state;
    struct ground ground = {0};
    void *slots[2] = {NULL, NULL};
    ground_open(&ground, &ash_lab_mimalloc);
    ash_lab_memory_set_thread(ground.memory, 0, &slots[0]);
    char *a = ground_alloc(&ground, 64);
    ground.strategy->thread(ground.self, ASH_LAB_WENT);
    size_t mapped = ground_mapped(&ground);
    ash_lab_memory_set_thread(ground.memory, 1, &slots[1]);
    char *b = ground_alloc(&ground, 64); /* from the page that was left */
    assert_int_equal((uintptr_t)b >> 16, (uintptr_t)a >> 16);
    assert_int_equal(ground_mapped(&ground), mapped);
    ground_close(&ground);
}

static void alignments_lie_inside_larger_blocks(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_mimalloc);
    for (size_t align = 32; align <= (size_t)1 << 26; align *= 4) {
        char *p = ground.strategy->alloc(ground.self, 1000, align);
        assert_int_equal((uintptr_t)p % align, 0);
        assert_true(ground.strategy->usable(ground.self, p) >= 1000);
        assert_true(ground.strategy->check(ground.self));
        ground_free(&ground, p);
    }
    ground_close(&ground);
}

static void sizes_and_addresses_are_those_of_the_real_one(void **state)
{
    (void)state;
    twin_run("libmimalloc.so.2.0", "9", "1");
    twin_run("libmimalloc.so.2.0", "13", "1");
    twin_run("libmimalloc.so.2.0", "16", "1");
    twin_run("libmimalloc.so.2.0", "21", "1");
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return twin_compare(&ash_lab_mimalloc, (unsigned)atoi(argv[1]), argv[2][0] == '1');
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_four_steps_per_doubling),
        cmocka_unit_test(blocks_are_linked_a_few_at_a_time),
        cmocka_unit_test(own_frees_are_used_when_the_list_is_empty),
        cmocka_unit_test(frees_by_another_thread_wait_for_the_owner),
        cmocka_unit_test(free_spans_are_purged_after_their_delay),
        cmocka_unit_test(segments_of_an_ended_thread_are_reclaimed),
        cmocka_unit_test(alignments_lie_inside_larger_blocks),
        cmocka_unit_test(sizes_and_addresses_are_those_of_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
