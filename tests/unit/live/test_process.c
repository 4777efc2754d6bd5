/* test_process.c: finding processes and reading their memory. */
#include "live/live.h"
#include "child.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static void memory_is_read_exactly_or_not_at_all(void **state)
{
    (void)state;
    struct ash_live live = {.pid = getpid()};
    char from[100] = "the text", to[100];
    assert_true(ash_live_read(&live, (uint64_t)(uintptr_t)from, to, sizeof(to)));
    assert_memory_equal(from, to, sizeof(to));
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(munmap(two + page, page), 0);
    assert_true(ash_live_read(&live, (uint64_t)(uintptr_t)two, to, 8));
    assert_false(ash_live_read(&live, (uint64_t)(uintptr_t)(two + page - 4), to, 8));
    assert_false(ash_live_read(&live, 0, to, 8));
    assert_false(ash_live_read(&live, UINT64_MAX - 8, to, 8));
    munmap(two, page);
}

static void pids_that_cannot_be_are_nobody(void **state)
{
    (void)state;
    struct ash_live live;
    assert_int_equal(ash_live_find("0", &live, NULL), ASH_LIVE_NOBODY);
    assert_int_equal(ash_live_find("-1", &live, NULL), ASH_LIVE_NOBODY);
    assert_int_equal(ash_live_find("99999999999999999999", &live, NULL), ASH_LIVE_NOBODY);
    assert_int_equal(ash_live_find("", &live, NULL), ASH_LIVE_NOBODY);
    assert_int_equal(ash_live_find("no-such-program", &live, NULL), ASH_LIVE_NOBODY);
}

static bool count_self(void *arg, pid_t pid)
{
    *(unsigned *)arg += pid == getpid();
    return true;
}

static void every_process_is_visited_once(void **state)
{
    (void)state;
    unsigned n = 0;
    ash_live_each(count_self, &n);
    assert_int_equal(n, 1);
    assert_false(ash_live_is_kernel(getpid()));
}

static void a_process_without_the_library_is_told(void **state)
{
    (void)state;
    struct ash_live live;
    int ends[2];
    pid_t pid;
    char *const words[] = {"cat", NULL};
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    assert_int_equal(posix_spawnp(&pid, "cat", &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(ash_live_attach(pid, &live), ASH_LIVE_NOT_ASHLAR);
    assert_int_equal(live.pid, pid);
    assert_string_equal(live.command, "cat");
    assert_null(ash_live_why_not(pid));
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ash_live_attach(pid, &live), ASH_LIVE_NOBODY);
}

static void a_name_that_steers_a_terminal_is_cleaned(void **state)
{
    (void)state;
    struct ash_live live;
    assert_int_equal(prctl(PR_SET_NAME, "a\033[2J)b"), 0);
    ash_live_attach(getpid(), &live);
    assert_string_equal(live.command, "a?[2J)b");
    assert_false(ash_live_is_kernel(getpid()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_exactly_or_not_at_all),
        cmocka_unit_test(pids_that_cannot_be_are_nobody),
        cmocka_unit_test(every_process_is_visited_once),
        cmocka_unit_test(a_process_without_the_library_is_told),
        cmocka_unit_test(a_name_that_steers_a_terminal_is_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
