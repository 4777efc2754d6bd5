/* test_class.c: the class tables follow the rule of class.h, for every size and alignment. */
#include "scene.h"

/* Eight classes for each doubling, in steps of 16 up to 256 bytes (C1). */
static size_t bytes_by_rule(unsigned cls)
{
    if (cls <= 8)
        return 16 * (size_t)cls;
    unsigned doubling = (cls - 9) / 8, step_i = (cls - 9) % 8 + 1;
    return ((size_t)128 << doubling) + step_i * ((size_t)16 << doubling);
}

static void class_sizes_follow_the_rule(void **state)
{
    (void)state;
    assert_int_equal(ash_class_bytes[0], 8);
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++) {
        assert_int_equal(ash_class_bytes[c], bytes_by_rule(c));
        assert_int_equal(ash_class_bytes[c] % 16, 0); /* C1 */
    }
    assert_int_equal(ash_class_bytes[ASH_CLASS_COUNT - 1], ASH_CLASS_MAX);
    assert_int_equal(ash_class_bytes[ASH_BIN_COUNT - 1], ASH_BINNED_MAX);
}

static void every_size_gets_the_smallest_class_that_holds_it(void **state)
{
    (void)state;
    unsigned right = 1;
    for (size_t bytes = 0; bytes <= ASH_CLASS_MAX; bytes++) {
        if (bytes > bytes_by_rule(right))
            right++;
        assert_int_equal(ash_class_of(bytes), right);
        if (bytes <= ASH_SMALL_MAX)
            assert_int_equal(ash_class_of_small(bytes), right);
        else if (bytes <= ASH_BINNED_MAX)
            assert_int_equal(ash_class_medium[(bytes + 127) >> 7], right);
    }
    assert_int_equal(right, ASH_CLASS_COUNT - 1);
}

static void aligned_requests_get_the_first_class_that_the_alignment_divides(void **state)
{
    (void)state;
    for (size_t align = 16; align <= ASH_CLASS_MAX; align *= 2) {
        for (size_t bytes = 0; bytes <= ASH_CLASS_MAX; bytes += bytes < 2048 ? 1 : 61) {
            unsigned right = ash_class_of(bytes);
            while (bytes_by_rule(right) % align)
                right++;
            assert_int_equal(ash_class_aligned(bytes, align), right); /* C2 */
        }
    }
    assert_int_equal(ash_class_aligned(16, 2 * ASH_CLASS_MAX), 0);
}

static void blocks_are_aligned_to_the_lowest_bit_of_their_size(void **state)
{
    (void)state;
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++) {
        size_t align = ash_class_bytes[c] & -ash_class_bytes[c];
        for (unsigned i = 0; i < 9; i++) {
            uintptr_t addr = (uintptr_t)get(ash_class_bytes[c]);
            assert_int_equal(addr % align, 0); /* C2 */
            assert_int_equal(ash_usable_bytes((void *)addr), ash_class_bytes[c]);
        }
    }
}

/* The share of all bytes handed out that nobody asked for; sizes are log-uniform. */
static double waste(size_t from, size_t to)
{
    double spare = 0, have = 0;
    for (size_t bytes = from; bytes <= to; bytes++) {
        double block = ash_class_bytes[ash_class_of(bytes)];
        spare += (block - (double)bytes) / (double)bytes;
        have += block / (double)bytes;
    }
    return spare / have;
}

static void waste_is_as_stated(void **state)
{
    (void)state;
    double small = waste(16, 1024), medium = waste(1025, 32768);
    print_message("waste %.4f %.4f\n", small, medium);
    assert_true(small < 0.0525);  /* C3: 5.2 % */
    assert_true(medium < 0.0425); /* C3: 4.2 % */
}

/* The index is found by a multiplication (meta.h): it is exact for every byte of a page. */
static void the_index_of_every_byte_is_exact(void **state)
{
    (void)state;
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++) {
        void *p = get(ash_class_bytes[c]);
        const struct ash_meta *page = page_of(p);
        size_t bsize = ash_class_bytes[c];
        for (unsigned i = 0; i < page->cap; i++) {
            assert_int_equal(ash_page_index(page, page->start + i * bsize), i);
            assert_int_equal(ash_page_index(page, page->start + i * bsize + bsize - 1), i);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_sizes_follow_the_rule),
        cmocka_unit_test(every_size_gets_the_smallest_class_that_holds_it),
        cmocka_unit_test(aligned_requests_get_the_first_class_that_the_alignment_divides),
        cmocka_unit_test(blocks_are_aligned_to_the_lowest_bit_of_their_size),
        cmocka_unit_test(waste_is_as_stated),
        cmocka_unit_test(the_index_of_every_byte_is_exact),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
