/* test_leftover.c: ranges that the kernel would not take back are tried again, and counted as
 * long as there is memory in them. */
#include "runs.h"
#include "space/leftover.h"

#define BYTES ((size_t)1 << 20)

static bool is_mapped(const void *p)
{
    struct ash_map map;
    return ash_os_map_of((uintptr_t)p, &map);
}

static char *map_and_fill(void)
{
    char *p = ash_os_map(BYTES);
    assert_non_null(p);
    memset(p, 1, BYTES);
    return p;
}

static int64_t counted(void)
{
    return ash_space_count.leftover_bytes;
}

static void what_can_be_unmapped_is(void **state)
{
    (void)state;
    char *p = map_and_fill();
    ash_leftover_unmap((uintptr_t)p, BYTES);
    assert_false(is_mapped(p));
    assert_int_equal(counted(), 0);
}

static void a_refused_range_gives_its_memory_back_and_goes_later(void **state)
{
    (void)state;
    char *p = map_and_fill(), *q = map_and_fill();
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    ash_leftover_unmap((uintptr_t)p, BYTES);
    ash_leftover_unmap((uintptr_t)q, BYTES);
    assert_int_equal(counted(), 0);
    assert_int_equal(p[BYTES / 2], 0);
    ash_leftover_retry(); /* still refused: nothing is lost */
    assert_true(is_mapped(p) && is_mapped(q));
    ash_os_fail_set(0, 0, 0, 0);
    ash_leftover_retry();
    assert_false(is_mapped(p) || is_mapped(q));
}

static void memory_that_stays_is_counted(void **state)
{
    (void)state;
    char *p = map_and_fill();
    uint64_t committed = ash_purge_committed_bytes();
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP | ASH_FAIL_MADVISE, 0);
    ash_leftover_unmap((uintptr_t)p, BYTES);
    ash_leftover_retry();
    assert_int_equal(counted(), BYTES);
    assert_int_equal(ash_purge_committed_bytes(), committed + BYTES);
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    ash_leftover_retry(); /* the memory goes, the range stays */
    assert_int_equal(counted(), 0);
    assert_true(is_mapped(p));
    ash_os_fail_set(0, 0, 0, 0);
    ash_purge_all();
    assert_false(is_mapped(p));
    assert_int_equal(ash_purge_committed_bytes(), committed);
}

static void a_huge_object_that_cannot_be_unmapped_comes_back_later(void **state)
{
    (void)state;
    const size_t bytes = (size_t)600 << 20;
    uintptr_t addr = ash_region_map_huge(bytes, ASH_SLICE_BYTES);
    assert_int_not_equal(addr, 0);
    memset((void *)addr, 1, BYTES);
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    ash_region_unmap_huge(addr, bytes);
    assert_true(is_mapped((void *)addr));
    assert_int_equal(*((char *)addr + BYTES / 2), 0);
    ash_os_fail_set(0, 0, 0, 0);
    uintptr_t next = ash_region_map_huge(bytes, ASH_SLICE_BYTES);
    assert_false(is_mapped((void *)addr) && next != addr);
    ash_region_unmap_huge(next, bytes);
    assert_int_equal(ash_purge_committed_bytes(), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_unmapped_is),
        cmocka_unit_test(a_refused_range_gives_its_memory_back_and_goes_later),
        cmocka_unit_test(memory_that_stays_is_counted),
        cmocka_unit_test(a_huge_object_that_cannot_be_unmapped_comes_back_later),
    };
    return apart_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
