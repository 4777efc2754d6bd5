/* help.c: `ashlar help [VERB | CODE | options]`, from the tables the code itself uses. */
#include "cli/cli.h"
#include "wire/options.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *value, *fallback, *help;
} options[] = {
#define X(key, value, fallback, help) {#key, value, fallback, help},
    ASH_OPTIONS(X)
#undef X
};

static int help_all(void)
{
    printf("Ashlar: see your heap\n\n");
    for (const struct ash_verb *verb = ash_verbs; verb->name; verb++)
        printf("  ashlar %-6s %-40s %s\n", verb->name, verb->usage, verb->about);
    printf("  ashlar --version\n\nExit status: 0 done, 1 wrong usage, 2 could not do it; run: the "
           "program's own.\n\nnext: ashlar run -- ls -l\n");
    return ASH_EXIT_DONE;
}

static int help_options(void)
{
    printf("ASHLAR=key,key=value,...  (a key alone means 1; ?key only if it is known)\n\n");
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        char key[64];
        snprintf(key, sizeof(key), "%s%s%s", options[i].name, options[i].value[0] ? "=" : "",
                 options[i].value);
        printf("  %-24s %s (default: %s)\n", key, options[i].help, options[i].fallback);
    }
    printf("\nnext: ASHLAR=stats ashlar run -- ls -l\n");
    return ASH_EXIT_DONE;
}

static int help_code(enum ash_error code)
{
    printf("%s %s\n\n%s\n\n", ash_error_name(code), ash_error_sentence(code),
           ash_error_advice(code));
    printf("next: %s\n",
           ash_error_name(code)[0] == 'E' ? "ashlar help options" : "ashlar ps --all");
    return ASH_EXIT_DONE;
}

static int help_verb(const struct ash_verb *verb)
{
    bool is_help = strcmp(verb->name, "help") == 0;
    printf("ashlar %s %s\n\n%s.\n\nnext: ashlar %s %s\n", verb->name, verb->usage, verb->about,
           verb->name, is_help ? "E03" : "--help");
    return ASH_EXIT_DONE;
}

int ash_verb_help_run(int argc, char **argv)
{
    if (argc < 2)
        return help_all();
    if (strcmp(argv[1], "options") == 0)
        return help_options();
    enum ash_error code = ash_error_find(argv[1]);
    if (code != ASH_ERROR_COUNT)
        return help_code(code);
    for (const struct ash_verb *verb = ash_verbs; verb->name; verb++)
        if (strcmp(argv[1], verb->name) == 0)
            return help_verb(verb);
    fprintf(stderr,
            "ashlar: T09 no help for '%s': it is no verb, no code such as E03, and not "
            "'options' | ashlar help\n",
            argv[1]);
    return ASH_EXIT_USAGE;
}
