/* test_vm.c: address ranges: what is promised of them, and that a failure changes nothing. */
#include "os/os.h"
#include "child.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define PAGE ash_os_page_bytes()
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* Can the byte at addr be read? Asks the kernel, who answers EFAULT instead of a signal. */
static bool is_readable(uintptr_t addr)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    ssize_t n = write(ends[1], (const void *)addr, 1);
    close(ends[0]);
    close(ends[1]);
    return n == 1;
}

static bool is_mapped(uintptr_t addr)
{
    struct ash_map map;
    return ash_os_map_of(addr, &map);
}

static uintptr_t map(size_t bytes)
{
    uintptr_t addr = (uintptr_t)ash_os_map(bytes);
    assert_true(addr != 0);
    return addr;
}

static bool is_zero(uintptr_t addr, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)addr;
    for (size_t i = 0; i < bytes; i++) {
        if (p[i])
            return false;
    }
    return true;
}

static void reserve_gives_aligned_addresses_without_memory(void **state)
{
    (void)state;
    static const size_t aligns[] = {4096, 65536, 2 * MIB, GIB};
    for (size_t i = 0; i < ASH_COUNT_OF(aligns); i++) {
        uintptr_t addr = ash_os_reserve(GIB, aligns[i]);
        assert_true(addr != 0);
        assert_int_equal(addr % aligns[i], 0);
        assert_false(is_readable(addr));
        assert_false(is_readable(addr + GIB - 1));
        struct ash_map found;
        assert_true(ash_os_map_of(addr + GIB - 1, &found));
        assert_false(found.readable || found.writable || found.executable);
        assert_int_equal(ash_os_unmap(addr, GIB), 0);
        assert_false(is_mapped(addr));
    }
}

static void reserve_draws_a_new_place_each_time(void **state)
{
    (void)state;
    uintptr_t first = ash_os_reserve(GIB, GIB);
    uintptr_t second = ash_os_reserve(GIB, GIB);
    assert_true(first != 0 && second != 0);
    assert_true(first + GIB <= second || second + GIB <= first);
    assert_int_equal(ash_os_unmap(first, GIB), 0);
    assert_int_equal(ash_os_unmap(second, GIB), 0);
}

/* No hint fits this alignment, so the range is cut from a larger one. */
static void reserve_cuts_a_larger_range_to_size(void **state)
{
    (void)state;
    skip_if_emulated();
    size_t align = (size_t)1 << 46;
    void *probe =
        mmap(NULL, align + MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
        skip();
    munmap(probe, align + MIB);
    uintptr_t addr = ash_os_reserve(MIB, align);
    assert_true(addr != 0);
    assert_int_equal(addr % align, 0);
    assert_true(is_mapped(addr + MIB - 1));
    assert_false(is_mapped(addr - 1));
    assert_false(is_mapped(addr + MIB));
    assert_int_equal(ash_os_unmap(addr, MIB), 0);
}

static void reserve_of_the_impossible_is_refused(void **state)
{
    (void)state;
    errno = 4711;
    assert_int_equal(ash_os_reserve(SIZE_MAX - PAGE + 1, GIB), 0);
    assert_int_equal(ash_os_reserve((size_t)1 << 62, PAGE), 0);
    assert_null(ash_os_map((size_t)1 << 62));
    assert_int_equal(errno, 4711);
}

static void open_gives_zero_memory(void **state)
{
    (void)state;
    uintptr_t addr = ash_os_reserve(4 * MIB, 2 * MIB);
    assert_true(addr != 0);
    assert_int_equal(ash_os_open(addr + MIB, MIB), 0);
    assert_true(is_zero(addr + MIB, MIB));
    memset((void *)(addr + MIB), 1, MIB);
    assert_false(is_readable(addr + MIB - 1));
    assert_false(is_readable(addr + 2 * MIB));
    assert_int_equal(ash_os_unmap(addr, 4 * MIB), 0);
}

static void map_gives_zero_memory(void **state)
{
    (void)state;
    uintptr_t addr = map(MIB);
    assert_true(is_zero(addr, MIB));
    memset((void *)addr, 1, MIB);
    assert_int_equal(ash_os_unmap(addr, MIB), 0);
}

static void map_at_takes_free_addresses_only(void **state)
{
    (void)state;
    uintptr_t addr = map(4 * PAGE);
    assert_int_equal(ash_os_unmap(addr + PAGE, PAGE), 0);
    memset((void *)addr, 7, PAGE);
    assert_int_equal(ash_os_map_at(addr, PAGE), -EEXIST);
    assert_int_equal(ash_os_map_at(addr, 2 * PAGE), -EEXIST);
    assert_false(is_mapped(addr + PAGE));
    assert_int_equal(*(unsigned char *)addr, 7);
    assert_int_equal(ash_os_map_at(addr + PAGE, PAGE), 0);
    assert_true(is_zero(addr + PAGE, PAGE));
    assert_int_equal(ash_os_unmap(addr, 4 * PAGE), 0);
}

static void released_memory_reads_zero(void **state)
{
    (void)state;
    uintptr_t addr = map(3 * PAGE);
    memset((void *)addr, 1, 3 * PAGE);
    assert_int_equal(ash_os_release(addr + PAGE, PAGE), 0);
    assert_true(is_zero(addr + PAGE, PAGE));
    assert_int_equal(*(unsigned char *)(addr + PAGE - 1), 1);
    assert_int_equal(*(unsigned char *)(addr + 2 * PAGE), 1);
    assert_int_equal(ash_os_unmap(addr, 3 * PAGE), 0);
}

static void release_of_nothing_is_an_error(void **state)
{
    (void)state;
    skip_if_emulated();
    uintptr_t addr = map(PAGE);
    assert_int_equal(ash_os_unmap(addr, PAGE), 0);
    errno = 4711;
    assert_int_equal(ash_os_release(addr, PAGE), -ENOMEM);
    assert_int_equal(ash_os_open(addr, PAGE), -ENOMEM);
    assert_int_equal(errno, 4711);
}

static void move_takes_the_contents_along(void **state)
{
    (void)state;
    uintptr_t from = map(4 * PAGE);
    uintptr_t to = map(4 * PAGE);
    memset((void *)from, 5, 4 * PAGE);
    memset((void *)to, 6, 4 * PAGE);
    if (ash_os_move(from, to, 4 * PAGE) != 0) { /* the kernel may know no such move */
        assert_int_equal(*(unsigned char *)to, 5);
        assert_int_equal(*(unsigned char *)(to + 4 * PAGE - 1), 5);
        assert_true(is_zero(from, 4 * PAGE));
    }
    memset((void *)from, 1, 4 * PAGE);
    assert_int_equal(ash_os_unmap(from, 4 * PAGE), 0);
    assert_int_equal(ash_os_unmap(to, 4 * PAGE), 0);
}

/* Memory that the kernel accounts for, where addresses are reserved. */
static bool fill_in(uintptr_t addr, size_t bytes)
{
    return mmap((void *)addr, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* A range of two mappings, the second larger than the memory there is: the kernel refuses to
 * account for it at once, as it would for a growing object near a limit. Linux 6.17 moved the
 * first one all the same, and said that nothing was done. */
static void move_refused_midway_loses_nothing(void **state)
{
    (void)state;
    skip_if_emulated();
    struct sysinfo machine;
    assert_int_equal(sysinfo(&machine), 0);
    size_t half = ash_align_up((machine.totalram + machine.totalswap) * machine.mem_unit / 2, MIB);
    size_t first = 8 * MIB, bytes = first + 3 * half, written = first + MIB;
    uintptr_t from = ash_os_reserve(bytes, MIB), to = ash_os_reserve(bytes, MIB);
    if (from == 0 || to == 0)
        skip(); /* a sanitizer, or a limit */
    bool ready = fill_in(from, first) && fill_in(to + 3 * half, first) &&
                 madvise((void *)from, first, MADV_DONTDUMP) == 0;
    for (unsigned i = 0; i < 3; i++)
        ready = ready && fill_in(from + first + i * half, half) && fill_in(to + i * half, half);
    if (ready) {
        memset((void *)from, 7, written);
        size_t moved = ash_os_move(from, to, bytes);
        if (moved < written)
            memcpy((void *)(to + moved), (void *)(from + moved), written - moved);
        for (size_t i = 0; i < written; i += PAGE)
            assert_int_equal(*(unsigned char *)(to + i), 7);
        assert_true(is_zero(to + written, MIB));
        assert_true(is_mapped(to + half) && is_mapped(to + bytes - PAGE));
    }
    assert_int_equal(ash_os_unmap(from, bytes) | ash_os_unmap(to, bytes), 0);
    if (!ready)
        skip();
}

/* The kernel takes the target away before it finds the source missing (O2). */
static void failed_move_leaves_no_hole(void **state)
{
    (void)state;
    uintptr_t from = map(4 * PAGE);
    uintptr_t to = map(4 * PAGE);
    assert_int_equal(ash_os_unmap(from, 4 * PAGE), 0);
    errno = 4711;
    assert_int_equal(ash_os_move(from, to, 4 * PAGE), 0);
    assert_int_equal(errno, 4711);
    assert_true(is_mapped(to));
    assert_true(is_mapped(to + 3 * PAGE));
    memset((void *)to, 1, 4 * PAGE);
    assert_int_equal(ash_os_unmap(to, 4 * PAGE), 0);
}

static void advice_about_huge_pages_changes_no_contents(void **state)
{
    (void)state;
    uintptr_t addr = ash_os_reserve(4 * MIB, 2 * MIB);
    assert_true(addr != 0);
    assert_int_equal(ash_os_open(addr, 4 * MIB), 0);
    memset((void *)addr, 9, 2 * MIB);
    errno = 4711;
    int ret = ash_os_huge(addr, 2 * MIB, true);
    assert_true(ret == 0 || ret == -EINVAL); /* EINVAL: a kernel without huge pages */
    assert_true(ash_os_collapse(addr, 2 * MIB) <= 0);
    assert_int_equal(ash_os_huge(addr, 2 * MIB, false), ret);
    assert_int_equal(errno, 4711);
    for (size_t i = 0; i < 2 * MIB; i++) {
        if (((unsigned char *)addr)[i] != 9)
            fail_msg("byte %zu changed", i);
    }
    assert_int_equal(ash_os_unmap(addr, 4 * MIB), 0);
}

static unsigned char *wiped;

static int find_it_wiped(void)
{
    return wiped[0] == 0 && wiped[PAGE] == 1 ? 0 : 1;
}

static void wiped_range_reads_zero_in_a_child(void **state)
{
    (void)state;
    skip_if_emulated();
    wiped = (unsigned char *)map(2 * PAGE);
    wiped[0] = wiped[PAGE] = 1;
    int ret = ash_os_wipe_on_fork((uintptr_t)wiped, PAGE);
    if (ret == 0)
        child_must_pass(find_it_wiped);
    else
        assert_int_equal(ret, -EINVAL); /* before Linux 4.14 */
    assert_int_equal(wiped[0], 1);
    assert_int_equal(ash_os_unmap((uintptr_t)wiped, 2 * PAGE), 0);
}

static void thp_mode_is_the_one_of_sysfs(void **state)
{
    (void)state;
    char text[64] = "[never]";
    int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);
        text[n > 0 ? n : 0] = 0;
        close(fd);
    }
    enum ash_thp expected = strstr(text, "[always]")    ? ASH_THP_ALWAYS
                            : strstr(text, "[madvise]") ? ASH_THP_MADVISE
                                                        : ASH_THP_NEVER;
    assert_int_equal(ash_os_thp(), expected);
    assert_int_equal(ash_os_thp(), expected); /* from the cache */
}

static void page_bytes_are_the_systems(void **state)
{
    (void)state;
    assert_int_equal(ash_os_page_bytes(), sysconf(_SC_PAGESIZE));
}

/* Each call, refused once, has changed nothing; asked again, it does its work (O3). */
static void refused_calls_change_nothing(void **state)
{
    (void)state;
    uintptr_t addr = map(2 * PAGE);
    uintptr_t other = map(2 * PAGE);
    memset((void *)addr, 3, 2 * PAGE);
    errno = 4711;

    ash_os_fail_set(1, 0, ASH_FAIL_MUNMAP, 0);
    assert_int_equal(ash_os_unmap(addr, PAGE), -ENOMEM);
    ash_os_fail_set(1, 0, ASH_FAIL_MPROTECT, 0);
    assert_int_equal(ash_os_open(addr, PAGE), -ENOMEM);
    ash_os_fail_set(1, 0, ASH_FAIL_MADVISE, 0);
    assert_int_equal(ash_os_release(addr, PAGE), -ENOMEM);
    ash_os_fail_set(1, 0, ASH_FAIL_MREMAP, 0);
    assert_int_equal(ash_os_move(addr, other, PAGE), 0);
    assert_int_equal(*(unsigned char *)addr, 3);
    assert_int_equal(*(unsigned char *)other, 0);
    ash_os_fail_set(1, 0, ASH_FAIL_MMAP, 0);
    assert_null(ash_os_map(PAGE));
    assert_non_null(wiped = ash_os_map(PAGE));
    assert_int_equal(ash_os_unmap((uintptr_t)wiped, PAGE), 0);
    ash_os_fail_set(1, 0, ASH_FAIL_MMAP, 0);
    assert_int_equal(ash_os_reserve(MIB, MIB), 0);
    ash_os_fail_set(0, 0, 0, 0);

    assert_int_equal(errno, 4711);
    assert_int_equal(ash_os_release(addr, PAGE), 0);
    assert_true(is_zero(addr, PAGE));
    assert_int_equal(ash_os_unmap(addr, 2 * PAGE), 0);
    assert_int_equal(ash_os_unmap(other, 2 * PAGE), 0);
}

/* A cut that is refused leaves addresses reserved, and the range is good all the same. */
static void reserve_succeeds_when_the_cut_is_refused(void **state)
{
    (void)state;
    ash_os_fail_set(0, 1, ASH_FAIL_MUNMAP, 0);
    uintptr_t addr = ash_os_reserve(MIB, 2 * MIB);
    ash_os_fail_set(0, 0, 0, 0);
    assert_true(addr != 0);
    assert_int_equal(addr % (2 * MIB), 0);
    assert_int_equal(ash_os_open(addr, MIB), 0);
    assert_int_equal(ash_os_unmap(addr, MIB), 0);
}

static int reserve_beyond_the_limit(void)
{
    struct rlimit limit = {256 * MIB, 256 * MIB};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    errno = 4711;
    bool ok = ash_os_reserve(GIB, GIB) == 0 && ash_os_map(GIB) == NULL && errno == 4711;
    uintptr_t small = ash_os_reserve(MIB, MIB);
    return ok && small != 0 && ash_os_open(small, MIB) == 0 ? 0 : 2;
}

static void address_space_limit_is_a_plain_refusal(void **state)
{
    (void)state;
    skip_if_emulated();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their shadow alone is beyond any limit */
#endif
    child_must_pass(reserve_beyond_the_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_gives_aligned_addresses_without_memory),
        cmocka_unit_test(reserve_draws_a_new_place_each_time),
        cmocka_unit_test(reserve_cuts_a_larger_range_to_size),
        cmocka_unit_test(reserve_of_the_impossible_is_refused),
        cmocka_unit_test(open_gives_zero_memory),
        cmocka_unit_test(map_gives_zero_memory),
        cmocka_unit_test(map_at_takes_free_addresses_only),
        cmocka_unit_test(released_memory_reads_zero),
        cmocka_unit_test(release_of_nothing_is_an_error),
        cmocka_unit_test(move_takes_the_contents_along),
        cmocka_unit_test(failed_move_leaves_no_hole),
        cmocka_unit_test(move_refused_midway_loses_nothing),
        cmocka_unit_test(advice_about_huge_pages_changes_no_contents),
        cmocka_unit_test(wiped_range_reads_zero_in_a_child),
        cmocka_unit_test(thp_mode_is_the_one_of_sysfs),
        cmocka_unit_test(page_bytes_are_the_systems),
        cmocka_unit_test(refused_calls_change_nothing),
        cmocka_unit_test(reserve_succeeds_when_the_cut_is_refused),
        cmocka_unit_test(address_space_limit_is_a_plain_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
