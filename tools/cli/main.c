/* main.c: finds the verb and runs it. */
#include "cli/cli.h"
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct ash_verb ash_verbs[] = {
    {"run", "[--] COMMAND [ARGUMENT...]", "run a program on Ashlar, in its own place",
     ash_verb_run_run},
    {"stats", "[--json FILE | --prom FILE] PID|NAME", "what the heap of a running program holds",
     ash_verb_stats_run},
    {"ps", "[--all] [--json FILE]", "who runs on Ashlar", ash_verb_ps_run},
    {"record", "[-o FILE] [--] COMMAND...", "run a program and write down what it asks of its heap",
     ash_verb_record_run},
    {"lab", "[OPTION...] FILE | info|compact FILE",
     "replay a trace over many allocators; what it holds", ash_verb_lab_run},
    {"help", "[VERB | CODE | options]", "this list, a verb, what a message means, the options",
     ash_verb_help_run},
    {NULL, NULL, NULL, NULL},
};

int ash_cli_fail(enum ash_error code, const char *detail)
{
    fprintf(stderr, "ashlar: %s %s: %s | ashlar help %s\n  %s\n", ash_error_name(code),
            ash_error_sentence(code), detail, ash_error_name(code), ash_error_advice(code));
    return ASH_EXIT_FAILED;
}

FILE *ash_cli_open(const char *path)
{
    if (strcmp(path, "-") == 0)
        return stdout;
    FILE *file = fopen(path, "we");
    if (!file) {
        char detail[512];
        snprintf(detail, sizeof(detail), "%s: %s", path, strerror(errno));
        ash_cli_fail(ASH_T05, detail);
    }
    return file;
}

int ash_cli_close(FILE *file, const char *path)
{
    int bad = ferror(file);
    bad |= file == stdout ? fflush(file) : fclose(file);
    return bad ? ash_cli_fail(ASH_T05, path) : ASH_EXIT_DONE;
}

static const struct ash_verb *find_verb(const char *name)
{
    const struct ash_verb *verb = ash_verbs;
    while (verb->name && strcmp(verb->name, name) != 0)
        verb++;
    return verb->name ? verb : NULL;
}

/* Letters that two words share at their start: the verb the user most likely meant. */
static const char *nearest_verb(const char *name)
{
    const char *best = "help";
    size_t best_n = 0;
    for (const struct ash_verb *verb = ash_verbs; verb->name; verb++) {
        size_t n = 0;
        while (name[n] && name[n] == verb->name[n])
            n++;
        if (n > best_n) {
            best = verb->name;
            best_n = n;
        }
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        char *help[] = {"ashlar help", NULL};
        ash_verb_help_run(1, help);
        return ASH_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("ashlar %s\n", ASHLAR_VERSION);
        return ASH_EXIT_DONE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0)
        name = "help";
    const struct ash_verb *verb = find_verb(name);
    if (!verb) {
        fprintf(stderr, "ashlar: T09 there is no verb '%s', did you mean '%s'? | ashlar help\n",
                name, nearest_verb(name));
        return ASH_EXIT_USAGE;
    }
    char title[32];
    snprintf(title, sizeof(title), "ashlar %s", verb->name);
    argv[1] = title;
    argp_err_exit_status = ASH_EXIT_USAGE;
    return verb->run(argc - 1, argv + 1);
}
