/* test_misc.c: clock, random numbers, and small files by raw calls. */
#include "os/os.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define BIG_BYTES ((size_t)1 << 20)

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ashlar-misc-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("file"));
    return rmdir(folder);
}

static void clock_is_monotonic_and_near_the_exact_one(void **state)
{
    (void)state;
    struct timespec exact;
    errno = 4711;
    uint64_t before = ash_os_now_ms();
    clock_gettime(CLOCK_MONOTONIC, &exact);
    uint64_t exact_ms = (uint64_t)exact.tv_sec * 1000 + (uint64_t)exact.tv_nsec / 1000000;
    assert_true(before <= exact_ms);
    assert_true(exact_ms - before < 10000);
    assert_true(ash_os_now_ms() >= before);
    assert_int_equal(errno, 4711);
}

static void random_numbers_differ(void **state)
{
    (void)state;
    uint64_t seen[64];
    uint64_t any = 0;
    for (size_t i = 0; i < ASH_COUNT_OF(seen); i++) {
        seen[i] = ash_os_random();
        any |= seen[i];
        for (size_t k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
    assert_true(any == UINT64_MAX);
}

static void plain_process_is_not_secure(void **state)
{
    (void)state;
    assert_false(ash_os_is_secure());
}

static void file_is_read_up_to_the_room_there_is(void **state)
{
    (void)state;
    int fd = ash_os_create_file(path_of("file"));
    assert_true(fd > 2);
    assert_int_equal(ash_os_write(fd, "0123456789", 10), 0);
    ash_os_close(fd);

    char text[32];
    assert_int_equal(ash_os_read_file(path_of("file"), text, sizeof text), 10);
    assert_string_equal(text, "0123456789");
    assert_int_equal(ash_os_read_file(path_of("file"), text, 5), 4);
    assert_string_equal(text, "0123");
    assert_int_equal(ash_os_read_file(path_of("file"), text, 1), 0);
    assert_string_equal(text, "");
    assert_int_equal(ash_os_read_file(path_of("file"), text, 0), -EINVAL);
}

static void unreadable_file_is_an_error_and_touches_nothing(void **state)
{
    (void)state;
    char text[8] = "kept";
    errno = 4711;
    assert_int_equal(ash_os_read_file(path_of("none"), text, sizeof text), -ENOENT);
    assert_int_equal(ash_os_read_file(folder, text, sizeof text), -EISDIR);
    assert_string_equal(text, "kept");
    assert_int_equal(ash_os_create_file(path_of("none/file")), -ENOENT);
    assert_int_equal(errno, 4711);
}

static void created_file_is_empty_and_closed_on_exec(void **state)
{
    (void)state;
    int fd = ash_os_create_file(path_of("file"));
    assert_true(fd > 2);
    assert_int_equal(ash_os_write(fd, "old", 3), 0);
    ash_os_close(fd);
    fd = ash_os_create_file(path_of("file"));
    assert_true(fd > 2);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_size, 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ash_os_close(fd);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* The program has closed all its standard descriptors. */
static int create_without_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    int fd = ash_os_create_file(path_of("file"));
    if (fd < 3 || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
        return 1;
    for (int i = 0; i < 3; i++) {
        if (fcntl(i, F_GETFD) != -1)
            return 2;
    }
    return 0;
}

static void descriptor_is_above_the_standard_ones(void **state)
{
    (void)state;
    child_must_pass(create_without_standard_descriptors);
}

static void *write_much(void *arg)
{
    static char text[BIG_BYTES];
    memset(text, 'x', sizeof text);
    int *fd = arg;
    int ret = ash_os_write(*fd, text, sizeof text);
    close(*fd);
    *fd = ret;
    return NULL;
}

static void write_goes_on_after_a_short_write(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_much, &ends[1]), 0);
    static char text[4096];
    size_t have = 0;
    for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;)
        have += (size_t)n;
    pthread_join(thread, NULL);
    close(ends[0]);
    assert_int_equal(ends[1], 0);
    assert_int_equal(have, BIG_BYTES);
}

static void failed_write_is_an_error_and_keeps_errno(void **state)
{
    (void)state;
    errno = 4711;
    assert_int_equal(ash_os_write(-1, "x", 1), -EBADF);
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    errno = 4711;
    assert_int_equal(ash_os_write(full, "x", 1), -ENOSPC);
    assert_int_equal(ash_os_write(full, "", 0), 0);
    ash_os_close(full);
    ash_os_close(-1);
    assert_int_equal(errno, 4711);
}

static void *use_files_while_cancelled(void *arg)
{
    char text[8];
    pthread_cancel(pthread_self());
    int fd = ash_os_create_file(path_of("file"));
    int ret = ash_os_write(fd, "abc", 3);
    ash_os_close(fd);
    long n = ash_os_read_file(path_of("file"), text, sizeof text);
    atomic_store((_Atomic bool *)arg, fd > 2 && ret == 0 && n == 3);
    pthread_testcancel();
    return NULL;
}

static void no_call_is_a_cancellation_point(void **state)
{
    (void)state;
    _Atomic bool came_through = false;
    pthread_t thread;
    void *ret = NULL;
    assert_int_equal(pthread_create(&thread, NULL, use_files_while_cancelled, &came_through), 0);
    pthread_join(thread, &ret);
    assert_true(came_through);
    assert_ptr_equal(ret, PTHREAD_CANCELED);
}

static void a_kept_descriptor_outlives_the_first(void **state)
{
    (void)state;
    int fd = ash_os_create_file(path_of("file"));
    assert_true(fd > 2);
    struct ash_file file, other;
    assert_int_equal(ash_os_file_of(fd, &file), 0);
    int kept = ash_os_keep_fd(fd);
    assert_true(kept > fd);
    assert_int_equal(fcntl(kept, F_GETFD), FD_CLOEXEC);
    ash_os_close(fd);
    assert_int_equal(ash_os_file_of(fd, &other), -EBADF);
    assert_int_equal(ash_os_file_of(kept, &other), 0);
    assert_true(other.inode == file.inode && other.device == file.device);
    ash_os_close(kept);
    assert_int_equal(ash_os_keep_fd(kept), -EBADF);
}

static int keep_with_few_descriptors(void)
{
    struct rlimit few = {20, 20};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0)
        return 1;
    int kept = ash_os_keep_fd(2);
    return kept > 2 && kept < 20 ? 0 : 2;
}

static void a_low_limit_gives_a_low_descriptor(void **state)
{
    (void)state;
    child_must_pass(keep_with_few_descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_is_monotonic_and_near_the_exact_one),
        cmocka_unit_test(random_numbers_differ),
        cmocka_unit_test(plain_process_is_not_secure),
        cmocka_unit_test(file_is_read_up_to_the_room_there_is),
        cmocka_unit_test(unreadable_file_is_an_error_and_touches_nothing),
        cmocka_unit_test(created_file_is_empty_and_closed_on_exec),
        cmocka_unit_test(descriptor_is_above_the_standard_ones),
        cmocka_unit_test(write_goes_on_after_a_short_write),
        cmocka_unit_test(failed_write_is_an_error_and_keeps_errno),
        cmocka_unit_test(no_call_is_a_cancellation_point),
        cmocka_unit_test(a_kept_descriptor_outlives_the_first),
        cmocka_unit_test(a_low_limit_gives_a_low_descriptor),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
