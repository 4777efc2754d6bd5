/* child.h: a part of a test that runs in a forked process, because it ends or changes one.
 *
 * The child's stderr is caught; its exit status is the one of waitpid.
 */
#ifndef ASH_TEST_CHILD_H
#define ASH_TEST_CHILD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_TEXT_BYTES 2048

/* Skips the test where an emulator cannot show what it proves (docs/aarch64.md). */
static inline void skip_if_emulated(void)
{
    if (getenv("ASHLAR_EMULATED"))
        skip();
}

/* Skips the test under the thread sanitizer: its memory map has no room where sparse windows
 * lie, and gcc's ends a child of a threaded process that makes threads. */
static inline void skip_under_tsan(void)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

struct child {
    int status;
    char text[CHILD_TEXT_BYTES]; /* what it wrote to stderr */
};

/* A part of a test: returns the exit code of its process. */
typedef int child_part(void);

/* Writes the line counts of a coverage build, which _exit and abort would lose. */
extern void __gcov_exit(void) __attribute__((weak));

static inline void child_save_coverage(void)
{
    if (__gcov_exit)
        __gcov_exit();
}

static inline void child_on_abort(int number)
{
    child_save_coverage();
    signal(number, SIG_DFL);
    raise(number);
}

/* The signals that end a child on purpose go to it alone, not to the framework of the test. */
static inline void child_reset_signals(void)
{
    static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGPIPE};
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        signal(caught[i], SIG_DFL);
    if (__gcov_exit)
        signal(SIGABRT, child_on_abort);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

static inline struct child child_run(child_part *part)
{
    struct child child = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child_reset_signals();
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        int code = part();
        child_save_coverage();
        _exit(code);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < sizeof child.text - 1) {
        n = read(ends[0], child.text + len, sizeof child.text - 1 - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    child.text[len] = 0;
    close(ends[0]);
    char *remark = strstr(child.text, "\nqemu: "); /* the emulator's own, about the abort */
    if (remark)
        remark[1] = 0;
    assert_int_equal(waitpid(pid, &child.status, 0), pid);
    return child;
}

/* The part ends with exit code 0. */
static inline void child_must_pass(child_part *part)
{
    struct child child = child_run(part);
    if (child.status != 0)
        print_error("child: status 0x%x, stderr: %s\n", (unsigned)child.status, child.text);
    assert_int_equal(child.status, 0);
}

/* The part ends by SIGABRT with a line that contains `words`. */
static inline void child_must_abort(child_part *part, const char *words)
{
    struct child child = child_run(part);
    if (!WIFSIGNALED(child.status) || !strstr(child.text, words))
        print_error("child: status 0x%x, stderr: %s\n", (unsigned)child.status, child.text);
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGABRT);
    assert_non_null(strstr(child.text, words));
}

#endif
