/* test_bitmap.c: runs of bits against a search that looks at one position after the other. */
#include "base/bitmap.h"
#include "base/rng.h"
#include "child.h"

#define SEED 7
#define ROUNDS 2000

static bool has_run(uint32_t word, unsigned first_i, unsigned n)
{
    for (unsigned i = first_i; i < first_i + n; i++) {
        if (i >= 32 || !(word >> i & 1))
            return false;
    }
    return true;
}

static int find_slowly(uint32_t word, unsigned n, bool high)
{
    int found = -1;
    for (int i = 0; i < 32; i++) {
        if (has_run(word, (unsigned)i, n) && (high || found < 0))
            found = i;
    }
    return found;
}

static void check_word(uint32_t word)
{
    unsigned longest = 0;
    for (unsigned n = 1; n <= 32; n++) {
        int low = find_slowly(word, n, false);
        assert_int_equal(ash_bitmap_find_run(word, n), low);
        assert_int_equal(ash_bitmap_find_run_high(word, n), find_slowly(word, n, true));
        if (low >= 0)
            longest = n;
    }
    assert_int_equal(ash_bitmap_longest(word), longest);
}

static void run_has_the_bits_it_names(void **state)
{
    (void)state;
    assert_int_equal(ash_bitmap_run(0, 1), 1);
    assert_int_equal(ash_bitmap_run(3, 2), 0x18);
    assert_int_equal(ash_bitmap_run(0, 32), UINT32_MAX);
    assert_int_equal(ash_bitmap_run(31, 1), 0x80000000u);
}

static void searches_agree_with_a_slow_one_on_edges(void **state)
{
    (void)state;
    static const uint32_t words[] = {0,      1,           0x80000000u, UINT32_MAX,
                                     0x0f0f, 0xaaaaaaaau, 0x7fffffffu};
    for (size_t i = 0; i < ASH_COUNT_OF(words); i++)
        check_word(words[i]);
}

static void searches_agree_with_a_slow_one_on_random_words(void **state)
{
    (void)state;
    uint64_t rng = SEED;
    print_message("seed %d\n", SEED);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t word = (uint32_t)ash_rng_next(&rng);
        /* long runs are rare in random words: two words united and parted have them */
        check_word(i % 2 ? word | (uint32_t)ash_rng_next(&rng)
                         : word & (uint32_t)ash_rng_next(&rng));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_has_the_bits_it_names),
        cmocka_unit_test(searches_agree_with_a_slow_one_on_edges),
        cmocka_unit_test(searches_agree_with_a_slow_one_on_random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
