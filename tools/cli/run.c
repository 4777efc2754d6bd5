/* run.c: `ashlar run -- CMD`: the program in its own place, with the library preloaded. */
#include "cli/cli.h"
#include <argp.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libashlar.so.0"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    char ***command = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        (void)arg;
        *command = state->argv + state->next - 1;
        state->next = state->argc; /* the rest is the program's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which program? For example: ashlar run -- ls -l");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The library: named by ASHLAR_LIBRARY, beside the command (build tree), or installed. */
static bool find_library(char ret_path[PATH_MAX])
{
    const char *named = getenv("ASHLAR_LIBRARY");
    if (named) {
        snprintf(ret_path, PATH_MAX, "%s", named);
        return is_file(ret_path);
    }
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = 0;
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
        const char *const beside[] = {"lib/" LIBRARY, "../lib/" LIBRARY};
        for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
            if (snprintf(ret_path, PATH_MAX, "%s/%s", self, beside[i]) < PATH_MAX &&
                is_file(ret_path))
                return true;
    }
    snprintf(ret_path, PATH_MAX, "%s/%s", ASHLAR_LIBDIR, LIBRARY);
    return is_file(ret_path);
}

/* Where execvp would find the program. */
static bool find_program(const char *name, char ret_path[PATH_MAX])
{
    if (strchr(name, '/'))
        return snprintf(ret_path, PATH_MAX, "%s", name) < PATH_MAX && is_file(ret_path);
    const char *at = getenv("PATH");
    if (!at)
        at = "/usr/bin:/bin";
    while (*at) {
        int n = (int)strcspn(at, ":");
        if (snprintf(ret_path, PATH_MAX, "%.*s/%s", n, at, name) < PATH_MAX &&
            access(ret_path, X_OK) == 0 && is_file(ret_path))
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

/* Warns where a preload cannot work; the program runs all the same. */
static void warn(const char *path)
{
    struct stat status;
    Elf64_Ehdr head;
    const char *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)) && geteuid() != 0)
        why = "it runs with raised privileges, where preloads are ignored";
    if (pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
        memcmp(head.e_ident, ELFMAG, SELFMAG) == 0) {
        bool dynamic = false;
        for (unsigned i = 0; i < head.e_phnum && i < 64; i++) {
            Elf64_Phdr part;
            off_t at = (off_t)(head.e_phoff + i * sizeof(part));
            dynamic |= pread(fd, &part, sizeof(part), at) == (ssize_t)sizeof(part) &&
                       part.p_type == PT_INTERP;
        }
        if (head.e_ident[EI_CLASS] != ELFCLASS64)
            why = "it is a program for another architecture";
        else if (!dynamic)
            why = "it is a static program, where nothing can be preloaded";
    }
    close(fd);
    if (why)
        fprintf(stderr, "ashlar: T03 %s will not run on Ashlar: %s | ashlar help T03\n", path, why);
}

static bool is_off(void)
{
    const char *at = getenv("ASHLAR");
    while (at && *at) {
        size_t n = strcspn(at, ",");
        if ((n == 3 && memcmp(at, "off", 3) == 0) || (n == 5 && memcmp(at, "off=1", 5) == 0))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

static int preload(const char *library)
{
    const char *before = getenv("LD_PRELOAD");
    char *both = NULL;
    if (before && *before && asprintf(&both, "%s:%s", library, before) < 0)
        return -1;
    int bad = setenv("LD_PRELOAD", both ? both : library, 1);
    free(both);
    return bad;
}

int ash_verb_run_run(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "[--] COMMAND [ARGUMENT...]",
        .doc = "Runs a program on Ashlar: the same process, terminal and signals."
               "\vOptions go into ASHLAR=, see `ashlar help options`. Exit status: the program's; "
               "2 when it cannot be started."};
    char **command = NULL;
    char library[PATH_MAX], program[PATH_MAX];
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
    if (!is_off()) {
        if (!find_library(library))
            return ash_cli_fail(ASH_T07, library);
        if (strpbrk(library, " :"))
            return ash_cli_fail(ASH_T07, "a path with a space or colon cannot be preloaded");
        if (find_program(command[0], program))
            warn(program);
        if (preload(library) != 0)
            return ash_cli_fail(ASH_T06, "no memory for the environment");
    }
    execvp(command[0], command);
    char detail[PATH_MAX + 64];
    snprintf(detail, sizeof(detail), "%s: %s", command[0], strerror(errno));
    return ash_cli_fail(ASH_T06, detail);
}
