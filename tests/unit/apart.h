/* apart.h: each test of a program in a process of its own, so that it finds the library unused
 * and may change what is process-wide.
 */
#ifndef ASH_TEST_APART_H
#define ASH_TEST_APART_H

#include "child.h"
#include <stdbool.h>
#include <stdio.h>

/* One test in this process. Returns the number of failures. */
static inline int apart_here(const struct CMUnitTest *test)
{
    const struct CMUnitTest alone[] = {*test};
    return cmocka_run_group_tests_name(test->name, alone, NULL, NULL);
}

static inline int apart_one(const struct CMUnitTest *test)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0) {
        int n_failed = apart_here(test);
        fflush(NULL);
        child_save_coverage();
        _exit(n_failed != 0);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) == pid && status == 0)
        return 0;
    if (WIFSIGNALED(status))
        print_error("%s: ended by signal %d\n", test->name, WTERMSIG(status));
    return 1;
}

/* Runs all tests, or those named in the arguments. Returns the exit code of the program. */
static inline int apart_run(const struct CMUnitTest *tests, size_t n_tests, int argc, char **argv)
{
    int n_failed = 0;
    for (size_t i = 0; i < n_tests; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], tests[i].name) == 0;
        if (wanted)
            n_failed += apart_one(&tests[i]);
    }
    return n_failed != 0;
}

#endif
