/* test_buddy.c: halves and buddies, and Knuth's attack, which reaches its bound exactly. */
#include "ground.h"

static void blocks_lie_at_multiples_of_their_size(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_buddy);
    for (size_t size = 1; size < (size_t)1 << 22; size = size * 3 + 1) {
        char *p = ground_alloc(&ground, size);
        size_t usable = ground.strategy->usable(ground.self, p);
        assert_true(ash_is_power_of_two(usable) && usable >= size &&
                    (usable < 2 * size || usable == 32));
        assert_int_equal((uintptr_t)p % usable, 0);
    }
    assert_int_equal(ground_bytes(&ground, ASH_LAB_HEADER), 0);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_META), 8 << 20);
    ground_close(&ground);
}

static void buddies_join_and_neighbours_do_not(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_buddy);
    char *blocks[4];
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = ground_alloc(&ground, 32);
    assert_ptr_equal(blocks[3], blocks[0] + 96);
    ground_free(&ground, blocks[1]);
    ground_free(&ground, blocks[2]); /* neighbours, not buddies */
    assert_string_equal(ground_why(&ground), "32 bytes are free; the buddy is in use");
    assert_ptr_not_equal(ground_alloc(&ground, 64), blocks[1]);
    ground_free(&ground, blocks[0]);
    assert_non_null(strstr(ground_why(&ground), "joined with free buddies 1 times, to 64"));
    assert_ptr_equal(ground_alloc(&ground, 64), blocks[0]);
    ground_close(&ground);
}

static void blocks_grow_into_their_upper_buddies(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_buddy);
    char *p = ground_alloc(&ground, 32);
    assert_ptr_equal(ground.strategy->resize(ground.self, p, 5000), p);
    assert_ptr_equal(ground.strategy->resize(ground.self, p, 100), p);
    char *q = ground_alloc(&ground, 100);
    assert_ptr_equal(q, p + 128);
    assert_null(ground.strategy->resize(ground.self, p, 200));
    assert_null(ground.strategy->resize(ground.self, q, 200)); /* an upper half */
    ground_close(&ground);
}

static void huge_blocks_have_mappings_of_their_own(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_buddy);
    char *p = ground_alloc(&ground, ((size_t)1 << 29) + 1);
    assert_int_equal(ground_mapped(&ground), ((size_t)1 << 29) + 4096);
    ground_free(&ground, p);
    assert_int_equal(ground_mapped(&ground), 0);
    ground_close(&ground);
}

/* Knuth 2.5 exercise 41: M units, then for k = 1 … log n all blocks at other addresses than
 * multiples of 2^k are freed, and M / 2^(k+1) blocks of 2^k taken: M (1 + log n / 2) in the end. */
static void the_attack_reaches_its_bound_exactly(void **state)
{
    (void)state;
    enum { M_LOG2 = 12, N_LOG2 = 9, UNIT = 32 };
    static char *blocks[1 << (M_LOG2 + 2)];
    struct ground ground = {.params = {{"pick", "lowest"}}};
    ground_open(&ground, &ash_lab_buddy);
    size_t n = 0, end = 0;
    for (; n < (size_t)1 << M_LOG2; n++)
        blocks[n] = ground_alloc(&ground, UNIT);
    uintptr_t base = (uintptr_t)blocks[0];
    for (unsigned k = 1; k <= N_LOG2; k++) {
        size_t kept = 0, size = (size_t)UNIT << k;
        for (size_t i = 0; i < n; i++) {
            if (((uintptr_t)blocks[i] - base) % size == 0)
                blocks[kept++] = blocks[i];
            else
                ground_free(&ground, blocks[i]);
        }
        n = kept;
        assert_int_equal(ground_bytes(&ground, ASH_LAB_BLOCK), (size_t)UNIT << M_LOG2 >> 1);
        for (size_t i = 0; i < (size_t)1 << M_LOG2 >> (k + 1); i++) {
            blocks[n] = ground_alloc(&ground, size);
            end = ash_size_max(end, (uintptr_t)blocks[n++] + size - base);
        }
        assert_int_equal(ground_bytes(&ground, ASH_LAB_BLOCK), (size_t)UNIT << M_LOG2);
    }
    assert_int_equal(2 * end, ((size_t)UNIT << M_LOG2) * (2 + N_LOG2));
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_lie_at_multiples_of_their_size),
        cmocka_unit_test(buddies_join_and_neighbours_do_not),
        cmocka_unit_test(blocks_grow_into_their_upper_buddies),
        cmocka_unit_test(huge_blocks_have_mappings_of_their_own),
        cmocka_unit_test(the_attack_reaches_its_bound_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
