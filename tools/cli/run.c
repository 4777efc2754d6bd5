/* run.c: `ashlar run -- CMD`: the program in its own place, with the library preloaded. */
#include "cli/cli.h"
#include "cli/library.h"
#include "live/program.h"
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Where execvp would find the program. */
static bool find_program(const char *name, char ret_path[PATH_MAX])
{
    if (strchr(name, '/'))
        return snprintf(ret_path, PATH_MAX, "%s", name) < PATH_MAX && ash_cli_is_file(ret_path);
    const char *at = getenv("PATH");
    if (!at)
        at = "/usr/bin:/bin";
    while (*at) {
        int n = (int)strcspn(at, ":");
        if (snprintf(ret_path, PATH_MAX, "%.*s/%s", n, at, name) < PATH_MAX &&
            access(ret_path, X_OK) == 0 && ash_cli_is_file(ret_path))
            return true;
        at += n + (at[n] == ':');
    }
    return false;
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

static bool set_preload(const char *library)
{
    const char *before = getenv("LD_PRELOAD");
    char *both = NULL;
    if (before && *before && asprintf(&both, "%s:%s", library, before) < 0)
        return false;
    int bad = setenv("LD_PRELOAD", both ? both : library, 1);
    free(both);
    return bad == 0;
}

/* Puts the library into the environment, or says why that is no use. The program runs all the
 * same. 0, or the exit status after a message. */
static int preload(const char *program, enum ash_program kind)
{
    char library[PATH_MAX];
    if (kind == ASH_PROGRAM_CUT)
        return 0; /* it cannot be started at all */
    if (kind != ASH_PROGRAM_GOOD)
        fprintf(stderr, "ashlar: T03 %s will not run on Ashlar: %s | ashlar help T03\n", program,
                ash_program_words(kind));
    if (kind == ASH_PROGRAM_OTHER_LOADER || kind == ASH_PROGRAM_OTHER_MACHINE)
        return 0; /* its loader would refuse the library, or the program with it */
    if (!ash_cli_library(library))
        return ash_cli_fail(ASH_T07, library);
    if (strpbrk(library, " :"))
        return ash_cli_fail(ASH_T07, "a path with a space or colon cannot be preloaded");
    return set_preload(library) ? 0 : ash_cli_fail(ASH_T06, "no memory for the environment");
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
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
    char program[PATH_MAX];
    bool found = find_program(command[0], program), elf = false;
    enum ash_program kind = found ? ash_program_judge(program, &elf) : ASH_PROGRAM_GOOD;
    if (!is_off()) {
        int failed = preload(program, kind);
        if (failed)
            return failed;
    }
    if (kind == ASH_PROGRAM_CUT)
        errno = ENOEXEC;
    else if (elf)
        execv(program, command); /* not execvp, which gives what the kernel refuses to a shell */
    else
        execvp(command[0], command);
    char detail[PATH_MAX + 128];
    const char *why = errno == ENOEXEC ? ash_program_words(kind) : NULL;
    snprintf(detail, sizeof(detail), "%s: %s", command[0], why ? why : strerror(errno));
    return ash_cli_fail(ASH_T06, detail);
}
