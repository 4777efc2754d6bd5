/* record.c: `ashlar record -- CMD`: as run, and each call of malloc and free goes into a file. */
#include "base/print.h"
#include "cli/cli.h"
#include "lab/trace_file.h"
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY_STACKS = 256, KEY_FORKS };

struct request {
    const char *file;
    const char *stacks;
    bool forks;
    char **command;
    int n_words;
};

static volatile sig_atomic_t child; /* pid, for the handler */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->file = arg;
        return 0;
    case KEY_STACKS:
        if (strcmp(arg, "off") != 0 && strcmp(arg, "sampled") != 0 && strcmp(arg, "all") != 0)
            argp_error(state, "--stacks is off, sampled or all");
        request->stacks = arg;
        return 0;
    case KEY_FORKS:
        request->forks = true;
        return 0;
    case ARGP_KEY_ARG:
        request->command = state->argv + state->next - 1;
        request->n_words = state->argc - state->next + 1;
        state->next = state->argc; /* the rest is the program's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which program? For example: ashlar record -- ls -l");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Absolute, for the program may change its folder. false: it does not fit, or ASHLAR= could not
 * carry it. */
static bool absolute(const char *file, char ret_path[PATH_MAX])
{
    int n;
    char folder[PATH_MAX];
    if (file[0] == '/')
        n = snprintf(ret_path, PATH_MAX, "%s", file);
    else if (getcwd(folder, sizeof(folder)))
        n = snprintf(ret_path, PATH_MAX, "%s/%s", folder, file);
    else
        return false;
    return n < 256 && !strpbrk(ret_path, ",%");
}

/* A file that we may write, and none that an earlier run has left. 0 or the exit status. */
static int clear(const char *path)
{
    struct stat status;
    const char *why = NULL;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        why = "not a plain file";
    FILE *file = why ? NULL : fopen(path, "we");
    if (!why && !file)
        why = strerror(errno);
    if (file)
        fclose(file);
    if (!why) {
        unlink(path); /* what stands here afterwards is the program's */
        return 0;
    }
    char detail[PATH_MAX + 128];
    snprintf(detail, sizeof(detail), "%s: %s", path, why);
    return ash_cli_fail(ASH_T05, detail);
}

/* In the child: the environment, then all that `ashlar run` does. */
static int become_program(const struct request *request, const char *path)
{
    const char *before = getenv("ASHLAR");
    char *options = NULL;
    if (asprintf(&options, "%s%strace=%s,trace_pid=%d,trace_stacks=%s%s", before ? before : "",
                 before && *before ? "," : "", path, (int)getpid(), request->stacks,
                 request->forks ? ",trace_forks" : "") < 0 ||
        setenv("ASHLAR", options, 1) != 0)
        return ash_cli_fail(ASH_T06, "no memory for the environment");
    char **words = calloc((size_t)request->n_words + 3, sizeof(*words));
    if (!words)
        return ash_cli_fail(ASH_T06, "no memory for the command");
    words[0] = (char *)"ashlar run";
    words[1] = (char *)"--";
    memcpy(words + 2, request->command, (size_t)request->n_words * sizeof(*words));
    return ash_verb_run_run(request->n_words + 2, words);
}

static void pass_on(int signal_number)
{
    if (child > 0)
        kill((pid_t)child, signal_number);
}

/* Runs the program to its end; its exit status as a shell has it, or -1. */
static int run(const struct request *request, const char *path)
{
    static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0)
        _exit(become_program(request, path));
    child = pid;
    signal(SIGINT, SIG_IGN); /* the terminal sends these to the program, too */
    signal(SIGQUIT, SIG_IGN);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        signal(passed[i], pass_on);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    child = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What is in the file, on stderr, for stdout is the program's. */
static void say(const struct request *request, const char *path)
{
    struct ash_trace_file file;
    const char *why;
    if (!ash_trace_file_open(path, &file, &why)) {
        char detail[PATH_MAX + 128];
        snprintf(detail, sizeof(detail), "%s: %s", path,
                 errno == ENOENT ? "nothing was recorded" : why);
        ash_cli_fail(ASH_T11, detail);
        return;
    }
    const struct ash_order_count *count = ash_order_count(file.order);
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "recorded %lu events of %u threads in %B", count->n_stored,
                 count->n_threads, file.bytes);
    ash_line_fmt(&line, count->n_dropped ? ", %lu dropped" : ", none dropped", count->n_dropped);
    if (!count->is_ended)
        ash_line_str(&line, "; the program did not come to its exit");
    ash_line_fmt(&line, "\nnext: ashlar lab %s", request->file);
    ash_line_char(&line, 0);
    fprintf(stderr, "%s\n", line.text);
    ash_trace_file_close(&file);
}

int ash_verb_record_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE", 0, "the trace (default: the program's name.ashtrace)", 0},
        {"stacks", KEY_STACKS, "off|sampled|all", 0, "with the call stacks of blocks", 0},
        {"follow-fork", KEY_FORKS, NULL, 0, "children, too, each into a file with its pid", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[--] COMMAND [ARGUMENT...]",
        .doc = "Runs a program on Ashlar and writes down each call of malloc and free."
               "\vExit status: the program's, 128 and the signal when it was killed; 2 when it "
               "cannot be started."};
    struct request request = {.stacks = "off"};
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
    char name[PATH_MAX], path[PATH_MAX];
    const char *slash = strrchr(request.command[0], '/');
    snprintf(name, sizeof(name), "%s.ashtrace", slash ? slash + 1 : request.command[0]);
    if (!request.file)
        request.file = name;
    if (!absolute(request.file, path))
        return ash_cli_fail(ASH_T05, "the path of a trace has at most 255 bytes, no , and no %");
    int failed = clear(path);
    if (failed)
        return failed;
    int status = run(&request, path);
    if (status < 0)
        return ash_cli_fail(ASH_T06, strerror(errno));
    if (status != ASH_EXIT_FAILED || access(path, F_OK) == 0)
        say(&request, path);
    return status;
}
