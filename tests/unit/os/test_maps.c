/* test_maps.c: what lies at an address. */
#include "os/os.h"
#include "child.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int in_the_file = 1;

static void stack_is_named(void **state)
{
    (void)state;
    skip_if_emulated();
    int on_the_stack = 0;
    struct ash_map map;
    assert_true(ash_os_map_of((uintptr_t)&on_the_stack, &map));
    assert_string_equal(map.path, "[stack]");
    assert_true(map.readable && map.writable && !map.executable);
    assert_true(map.start <= (uintptr_t)&on_the_stack && map.end > (uintptr_t)&on_the_stack);
}

static void code_lies_in_its_file(void **state)
{
    (void)state;
    skip_if_emulated();
    char self[PATH_MAX] = {0};
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    struct ash_map map;
    assert_true(ash_os_map_of((uintptr_t)code_lies_in_its_file, &map));
    assert_string_equal(map.path, self);
    assert_true(map.executable && !map.writable);
    assert_true(ash_os_map_of((uintptr_t)&in_the_file, &map));
    assert_string_equal(map.path, self);
    assert_true(map.writable && !map.executable);
}

static void mapping_ends_where_it_ends(void **state)
{
    (void)state;
    size_t page = ash_os_page_bytes();
    uintptr_t addr = (uintptr_t)ash_os_map(3 * page);
    assert_true(addr != 0);
    assert_int_equal(mprotect((void *)(addr + page), page, PROT_NONE), 0);
    struct ash_map map;
    assert_true(ash_os_map_of(addr + page, &map));
    assert_true(map.start == addr + page && map.end == addr + 2 * page);
    assert_false(map.readable || map.writable || map.executable);
    assert_string_equal(map.path, "");
    assert_true(ash_os_map_of(addr + 2 * page - 1, &map));
    assert_true(map.start == addr + page);
    assert_true(ash_os_map_of(addr + page - 1, &map));
    assert_true(map.end == addr + page);
    assert_true(map.readable && map.writable);

    assert_int_equal(ash_os_unmap(addr + page, page), 0);
    struct ash_map untouched = {.start = 4711};
    assert_false(ash_os_map_of(addr + page, &untouched));
    assert_int_equal(untouched.start, 4711);
    assert_int_equal(ash_os_unmap(addr, 3 * page), 0);
}

static void address_that_nobody_has_is_not_found(void **state)
{
    (void)state;
    struct ash_map map;
    errno = 4711;
    assert_false(ash_os_map_of(0, &map));
    assert_false(ash_os_map_of(UINTPTR_MAX, &map));
    assert_int_equal(errno, 4711);
}

static void long_path_is_cut(void **state)
{
    (void)state;
    char name[400] = "/tmp/ashlar-maps-XXXXXX";
    assert_non_null(mkdtemp(name));
    size_t folder_len = strlen(name);
    memset(name + folder_len, 'n', 240);
    name[folder_len] = '/';
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    close(fd);
    struct ash_map map;
    assert_true(ash_os_map_of((uintptr_t)p, &map));
    assert_int_equal(strlen(map.path), sizeof map.path - 1);
    assert_memory_equal(map.path, name, sizeof map.path - 1);
    munmap(p, 4096);
    unlink(name);
    name[folder_len] = 0;
    assert_int_equal(rmdir(name), 0);
}

static void many_mappings_are_read_to_the_end(void **state)
{
    (void)state;
    enum { N = 500 };
    size_t page = ash_os_page_bytes();
    uintptr_t addr = (uintptr_t)ash_os_map(2 * N * page);
    assert_true(addr != 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(mprotect((void *)(addr + 2 * i * page), page, PROT_READ), 0);
    for (size_t i = 0; i < N; i += 83) {
        struct ash_map map;
        assert_true(ash_os_map_of(addr + 2 * i * page, &map));
        assert_true(map.start == addr + 2 * i * page && map.end == map.start + page);
        assert_true(map.readable && !map.writable);
    }
    assert_int_equal(ash_os_unmap(addr, 2 * N * page), 0);
}

static int look_without_descriptors(void)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NOFILE, &none) != 0)
        return 1;
    struct ash_map map;
    errno = 4711;
    return !ash_os_map_of((uintptr_t)&in_the_file, &map) && errno == 4711 ? 0 : 2;
}

static void without_descriptors_nothing_is_found(void **state)
{
    (void)state;
    child_must_pass(look_without_descriptors);
}

/* Waits until the kernel no longer shows the mappings of the first thread. */
static void *look_after_the_first_thread(void *arg)
{
    (void)arg;
    char text[64];
    while (ash_os_read_file("/proc/self/maps", text, sizeof text) > 0)
        ash_os_yield();
    struct ash_map map;
    _exit(ash_os_map_of((uintptr_t)&in_the_file, &map) ? 0 : 1);
}

static int end_the_first_thread(void)
{
    alarm(20); /* seconds: a kernel that goes on showing them fails here */
    pthread_t thread;
    if (pthread_create(&thread, NULL, look_after_the_first_thread, NULL) != 0)
        return 2;
    pthread_exit(NULL);
}

/* /proc/self is that of the first thread, and empty when it has ended. */
static void list_outlives_the_first_thread(void **state)
{
    (void)state;
    child_must_pass(end_the_first_thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_is_named),
        cmocka_unit_test(code_lies_in_its_file),
        cmocka_unit_test(mapping_ends_where_it_ends),
        cmocka_unit_test(address_that_nobody_has_is_not_found),
        cmocka_unit_test(long_path_is_cut),
        cmocka_unit_test(many_mappings_are_read_to_the_end),
        cmocka_unit_test(without_descriptors_nothing_is_found),
        cmocka_unit_test(list_outlives_the_first_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
