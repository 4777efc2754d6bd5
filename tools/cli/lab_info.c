/* lab_info.c: `ashlar lab info FILE`: what a recorded program did with its heap. */
#include "base/json.h"
#include "base/print.h"
#include "cli/cli.h"
#include "lab/summary.h"
#include "lab/trace_file.h"
#include "view/symbol.h"
#include "view/table.h"
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#define SITES_SHOWN 12u
#define FRAMES_SHOWN 4u

struct request {
    const char *file;
    const char *json; /* NULL: text */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'j':
        request->json = arg;
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

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static const char *bytes_text(struct ash_line *line, uint64_t bytes)
{
    ash_line_init(line);
    ash_line_bytes(line, bytes);
    ash_line_char(line, 0);
    return line->text;
}

static const char *number(char text[32], uint64_t x)
{
    snprintf(text, 32, "%llu", (unsigned long long)x);
    return text;
}

/* ---- text ---- */

static void print_head(const struct ash_order *order, const struct ash_summary *summary)
{
    const struct ash_trace_header *header = ash_order_header(order);
    const struct ash_order_count *count = ash_order_count(order);
    struct ash_line line;
    printf("pid %u, %.3f s, %u threads, %llu events (%.2f bytes each), %llu dropped\n", header->pid,
           (double)summary->end_ns / 1e9, count->n_threads, (unsigned long long)count->n_stored,
           count->n_stored ? (double)count->n_bytes / (double)count->n_stored : 0,
           (unsigned long long)count->n_dropped);
    printf("births %llu of %s, deaths %llu, resizes %llu (%.0f %% moved), refused %llu\n",
           (unsigned long long)summary->n_births, bytes_text(&line, summary->birth_bytes),
           (unsigned long long)summary->n_deaths, (unsigned long long)summary->n_resizes,
           percent(summary->n_moved, summary->n_resizes), (unsigned long long)summary->n_failed);
    printf("live peak %s in %llu blocks, after %.3f s", bytes_text(&line, summary->peak_bytes),
           (unsigned long long)summary->n_peak, (double)summary->peak_ns / 1e9);
    printf("; at the end %s in %llu\n", bytes_text(&line, summary->live_bytes),
           (unsigned long long)summary->n_live);
    printf("of the deaths %.1f %% the youngest of their thread, %.1f %% by another thread\n",
           percent(summary->n_youngest, summary->n_deaths),
           percent(summary->n_far, summary->n_deaths));
    if (summary->n_unknown || count->n_missed || count->n_bad)
        printf("not told: %llu deaths of blocks older than the recording, %llu blocks whose death "
               "is missing, %u damaged windows\n",
               (unsigned long long)summary->n_unknown, (unsigned long long)count->n_missed,
               count->n_bad);
    if (!count->is_ended)
        printf("the program did not come to its exit: it was killed, left by _exit, or runs\n");
}

static const char *range_text(char text[48], unsigned power)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "from %B", power ? (uint64_t)1 << power : 0);
    ash_line_char(&line, 0);
    snprintf(text, 48, "%.40s", line.text);
    return text;
}

static bool print_sizes(const struct ash_summary *summary)
{
    static const struct ash_column columns[] = {{"SIZE", ASH_ALIGN_LEFT},
                                                {"BIRTHS", ASH_ALIGN_RIGHT},
                                                {"%", ASH_ALIGN_RIGHT},
                                                {"BYTES", ASH_ALIGN_RIGHT}};
    struct ash_table *table = ash_table_new(columns, 4);
    for (unsigned i = 0; table && i < ASH_SUMMARY_POWERS; i++) {
        char range[48], births[32], share[32];
        struct ash_line line;
        if (!summary->sizes[i])
            continue;
        snprintf(share, sizeof(share), "%.1f", percent(summary->sizes[i], summary->n_births));
        const char *cells[] = {range_text(range, i), number(births, summary->sizes[i]), share,
                               bytes_text(&line, summary->size_bytes[i])};
        ash_table_add(table, cells);
    }
    printf("\n");
    bool good = table && ash_table_print(table, stdout);
    ash_table_free(table);
    return good;
}

/* Of the blocks that reached an age, how many got twice as old? Blocks that live at the end are
 * counted as far as they came. */
static bool print_ages(const struct ash_summary *summary)
{
    static const struct ash_column columns[] = {{"AGE (BYTES ALLOCATED SINCE)", ASH_ALIGN_LEFT},
                                                {"DEATHS", ASH_ALIGN_RIGHT},
                                                {"LIVE AT END", ASH_ALIGN_RIGHT},
                                                {"% GROW OLDER", ASH_ALIGN_RIGHT}};
    struct ash_table *table = ash_table_new(columns, 4);
    uint64_t reached = 0;
    for (unsigned i = 0; i < ASH_SUMMARY_POWERS; i++)
        reached += summary->ages[i] + summary->survivors[i];
    for (unsigned i = 0; table && i < ASH_SUMMARY_POWERS; i++) {
        uint64_t died = summary->ages[i], stayed = summary->survivors[i];
        char range[48], deaths[32], live[32], share[32];
        if (died + stayed == 0)
            continue;
        snprintf(share, sizeof(share), "%.1f", percent(reached - stayed - died, reached - stayed));
        const char *cells[] = {range_text(range, i), number(deaths, died), number(live, stayed),
                               share};
        ash_table_add(table, cells);
        reached -= died + stayed;
    }
    printf("\n");
    bool good = table && ash_table_print(table, stdout);
    ash_table_free(table);
    return good;
}

/* The modules of the trace, with their names on this machine. NULL: no memory. */
static struct ash_symbols *open_symbols(const struct ash_order *order)
{
    size_t n;
    const struct ash_order_module *modules = ash_order_modules(order, &n);
    struct ash_symbol_module *told = calloc(n + 1, sizeof(*told));
    if (!told)
        return NULL;
    for (size_t i = 0; i < n; i++)
        told[i] = (struct ash_symbol_module){modules[i].start, modules[i].end, modules[i].path,
                                             modules[i].id, modules[i].id_n};
    struct ash_symbols *symbols = ash_symbols_open(told, n);
    free(told);
    return symbols;
}

/* The innermost callers, "a < b < c". */
static void place_text(struct ash_symbols *symbols, const struct ash_summary_site *site,
                       char *ret_text, size_t size)
{
    size_t n = 0;
    snprintf(ret_text, size, "(no stack)");
    for (uint32_t i = 0; i < site->n_frames && i < FRAMES_SHOWN && n + 4 < size; i++) {
        if (i)
            n += (size_t)snprintf(ret_text + n, size - n, " < ");
        ash_symbols_name(symbols, site->frames[i], ret_text + n, size - n);
        n += strlen(ret_text + n);
    }
}

static bool print_sites(const struct ash_order *order, const struct ash_summary *summary)
{
    static const struct ash_column columns[] = {{"BYTES", ASH_ALIGN_RIGHT},
                                                {"BIRTHS", ASH_ALIGN_RIGHT},
                                                {"LIVE AT END", ASH_ALIGN_RIGHT},
                                                {"SITE", ASH_ALIGN_CUT}};
    struct ash_table *table = ash_table_new(columns, 4);
    struct ash_symbols *symbols = open_symbols(order);
    for (size_t i = 0; table && symbols && i < summary->n_sites && i < SITES_SHOWN; i++) {
        const struct ash_summary_site *site = &summary->sites[i];
        char births[32], place[512];
        struct ash_line bytes, live;
        place_text(symbols, site, place, sizeof(place));
        const char *cells[] = {bytes_text(&bytes, site->birth_bytes),
                               number(births, site->n_births), bytes_text(&live, site->live_bytes),
                               place};
        ash_table_add(table, cells);
    }
    printf("\n");
    bool good = table && symbols && ash_table_print(table, stdout);
    if (symbols && ash_symbols_missing(symbols))
        printf("modules that are not here as they were recorded: %zu\n",
               ash_symbols_missing(symbols));
    ash_table_free(table);
    ash_symbols_close(symbols);
    return good;
}

static int print_text(const struct request *request, const struct ash_order *order,
                      const struct ash_summary *summary)
{
    print_head(order, summary);
    bool good = print_sizes(summary) && print_ages(summary);
    if (good && ash_order_header(order)->flags & ASH_TRACE_STACKS)
        good = print_sites(order, summary);
    if (!good)
        return ash_cli_fail(ASH_T05, "standard output: no memory for the table");
    printf("\nnext: ashlar lab %s\n", request->file);
    return ash_cli_close(stdout, "standard output");
}

/* ---- JSON ---- */

static void put(void *arg, const char *text, size_t n)
{
    fwrite(text, 1, n, arg);
}

static void put_number(struct ash_json *json, const char *key, uint64_t x)
{
    ash_json_key(json, key);
    ash_json_u64(json, x);
}

static void put_powers(struct ash_json *json, const char *key,
                       const uint64_t rows[ASH_SUMMARY_POWERS])
{
    ash_json_key(json, key);
    ash_json_array(json);
    for (unsigned i = 0; i < ASH_SUMMARY_POWERS; i++)
        ash_json_u64(json, rows[i]);
    ash_json_array_end(json);
}

static int print_json(const struct request *request, const struct ash_order *order,
                      const struct ash_summary *summary)
{
    FILE *out = ash_cli_open(request->json);
    if (!out)
        return ASH_EXIT_FAILED;
    const struct ash_order_count *count = ash_order_count(order);
    struct ash_json json;
    ash_json_init(&json, put, out);
    ash_json_object(&json);
    put_number(&json, "schema", 1);
    put_number(&json, "pid", ash_order_header(order)->pid);
    put_number(&json, "thread_count", count->n_threads);
    put_number(&json, "event_count", count->n_stored);
    put_number(&json, "event_bytes", count->n_bytes);
    put_number(&json, "dropped_count", count->n_dropped);
    put_number(&json, "reordered_count", count->n_reordered);
    put_number(&json, "missed_count", count->n_missed);
    put_number(&json, "damaged_windows", count->n_bad);
    put_number(&json, "open_windows", count->n_open);
    ash_json_key(&json, "ended");
    ash_json_bool(&json, count->is_ended);
    put_number(&json, "duration_ns", summary->end_ns);
    put_number(&json, "birth_count", summary->n_births);
    put_number(&json, "birth_bytes", summary->birth_bytes);
    put_number(&json, "death_count", summary->n_deaths);
    put_number(&json, "unknown_death_count", summary->n_unknown);
    put_number(&json, "youngest_death_count", summary->n_youngest);
    put_number(&json, "far_death_count", summary->n_far);
    put_number(&json, "resize_count", summary->n_resizes);
    put_number(&json, "moved_count", summary->n_moved);
    put_number(&json, "refused_count", summary->n_failed);
    put_number(&json, "peak_bytes", summary->peak_bytes);
    put_number(&json, "peak_count", summary->n_peak);
    put_number(&json, "live_bytes", summary->live_bytes);
    put_number(&json, "live_count", summary->n_live);
    put_number(&json, "site_count", summary->n_sites);
    put_powers(&json, "births_by_size", summary->sizes);
    put_powers(&json, "deaths_by_age", summary->ages);
    put_powers(&json, "live_by_age", summary->survivors);
    ash_json_object_end(&json);
    fputc('\n', out);
    return ash_cli_close(out, request->json);
}

int ash_cli_lab_info(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", 'j', "FILE", 0, "as JSON into FILE, - is standard output", 0}, {0}};
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "FILE",
                                     .doc = "What a recorded program did with its heap."};
    struct request request = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    struct ash_trace_file file;
    struct ash_summary summary;
    const char *why = "no memory";
    bool good = ash_trace_file_open(request.file, &file, &why);
    if (good && !ash_summary_make(file.order, &summary)) {
        ash_trace_file_close(&file);
        good = false;
    }
    if (!good) {
        char detail[4352];
        snprintf(detail, sizeof(detail), "%s: %s", request.file, why);
        return ash_cli_fail(ASH_T11, detail);
    }
    ash_summary_group(&summary, FRAMES_SHOWN);
    int status = request.json ? print_json(&request, file.order, &summary)
                              : print_text(&request, file.order, &summary);
    ash_summary_free(&summary);
    ash_trace_file_close(&file);
    return status;
}
