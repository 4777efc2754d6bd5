/* test_meta.c: metadata is found by arithmetic (S1), reads zero at first and stays mapped. */
#include "apart.h"
#include "space/space.h"

#define BASE ((uintptr_t)5 << ASH_REGION_SHIFT)

static void every_address_of_a_slice_leads_to_its_meta(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASH_REGION_SLICES; i++) {
        uintptr_t slice = BASE + (uintptr_t)i * ASH_SLICE_BYTES;
        uintptr_t meta = BASE + i * ASH_META_BYTES;
        assert_int_equal((uintptr_t)ash_meta_of(slice), meta);
        assert_int_equal((uintptr_t)ash_meta_of(slice + 1), meta);
        assert_int_equal((uintptr_t)ash_meta_of(slice + ASH_SLICE_BYTES - 1), meta);
    }
}

static void the_way_back_from_a_meta_is_exact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ASH_REGION_SLICES; i++) {
        uintptr_t slice = BASE + (uintptr_t)i * ASH_SLICE_BYTES;
        assert_int_equal(ash_meta_slice(ash_meta_of(slice + 4711)), slice);
    }
}

static void metas_groups_and_header_lie_in_the_first_eighth(void **state)
{
    (void)state;
    size_t metas = (size_t)ASH_REGION_SLICES * ASH_META_BYTES;
    size_t groups = ASH_REGION_GROUPS * sizeof(struct ash_group);
    assert_int_equal(metas, ASH_GROUPS_OFFSET);
    assert_true(ASH_GROUPS_OFFSET + groups <= ASH_HEADER_OFFSET);
    assert_true(ASH_HEADER_OFFSET + sizeof(struct ash_region) <= ASH_HEAD_BYTES);
    assert_true(ASH_HEAD_BYTES <= ASH_FIRST_SLICE * ASH_SLICE_BYTES);
    assert_int_equal(ASH_FIRST_SLICE * ASH_SLICE_BYTES, ASH_REGION_BYTES / 8);
    assert_int_equal(ASH_FIRST_GROUP * ASH_GROUP_BYTES, ASH_REGION_BYTES / 8);
}

static void tags_are_odd_so_that_no_heap_has_their_address(void **state)
{
    (void)state;
    static const uintptr_t tags[] = {ASH_TAG_INTERIOR, ASH_TAG_LARGE, ASH_TAG_RELEASED};
    for (size_t i = 0; i < ASH_COUNT_OF(tags); i++)
        assert_int_equal(tags[i] & 1, 1);
}

static void fresh_metas_read_zero_and_belong_to_nobody(void **state)
{
    (void)state;
    struct ash_run run;
    assert_true(ash_run_claim(1, 1, &run));
    uintptr_t base = ash_align_down(run.addr, ASH_REGION_BYTES);
    const unsigned char *metas = (const unsigned char *)base;
    size_t n_set = 0;
    for (size_t i = 0; i < ASH_GROUPS_OFFSET; i++)
        n_set += metas[i] != 0;
    assert_int_equal(n_set, 0); /* S3 */
    assert_int_equal(ash_meta_of(run.addr)->kind, ASH_KIND_NONE);
}

static void metas_keep_their_words_over_purge(void **state)
{
    (void)state;
    struct ash_run run;
    assert_true(ash_run_claim(4, 1, &run));
    struct ash_meta *meta = ash_meta_of(run.addr);
    meta->start = 4711;
    ash_run_return(run.addr, run.n_slices);
    assert_true(ash_purge_all() > 0);
    assert_int_equal(meta->start, 4711); /* S7 */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_of_a_slice_leads_to_its_meta),
        cmocka_unit_test(the_way_back_from_a_meta_is_exact),
        cmocka_unit_test(metas_groups_and_header_lie_in_the_first_eighth),
        cmocka_unit_test(tags_are_odd_so_that_no_heap_has_their_address),
        cmocka_unit_test(fresh_metas_read_zero_and_belong_to_nobody),
        cmocka_unit_test(metas_keep_their_words_over_purge),
    };
    return apart_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
