/* run.c: `ashlar run -- CMD`: the program in its own place, with the library preloaded. */
#include "cli/cli.h"
#include "cli/library.h"
#include "lab/contender.h"
#include "live/program.h"
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    char **command;
    const char *strategy; /* NULL: Ashlar itself */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 's':
        request->strategy = arg;
        return 0;
    case ARGP_KEY_ARG:
        (void)arg;
        request->command = state->argv + state->next - 1;
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

/* key=value of a strategy become ASHLAR=lab.key=value. */
static bool set_params(const struct ash_lab_contender *contender)
{
    char all[512];
    const char *before = getenv("ASHLAR");
    int n = snprintf(all, sizeof(all), "%s", before ? before : "");
    for (unsigned i = 0; i < contender->n_params && n >= 0 && (size_t)n < sizeof(all); i++)
        n += snprintf(all + n, sizeof(all) - (size_t)n, "%slab.%s=%s", n ? "," : "",
                      contender->params[i].key, contender->params[i].value);
    return n >= 0 && (size_t)n < sizeof(all) && (n == 0 || setenv("ASHLAR", all, 1) == 0);
}

/* Finds libashlar-lab-NAME.so. 0, or the exit status after a message. */
static int find_strategy(const char *word, char ret_path[PATH_MAX])
{
    struct ash_lab_contender contender;
    char error[ASH_LAB_ERROR_MAX] = "";
    bool ok = ash_lab_contender_read(word, strlen(word), NULL, &contender, error);
    if (!ok || contender.kind != ASH_LAB_STRATEGY_OF_OURS) {
        fprintf(stderr, "ashlar: T09 --strategy: %s | ashlar help lab\n",
                ok ? "that is no name of a strategy" : error);
        return ASH_EXIT_USAGE;
    }
    if (!set_params(&contender))
        return ash_cli_fail(ASH_T06, "no room for the parameters in ASHLAR");
    if (!ash_cli_lab_library(contender.strategy->name, ret_path))
        return ash_cli_fail(ASH_T07, ret_path);
    return 0;
}

/* Puts the library into the environment, or says why that is no use. The program runs all the
 * same. 0, or the exit status after a message. */
static int preload(const char *program, enum ash_program kind, const char *strategy)
{
    char library[PATH_MAX];
    if (kind == ASH_PROGRAM_CUT)
        return 0; /* it cannot be started at all */
    if (kind != ASH_PROGRAM_GOOD)
        fprintf(stderr, "ashlar: T03 %s will not run on Ashlar: %s | ashlar help T03\n", program,
                ash_program_words(kind));
    if (kind == ASH_PROGRAM_OTHER_LOADER || kind == ASH_PROGRAM_OTHER_MACHINE)
        return 0; /* its loader would refuse the library, or the program with it */
    int failed = strategy ? find_strategy(strategy, library) : 0;
    if (failed)
        return failed;
    if (!strategy && !ash_cli_library(library))
        return ash_cli_fail(ASH_T07, library);
    if (strpbrk(library, " :"))
        return ash_cli_fail(ASH_T07, "a path with a space or colon cannot be preloaded");
    return set_preload(library) ? 0 : ash_cli_fail(ASH_T06, "no memory for the environment");
}

int ash_verb_run_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"strategy", 's', "NAME", 0,
         "on a strategy of the lab instead of Ashlar: NAME or NAME:key=value:... (see ashlar lab)",
         0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[--] COMMAND [ARGUMENT...]",
        .doc = "Runs a program on Ashlar: the same process, terminal and signals."
               "\vOptions go into ASHLAR=, see `ashlar help options`. Exit status: the program's; "
               "2 when it cannot be started."};
    struct request request = {NULL, NULL};
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
    char **command = request.command;
    char program[PATH_MAX];
    bool found = find_program(command[0], program), elf = false;
    enum ash_program kind = found ? ash_program_judge(program, &elf) : ASH_PROGRAM_GOOD;
    if (!is_off()) {
        int failed = preload(program, kind, request.strategy);
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
