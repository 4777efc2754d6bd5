/* lab_compact.c: `ashlar lab compact FILE`: a trace in the order of time, packed. */
#include "base/print.h"
#include "cli/cli.h"
#include "lab/pack.h"
#include "lab/trace_file.h"
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    const char *file, *output;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (request->file)
            argp_error(state, "one trace at a time");
        request->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which trace? `ashlar record -- COMMAND` makes one");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int fail(enum ash_error code, const char *path, const char *why)
{
    char detail[PATH_MAX + 128];
    snprintf(detail, sizeof(detail), "%s: %s", path, why);
    return ash_cli_fail(code, detail);
}

/* Writes beside the output and puts it in place when it is whole, so that it may be the input. */
static int compact(struct ash_trace_file *file, const char *output)
{
    char beside[PATH_MAX];
    const char *why;
    if (snprintf(beside, sizeof(beside), "%s.part", output) >= (int)sizeof(beside))
        return fail(ASH_T05, output, strerror(ENAMETOOLONG));
    FILE *out = ash_cli_open(beside);
    if (!out)
        return ASH_EXIT_FAILED;
    bool good = ash_pack_write(file->order, out, &why);
    long bytes = ftell(out);
    if (fclose(out) != 0 || !good || rename(beside, output) != 0) {
        unlink(beside);
        return fail(ASH_T05, output, good ? strerror(errno) : why);
    }
    uint64_t n = ash_order_count(file->order)->n_events;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "%s: %lu events in %B, before %B", output, n, (uint64_t)bytes, file->bytes);
    ash_line_char(&line, 0);
    printf("%s, %.2f bytes each\n\nnext: ashlar lab info %s\n", line.text,
           n ? (double)bytes / (double)n : 0, output);
    return ash_cli_close(stdout, "standard output");
}

int ash_cli_lab_compact(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE", 0, "where to (default: in place of the trace)", 0}, {0}};
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "FILE",
                                     .doc = "Packs a trace, in the order of time."};
    struct request request = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    struct ash_trace_file file;
    const char *why;
    if (!ash_trace_file_open(request.file, &file, &why))
        return fail(ASH_T11, request.file, why);
    int status = compact(&file, request.output ? request.output : request.file);
    ash_trace_file_close(&file);
    return status;
}
