/* ps.c: `ashlar ps`: who runs on Ashlar, and with --all who does not, and why. */
#include "cli/cli.h"
#include "live/live.h"
#include <argp.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum column { PID, COMMAND, VERSION, LIVE, COMMITTED, THREADS, OPTIONS, COLUMNS };

static const struct {
    const char *name;
    int flags;
} columns[COLUMNS] = {
    [PID] = {"pid", SCOLS_FL_RIGHT},
    [COMMAND] = {"command", 0},
    [VERSION] = {"version", 0},
    [LIVE] = {"live", SCOLS_FL_RIGHT},
    [COMMITTED] = {"committed", SCOLS_FL_RIGHT},
    [THREADS] = {"threads", SCOLS_FL_RIGHT},
    [OPTIONS] = {"options", SCOLS_FL_TRUNC},
};

struct request {
    bool all;
    const char *json;
    struct libscols_table *table;
    pid_t last; /* on Ashlar */
    bool failed;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'a':
        request->all = true;
        return 0;
    case 'j':
        request->json = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "ps takes no names; for one process: ashlar stats %s", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void set(struct request *request, struct libscols_line *line, enum column column,
                const char *text)
{
    if (scols_line_set_data(line, column, text) != 0)
        request->failed = true;
}

static void set_number(struct request *request, struct libscols_line *line, enum column column,
                       uint64_t n, bool is_bytes)
{
    char text[32];
    if (is_bytes && !request->json)
        snprintf(text, sizeof(text), "%.1f MiB", (double)n / (1 << 20));
    else
        snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    set(request, line, column, text);
}

static const char *reason(enum ash_live_error error, pid_t pid)
{
    if (error == ASH_LIVE_DENIED)
        return "permission denied";
    if (error == ASH_LIVE_OTHER)
        return "another layout of the library";
    const char *why = ash_live_why_not(pid);
    return why ? why : "started without it";
}

static void add_numbers(struct request *request, struct libscols_line *line,
                        const struct ash_live *live)
{
    struct ash_stat_values values;
    if (ash_live_stats(live, &values) != ASH_LIVE_OK)
        return;
    set_number(request, line, LIVE, values.live_bytes, true);
    set_number(request, line, COMMITTED, values.committed_bytes, true);
    set_number(request, line, THREADS, values.thread_count, false);
}

static bool is_kernel_thread(pid_t pid)
{
    char path[64], exe[8];
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    return readlink(path, exe, sizeof(exe)) < 0;
}

static bool add(void *arg, pid_t pid)
{
    struct request *request = arg;
    struct ash_live live;
    enum ash_live_error error = ash_live_attach(pid, &live);
    bool on = error == ASH_LIVE_OK;
    if (error == ASH_LIVE_NOBODY || error == ASH_LIVE_GONE || pid == getpid())
        return true;
    if (!on && (!request->all || is_kernel_thread(pid)))
        return true;
    struct libscols_line *line = scols_table_new_line(request->table, NULL);
    if (!line) {
        request->failed = true;
        return false;
    }
    set_number(request, line, PID, (uint64_t)pid, false);
    set(request, line, COMMAND, live.command);
    set(request, line, VERSION, on || error == ASH_LIVE_OTHER ? live.anchor.version : "-");
    if (on) {
        request->last = pid;
        add_numbers(request, line, &live);
    }
    set(request, line, OPTIONS, on ? live.anchor.options : reason(error, pid));
    return !request->failed;
}

static struct libscols_table *make_table(const struct request *request)
{
    struct libscols_table *table = scols_new_table();
    if (!table)
        return NULL;
    scols_table_set_name(table, "processes");
    scols_table_enable_json(table, request->json != NULL);
    for (int i = 0; i < COLUMNS; i++) {
        struct libscols_column *column =
            scols_table_new_column(table, columns[i].name, 0, columns[i].flags);
        bool is_number = i == PID || i == LIVE || i == COMMITTED || i == THREADS;
        if (!column) {
            scols_unref_table(table);
            return NULL;
        }
        if (is_number)
            scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
    }
    return table;
}

int ash_verb_ps_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"all", 'a', NULL, 0, "also processes that do not run on Ashlar, and why", 0},
        {"json", 'j', "FILE", 0, "as JSON into FILE, - is standard output", 0},
        {0}};
    static const struct argp argp = {
        .options = options, .parser = parse, .doc = "Who runs on Ashlar."};
    struct request request = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    request.table = make_table(&request);
    if (!request.table)
        return ash_cli_fail(ASH_T05, "no memory for the table");
    ash_live_each(add, &request);
    const char *path = request.json ? request.json : "-";
    FILE *out = ash_cli_open(path);
    if (!out || request.failed) {
        scols_unref_table(request.table);
        return out ? ash_cli_fail(ASH_T05, "no memory for the table") : ASH_EXIT_FAILED;
    }
    scols_table_set_stream(request.table, out);
    if (request.json || scols_table_get_nlines(request.table))
        scols_print_table(request.table);
    else
        fprintf(out, "nothing runs on Ashlar here\n");
    if (request.json)
        fprintf(out, "\n");
    else if (request.last)
        fprintf(out, "\nnext: ashlar stats %d\n", (int)request.last);
    else
        fprintf(out, "\nnext: ashlar run -- ls -l\n");
    scols_unref_table(request.table);
    return ash_cli_close(out, path);
}
