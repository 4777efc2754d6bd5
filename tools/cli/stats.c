/* stats.c: `ashlar stats PID|NAME`: the numbers of a running program. */
#include "cli/cli.h"
#include "live/live.h"
#include <argp.h>
#include <stdlib.h>

struct request {
    const char *target;
    const char *file;
    enum ash_stat_form form;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'j':
        request->form = ASH_STAT_JSON;
        request->file = arg;
        return 0;
    case 'p':
        request->form = ASH_STAT_PROMETHEUS;
        request->file = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (request->target)
            argp_error(state, "one process at a time");
        request->target = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which process? `ashlar ps` lists those that run on Ashlar");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void put(void *arg, const char *text, size_t n)
{
    fwrite(text, 1, n, arg);
}

int ash_verb_stats_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", 'j', "FILE", 0, "as JSON into FILE, - is standard output", 0},
        {"prom", 'p', "FILE", 0, "in Prometheus' exposition format", 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "PID|NAME",
        .doc = "What the heap of a running program holds. Nothing runs in it, nothing stops."};
    struct request request = {NULL, "-", ASH_STAT_TEXT};
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    struct ash_live live;
    struct ash_stat_values values;
    enum ash_live_error error = ash_live_find(request.target, &live, stderr);
    if (error == ASH_LIVE_OK)
        error = ash_live_stats(&live, &values);
    if (error != ASH_LIVE_OK) {
        ash_live_say(error, request.target, &live);
        return ASH_EXIT_FAILED;
    }
    FILE *out = ash_cli_open(request.file);
    if (!out)
        return ASH_EXIT_FAILED;
    struct ash_stat_source source = {live.anchor.version, live.command, (uint32_t)live.pid};
    ash_stat_write(request.form, &source, &values, put, out);
    if (request.form == ASH_STAT_TEXT)
        fprintf(out, "\nnext: ashlar stats --json - %d\n", (int)live.pid);
    return ash_cli_close(out, request.file);
}
