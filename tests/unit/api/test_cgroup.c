/* test_cgroup.c: the limit is the least on the way from the process's group to the top. */
#include "api/cgroup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char mounted[64];

static const char *path_of(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s%s", mounted, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The limit for a process whose /proc/self/cgroup has this text. */
static uint64_t limit_of(const char *groups)
{
    put("/groups", groups);
    char path[160];
    snprintf(path, sizeof path, "%s", path_of("/groups"));
    return ash_cgroup_limit(path, mounted);
}

static int make_tree(void **state)
{
    (void)state;
    strcpy(mounted, "/tmp/ashlar-cgroup-XXXXXX");
    if (!mkdtemp(mounted))
        return -1;
    static const char *const folders[] = {"/outer", "/outer/inner", "/memory", "/memory/old"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (mkdir(path_of(folders[i]), 0700) != 0)
            return -1;
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    static const char *const paths[] = {"/groups",
                                        "/memory.max",
                                        "/outer/memory.max",
                                        "/outer/inner/memory.max",
                                        "/memory/memory.limit_in_bytes",
                                        "/memory/old/memory.limit_in_bytes",
                                        "/memory/old",
                                        "/memory",
                                        "/outer/inner",
                                        "/outer",
                                        ""};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        remove(path_of(paths[i]));
    return access(mounted, F_OK) == 0 ? -1 : 0;
}

static void nothing_there_is_no_limit(void **state)
{
    (void)state;
    assert_int_equal(ash_cgroup_limit("/nonexistent", mounted), 0);
    assert_int_equal(limit_of(""), 0);
    assert_int_equal(limit_of("0::/\n"), 0);
    assert_int_equal(limit_of("0::/outer/inner\n3:memory:/old\n"), 0);
}

static void the_own_group_s_limit_counts(void **state)
{
    (void)state;
    put("/outer/memory.max", "max\n");
    put("/outer/inner/memory.max", "1048576\n");
    assert_int_equal(limit_of("0::/outer/inner\n"), 1048576);
    assert_int_equal(limit_of("0::/outer\n"), 0);
}

static void a_lower_limit_above_counts(void **state)
{
    (void)state;
    put("/outer/memory.max", "524288\n");
    assert_int_equal(limit_of("0::/outer/inner\n"), 524288);
    put("/outer/memory.max", "2097152\n");
    assert_int_equal(limit_of("0::/outer/inner\n"), 1048576);
}

static void a_path_of_the_host_leads_to_what_is_mounted(void **state)
{
    (void)state;
    put("/memory.max", "4096\n");
    assert_int_equal(limit_of("0::/docker/0123456789abcdef\n"), 4096);
    assert_int_equal(limit_of("0::/\n"), 4096);
    remove(path_of("/memory.max"));
}

static void the_first_version_is_read_where_the_second_has_none(void **state)
{
    (void)state;
    put("/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/memory/old/memory.limit_in_bytes", "73400320\n");
    assert_int_equal(limit_of("5:cpu,cpuacct:/x\n3:memory:/old\n0::/\n"), 73400320);
    assert_int_equal(limit_of("3:memory:/\n"), 0);
}

static void numbers_that_are_too_large_are_no_limit(void **state)
{
    (void)state;
    put("/memory.max", "99999999999999999999999999\n");
    assert_int_equal(limit_of("0::/\n"), 0);
    put("/memory.max", "");
    assert_int_equal(limit_of("0::/\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_there_is_no_limit),
        cmocka_unit_test(the_own_group_s_limit_counts),
        cmocka_unit_test(a_lower_limit_above_counts),
        cmocka_unit_test(a_path_of_the_host_leads_to_what_is_mounted),
        cmocka_unit_test(the_first_version_is_read_where_the_second_has_none),
        cmocka_unit_test(numbers_that_are_too_large_are_no_limit),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
