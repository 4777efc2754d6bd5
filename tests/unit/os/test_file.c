/* test_file.c: files whose bytes are memory. */
#include "child.h"
#include "os/os.h"
#include <fcntl.h>
#include <stdio.h>

static char path[64];

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/ashlar-file-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void what_is_stored_is_in_the_file(void **state)
{
    (void)state;
    size_t page = ash_os_page_bytes();
    int fd = ash_os_open_shared(path, true);
    assert_true(fd > 2);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    int bad = ash_os_allocate(fd, page, page);
    if (bad == -EOPNOTSUPP)
        skip();
    assert_int_equal(bad, 0);
    char *bytes = ash_os_map_file(fd, page, page);
    assert_non_null(bytes);
    assert_int_equal(bytes[5], 0);
    strcpy(bytes + 5, "text");
    assert_int_equal(ash_os_write_at(fd, 3, "abc", 3), 0);
    char read_back[8] = "";
    assert_int_equal(pread(fd, read_back, 5, (off_t)page + 5), 5);
    assert_string_equal(read_back, "text");
    assert_int_equal(pread(fd, read_back, 3, 3), 3);
    assert_memory_equal(read_back, "abc", 3);
    assert_int_equal(ash_os_unmap((uintptr_t)bytes, page), 0);
    int again = ash_os_open_shared(path, false);
    assert_true(again > 2);
    ash_os_close(again);
    ash_os_close(fd);
}

static void refusals_are_answers(void **state)
{
    (void)state;
    assert_int_equal(ash_os_open_shared("/no/such/folder/file", true), -ENOENT);
    assert_int_equal(ash_os_open_shared("/no/such/file", false), -ENOENT);
    assert_null(ash_os_map_file(-1, 0, 4096));
    assert_int_equal(ash_os_allocate(-1, 0, 4096), -EBADF);
    assert_int_equal(ash_os_write_at(-1, 0, "x", 1), -EBADF);
    char folder[256];
    assert_true(ash_os_folder(folder, sizeof folder) > 1);
    assert_int_equal(folder[0], '/');
    assert_int_equal(ash_os_folder(folder, 1), -ERANGE);
    assert_true(ash_os_program(folder, sizeof folder) > 1);
    assert_non_null(strstr(folder, "unit_os_file"));
    assert_int_equal(ash_os_program(folder, 3), 2);
}

static void a_fresh_file_leaves_the_old_one_to_those_who_have_it(void **state)
{
    (void)state;
    int old = ash_os_open_shared(path, true);
    assert_int_equal(ash_os_write_at(old, 0, "old", 3), 0);
    int fresh = ash_os_open_shared(path, true);
    struct ash_file file_old, file_fresh;
    assert_int_equal(ash_os_file_of(old, &file_old), 0);
    assert_int_equal(ash_os_file_of(fresh, &file_fresh), 0);
    assert_int_not_equal(file_old.inode, file_fresh.inode);
    char read_back[4] = "";
    assert_int_equal(pread(old, read_back, 3, 0), 3);
    assert_string_equal(read_back, "old");
    ash_os_close(old);
    ash_os_close(fresh);
    assert_int_equal(ash_os_open_shared("/dev/null", true), -EEXIST);
}

static void the_limit_on_files_gives_no_signal(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {8192, 8192};
        setrlimit(RLIMIT_FSIZE, &limit);
        int fd = ash_os_open_shared(path, true);
        bool good = ash_os_allocate(fd, 8192, 4096) == -EFBIG &&
                    ash_os_write_at(fd, 8190, "abc", 3) == -EFBIG &&
                    ash_os_write_at(fd, 0, "abc", 3) == 0;
        _exit(!good);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_in_the_file),
        cmocka_unit_test(refusals_are_answers),
        cmocka_unit_test(a_fresh_file_leaves_the_old_one_to_those_who_have_it),
        cmocka_unit_test(the_limit_on_files_gives_no_signal),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
