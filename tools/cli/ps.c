/* ps.c: `ashlar ps`: who runs on Ashlar, and with --all who does not, and why. */
#include "base/json.h"
#include "base/print.h"
#include "cli/cli.h"
#include "live/live.h"
#include "view/table.h"
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum column { PID, COMMAND, VERSION, LIVE, COMMITTED, THREADS, OPTIONS, REASON, COLUMNS };

static const struct ash_column columns[COLUMNS] = {
    [PID] = {"PID", ASH_ALIGN_RIGHT},
    [COMMAND] = {"COMMAND", ASH_ALIGN_LEFT},
    [VERSION] = {"VERSION", ASH_ALIGN_LEFT},
    [LIVE] = {"LIVE", ASH_ALIGN_RIGHT},
    [COMMITTED] = {"COMMITTED", ASH_ALIGN_RIGHT},
    [THREADS] = {"THREADS", ASH_ALIGN_RIGHT},
    [OPTIONS] = {"OPTIONS", ASH_ALIGN_CUT},
    [REASON] = {"NOT ON ASHLAR BECAUSE", ASH_ALIGN_CUT}, /* with --all */
};

struct request {
    bool all;
    const char *file; /* of the JSON form, or NULL */
};

/* A process as a row: on Ashlar, or why not. */
struct process {
    struct ash_live live;
    struct ash_stat_values values;
    const char *why; /* NULL: on Ashlar */
};

struct listing {
    const struct request *request;
    struct ash_table *table;
    struct ash_json *json; /* one of the two */
    pid_t last;            /* on Ashlar */
    unsigned denied_n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'a':
        request->all = true;
        return 0;
    case 'j':
        request->file = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "ps takes no names; for one process: ashlar stats %s", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *reason(enum ash_live_error error, pid_t pid)
{
    if (error == ASH_LIVE_DENIED)
        return "not readable: permission denied";
    if (error == ASH_LIVE_OTHER)
        return "on Ashlar, with another layout of the library";
    const char *why = ash_live_why_not(pid);
    return why ? why : "started without it";
}

static void add_row(struct listing *listing, const struct process *process)
{
    char pid[16], threads[24];
    struct ash_line live_bytes, committed;
    const char *cells[COLUMNS] = {[PID] = pid,
                                  [COMMAND] = process->live.command,
                                  [VERSION] = process->live.anchor.version,
                                  [REASON] = process->why};
    snprintf(pid, sizeof(pid), "%d", (int)process->live.pid);
    if (!process->why) {
        ash_line_init(&live_bytes);
        ash_line_bytes(&live_bytes, process->values.live_bytes);
        ash_line_init(&committed);
        ash_line_bytes(&committed, process->values.committed_bytes);
        snprintf(threads, sizeof(threads), "%llu",
                 (unsigned long long)process->values.thread_count);
        cells[LIVE] = live_bytes.text;
        cells[COMMITTED] = committed.text;
        cells[THREADS] = threads;
        cells[OPTIONS] = process->live.anchor.options;
    } else if (!listing->request->all) {
        cells[OPTIONS] = process->why; /* on Ashlar, but not to be read */
    }
    ash_table_add(listing->table, cells);
}

static void add_object(struct listing *listing, const struct process *process)
{
    struct ash_json *json = listing->json;
    ash_json_object(json);
    ash_json_key(json, "pid");
    ash_json_u64(json, (uint64_t)process->live.pid);
    ash_json_key(json, "command");
    ash_json_str(json, process->live.command);
    ash_json_key(json, "on_ashlar");
    ash_json_bool(json, process->why == NULL);
    if (process->why) {
        ash_json_key(json, "reason");
        ash_json_str(json, process->why);
    } else {
        ash_json_key(json, "version");
        ash_json_str(json, process->live.anchor.version);
        ash_json_key(json, "options");
        ash_json_str(json, process->live.anchor.options);
        ash_json_key(json, "live_bytes");
        ash_json_u64(json, process->values.live_bytes);
        ash_json_key(json, "committed_bytes");
        ash_json_u64(json, process->values.committed_bytes);
        ash_json_key(json, "thread_count");
        ash_json_u64(json, process->values.thread_count);
    }
    ash_json_object_end(json);
}

static bool add(void *arg, pid_t pid)
{
    struct listing *listing = arg;
    struct process process = {.why = NULL};
    if (pid == getpid() || ash_live_is_kernel(pid))
        return true;
    enum ash_live_error error = ash_live_attach(pid, &process.live);
    if (error == ASH_LIVE_OK)
        error = ash_live_stats(&process.live, &process.values);
    if (error == ASH_LIVE_NOBODY || error == ASH_LIVE_GONE)
        return true;
    listing->denied_n += error == ASH_LIVE_DENIED;
    if (error == ASH_LIVE_OK)
        listing->last = pid;
    else if (listing->request->all || error == ASH_LIVE_OTHER)
        process.why = reason(error, pid);
    else
        return true;
    if (listing->json)
        add_object(listing, &process);
    else
        add_row(listing, &process);
    return true;
}

static void put(void *arg, const char *text, size_t n)
{
    fwrite(text, 1, n, arg);
}

static int list_json(const struct request *request)
{
    FILE *out = ash_cli_open(request->file);
    if (!out)
        return ASH_EXIT_FAILED;
    struct ash_json json;
    struct listing listing = {.request = request, .json = &json};
    ash_json_init(&json, put, out);
    ash_json_object(&json);
    ash_json_key(&json, "schema");
    ash_json_u64(&json, 1);
    ash_json_key(&json, "processes");
    ash_json_array(&json);
    ash_live_each(add, &listing);
    ash_json_array_end(&json);
    ash_json_key(&json, "denied_count");
    ash_json_u64(&json, listing.denied_n);
    ash_json_object_end(&json);
    fputc('\n', out);
    return ash_cli_close(out, request->file);
}

static int list_text(const struct request *request)
{
    struct listing listing = {.request = request,
                              .table = ash_table_new(columns, request->all ? COLUMNS : REASON)};
    bool ok = listing.table != NULL;
    if (ok)
        ash_live_each(add, &listing);
    if (ok && ash_table_rows(listing.table))
        ok = ash_table_print(listing.table, stdout);
    else if (ok)
        printf("nothing runs on Ashlar here\n");
    ash_table_free(listing.table);
    if (!ok)
        return ash_cli_fail(ASH_T05, "standard output: no memory for the table");
    if (listing.denied_n && !request->all)
        printf("\nnot readable for this user: %u\n", listing.denied_n);
    if (listing.last)
        printf("\nnext: ashlar stats %d\n", (int)listing.last);
    else
        printf("\nnext: ashlar run -- ls -l\n");
    return ash_cli_close(stdout, "standard output");
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
    return request.file ? list_json(&request) : list_text(&request);
}
