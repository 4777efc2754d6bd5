/* test_anchor.c: what is no anchor, another layout, or damaged is told apart. */
#include "wire/anchor.h"
#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HERE 0x7f0000001000u

static struct ash_anchor good(void)
{
    struct ash_anchor anchor = {
        .magic = ASH_ANCHOR_MAGIC,
        .self = HERE,
        .layout = ASH_ANCHOR_LAYOUT,
        .bytes = sizeof(struct ash_anchor),
        .region_shift = 30,
        .slice_shift = 16,
        .group_shift = 21,
        .group_bytes = 64,
        .meta_bytes = 128,
        .heap_bytes = 2048,
    };
    return anchor;
}

static enum ash_anchor_fault judge(const struct ash_anchor *anchor, size_t n)
{
    struct ash_anchor read;
    return ash_anchor_judge(anchor, n, HERE, &read);
}

static void a_good_one_is_good_at_its_own_address_only(void **state)
{
    (void)state;
    struct ash_anchor anchor = good(), read;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_GOOD);
    assert_int_equal(ash_anchor_judge(&anchor, sizeof(anchor), HERE + 64, &read), ASH_ANCHOR_NONE);
}

static void another_layout_is_said_and_not_read(void **state)
{
    (void)state;
    struct ash_anchor anchor = good();
    anchor.layout = ASH_ANCHOR_LAYOUT + 1;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_LAYOUT_OTHER);
}

static void every_truncation_is_survived(void **state)
{
    (void)state;
    struct ash_anchor anchor = good();
    for (size_t n = 0; n < sizeof(anchor); n++)
        assert_int_not_equal(judge(&anchor, n), ASH_ANCHOR_GOOD);
}

static void offsets_out_of_bounds_are_damage(void **state)
{
    (void)state;
    struct ash_anchor anchor = good();
    anchor.meta_xfree = anchor.meta_bytes - 4;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
    anchor = good();
    anchor.region_shift = 63;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
    anchor = good();
    anchor.group_shift = anchor.slice_shift;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
}

static void sums_that_wrap_are_damage(void **state)
{
    (void)state;
    struct ash_anchor anchor = good();
    anchor.meta_kind = UINT32_MAX - 3;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
    anchor = good();
    anchor.group_free = UINT32_MAX - 3;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
    anchor = good();
    anchor.bin_count = ASH_ANCHOR_BINS_MAX + 1;
    assert_int_equal(judge(&anchor, sizeof(anchor)), ASH_ANCHOR_DAMAGED);
}

static void a_longer_anchor_of_the_same_layout_is_read(void **state)
{
    (void)state;
    struct {
        struct ash_anchor anchor;
        char more[64];
    } later = {.anchor = good()};
    later.anchor.bytes = sizeof(later);
    assert_int_equal(judge(&later.anchor, sizeof(later)), ASH_ANCHOR_GOOD);
    later.anchor.bytes = sizeof(later.anchor) - 8;
    assert_int_equal(judge(&later.anchor, sizeof(later)), ASH_ANCHOR_DAMAGED);
}

static void texts_end_and_do_not_steer_a_terminal(void **state)
{
    (void)state;
    struct ash_anchor anchor = good(), read;
    memset(anchor.version, 'x', sizeof(anchor.version));
    memset(anchor.options, '\033', sizeof(anchor.options));
    assert_int_equal(ash_anchor_judge(&anchor, sizeof(anchor), HERE, &read), ASH_ANCHOR_GOOD);
    assert_int_equal(strlen(read.version), sizeof(read.version) - 1);
    assert_int_equal(strlen(read.options), sizeof(read.options) - 1);
    assert_int_equal(strspn(read.options, "?"), sizeof(read.options) - 1);
}

static void flipped_bytes_never_give_numbers_out_of_bounds(void **state)
{
    (void)state;
    uint64_t seed = 20261125;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 200000; i++) {
        struct ash_anchor anchor = good();
        unsigned char *bytes = (unsigned char *)&anchor;
        size_t from = offsetof(struct ash_anchor, region_shift);
        for (int k = 0; k < 3; k++)
            bytes[from + ash_rng_next(&seed) % (sizeof(anchor) - from)] =
                (unsigned char)ash_rng_next(&seed);
        if (judge(&anchor, sizeof(anchor)) != ASH_ANCHOR_GOOD)
            continue;
        assert_true((uint64_t)anchor.meta_xfree + 8 <= anchor.meta_bytes);
        assert_true((uint64_t)anchor.heap_handed + 8 <= anchor.heap_bytes);
        assert_true(anchor.region_shift - anchor.group_shift <= 12);
        assert_true((uint64_t)anchor.group_span + 4 <= anchor.group_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_good_at_its_own_address_only),
        cmocka_unit_test(another_layout_is_said_and_not_read),
        cmocka_unit_test(every_truncation_is_survived),
        cmocka_unit_test(offsets_out_of_bounds_are_damage),
        cmocka_unit_test(sums_that_wrap_are_damage),
        cmocka_unit_test(a_longer_anchor_of_the_same_layout_is_read),
        cmocka_unit_test(texts_end_and_do_not_steer_a_terminal),
        cmocka_unit_test(flipped_bytes_never_give_numbers_out_of_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
