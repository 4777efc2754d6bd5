/* secure.c: a program with raised privileges ignores all options; the checks at free stay (F26).
 *
 * Run by root only. The program is linked to the library: LD_PRELOAD is ignored in such a
 * process. It starts itself with a real user that is not the effective one, which is what makes
 * the kernel set AT_SECURE, for a setuid file as for this.
 */
#include "conform.h"
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

struct outcome {
    int status;
    char errors[4096];
};

static struct outcome run_self(bool secure, const char *options, const char *part)
{
    struct outcome outcome = {-1, ""};
    int ends[2];
    if (pipe(ends) != 0)
        return outcome;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        setenv("ASHLAR", options, 1);
        if (secure && setresuid(NOBODY, 0, 0) != 0)
            _exit(126);
        execl("/proc/self/exe", "secure", part, NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], outcome.errors + len, sizeof outcome.errors - 1 - len)) > 0;)
        len += (size_t)n;
    close(ends[0]);
    waitpid(child, &outcome.status, 0);
    return outcome;
}

static int run_part(const char *part)
{
    static int not_a_block;
    for (unsigned i = 0; i < 1000; i++)
        free(malloc(i));
    if (strcmp(part, "misuse") == 0)
        free((void *)conform_opaque((uintptr_t)&not_a_block));
    if (strcmp(part, "flag") == 0)
        return getauxval(AT_SECURE) ? 10 : 0;
    return 0;
}

static bool exited_with(struct outcome outcome, int code)
{
    return WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == code;
}

static void the_kernel_marks_the_process(void)
{
    CHECK(exited_with(run_self(false, "", "flag"), 0));
    CHECK(exited_with(run_self(true, "", "flag"), 10));
}

static void reports_are_ignored(void)
{
    struct outcome plain = run_self(false, "stats", "work");
    CHECK(exited_with(plain, 0));
    CHECK_THAT(strstr(plain.errors, "malloc_count") != NULL, "%s", plain.errors);
    struct outcome secure = run_self(true, "stats", "work");
    CHECK(exited_with(secure, 0));
    CHECK_THAT(secure.errors[0] == 0, "%s", secure.errors);
}

static void no_file_is_written(void)
{
    char folder[] = "/tmp/ashlar-secure-XXXXXX", path[64], options[80];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/stats.json", folder);
    snprintf(options, sizeof options, "stats=%s", path);
    struct outcome secure = run_self(true, options, "work");
    struct stat status;
    bool was_written = stat(path, &status) == 0;
    struct outcome plain = run_self(false, options, "work");
    bool is_written = stat(path, &status) == 0;
    unlink(path);
    rmdir(folder);
    CHECK(exited_with(secure, 0) && exited_with(plain, 0));
    CHECK(!was_written && is_written);
}

static void unknown_options_are_ignored(void)
{
    struct outcome secure = run_self(true, "strict,nonsense=1,fail_nth=1", "work");
    CHECK(exited_with(secure, 0));
    CHECK_THAT(secure.errors[0] == 0, "%s", secure.errors);
}

static void misuse_still_ends_the_program(void)
{
    struct outcome secure = run_self(true, "misuse=report", "misuse");
    CHECK_THAT(WIFSIGNALED(secure.status) && WTERMSIG(secure.status) == SIGABRT, "status %#x",
               (unsigned)secure.status);
    CHECK_THAT(strstr(secure.errors, "ashlar: E03") != NULL, "%s", secure.errors);
    struct outcome plain = run_self(false, "misuse=report", "misuse");
    CHECK_THAT(exited_with(plain, 0), "status %#x", (unsigned)plain.status);
}

static const struct conform_case cases[] = {
    {"the kernel marks the process", the_kernel_marks_the_process},
    {"ASHLAR=stats prints nothing", reports_are_ignored},
    {"ASHLAR=stats=FILE writes no file", no_file_is_written},
    {"unknown options and failing calls are ignored", unknown_options_are_ignored},
    {"a foreign pointer ends in E03, whatever misuse= says", misuse_still_ends_the_program},
};

int main(int argc, char **argv)
{
    if (argc > 1)
        return run_part(argv[1]);
    if (geteuid() != 0) {
        dprintf(STDOUT_FILENO, "only root can start such a process\n");
        return 77;
    }
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
