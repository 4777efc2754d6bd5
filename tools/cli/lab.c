/* lab.c: `ashlar lab FILE`: replays a recorded run over many allocators, and says which helps. */
#include "cli/cli.h"
#include "cli/lab_sites.h"
#include "cli/library.h"
#include "lab/figures.h"
#include "lab/outside.h"
#include "lab/own.h"
#include "lab/paper.h"
#include "lab/strat.h"
#include "lab/survey.h"
#include "lab/verdict.h"
#include "view/table.h"
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTENDERS_MAX = 24, SAMPLES_MIN = 2000, HANG_MS = 30000, FOREIGN_RUNS = 3 };
enum { STEPS_MAX = 400, LIVES_MAX = 20000 };
enum {
    KEY_LIMIT = 256,
    KEY_SEED,
    KEY_THP,
    KEY_TOUCH,
    KEY_VERIFY,
    KEY_PLAIN,
    KEY_PACE,
    KEY_RUNS,
    KEY_HANG,
    KEY_ADVERSARY,
    KEY_CONTENDER
};

struct request {
    const char *file, *with, *base, *json, *html, *contender;
    const char *seed;
    struct ash_lab_order order;
    unsigned n_runs, hang_ms;
};

/* What one run of the verb is made of. */
struct lab {
    struct request request;
    struct ash_lab_survey survey;
    struct ash_lab_contender contenders[CONTENDERS_MAX];
    struct ash_lab_result results[CONTENDERS_MAX];
    struct ash_lab_figures figures[CONTENDERS_MAX];
    struct ash_lab_plan plan;
    struct ash_lab_verdict verdict;
    size_t n, base;
    struct ash_lab_site sites[ASH_CLI_SITES]; /* who holds nearly empty pages of the base */
    size_t n_sites;
};

static uint64_t read_size(const char *text, struct argp_state *state)
{
    char *end;
    errno = 0;
    uint64_t x = strtoull(text, &end, 10);
    static const char units[] = "KMGT";
    const char *unit = *end ? strchr(units, *end & ~32) : NULL;
    if (unit)
        end++;
    if (errno || end == text || *end || text[0] == '-' ||
        (unit && x >> (64 - 10 * (unit - units + 1))))
        argp_error(state, "'%s' is no size such as 512M", text);
    return unit ? x << 10 * (unit - units + 1) : x;
}

static unsigned read_count(const char *text, unsigned least, struct argp_state *state)
{
    char *end;
    unsigned long x = strtoul(text, &end, 10);
    if (end == text || *end || x < least || x > 1000000)
        argp_error(state, "'%s' is no number from %u to 1000000", text, least);
    return (unsigned)x;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    /* tidy: function-length: one case per option, read top to bottom. */
    struct request *request = state->input;
    struct ash_lab_order *order = &request->order;
    char error[ASH_LAB_ERROR_MAX];
    switch (key) {
    case 'w':
        request->with = arg;
        return 0;
    case 'b':
        request->base = arg;
        return 0;
    case 'j':
        request->json = arg;
        return 0;
    case 'H':
        request->html = arg;
        return 0;
    case KEY_LIMIT:
        order->limit_bytes = read_size(arg, state);
        return 0;
    case KEY_SEED:
        order->seed = read_size(arg, state);
        request->seed = arg;
        return 0;
    case KEY_THP:
        order->huge_pages = true;
        return 0;
    case KEY_TOUCH:
        if (strcmp(arg, "all") != 0 && strcmp(arg, "calloc-lazy") != 0)
            argp_error(state, "--touch is all or calloc-lazy");
        order->lazy_calloc = strcmp(arg, "calloc-lazy") == 0;
        return 0;
    case KEY_VERIFY:
        order->verify = true;
        return 0;
    case KEY_PLAIN:
        order->plain = true;
        return 0;
    case KEY_PACE:
        order->pace = strtod(arg, NULL);
        if (!(order->pace > 0))
            argp_error(state, "--pace is a speed: 1 is the recorded one, 10 ten times as fast");
        return 0;
    case KEY_RUNS:
        request->n_runs = read_count(arg, 1, state);
        return 0;
    case KEY_HANG:
        request->hang_ms = read_count(arg, 1, state);
        return 0;
    case KEY_ADVERSARY:
        if (!ash_lab_attack_read(arg, &order->attack, error))
            argp_error(state, "--adversary: %s", error);
        request->file = arg;
        return 0;
    case KEY_CONTENDER:
        request->contender = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (request->file)
            argp_error(state, "one trace at a time");
        request->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!request->file && !request->contender)
            argp_error(state, "which trace? For example: ashlar lab app.ashtrace");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int say_no(const char *file, const char *why)
{
    char detail[640];
    snprintf(detail, sizeof(detail), "%.300s: %s", file, why);
    return ash_cli_fail(ASH_T10, detail);
}

/* --- who takes part --- */

static bool add_one(struct lab *lab, const char *word, size_t n, const char *library)
{
    char error[ASH_LAB_ERROR_MAX] = "";
    if (lab->n == CONTENDERS_MAX)
        snprintf(error, sizeof(error), "%d contenders are the most", CONTENDERS_MAX);
    else if (ash_lab_contender_read(word, n, library, &lab->contenders[lab->n], error)) {
        struct ash_lab_contender *contender = &lab->contenders[lab->n++];
        if (lab->request.seed)
            ash_lab_contender_add(contender, "seed", lab->request.seed);
        if (lab->request.order.plain)
            ash_lab_contender_add(contender, "plain", "1");
        return true;
    }
    fprintf(stderr, "ashlar: T09 --with: %s | ashlar help lab\n", error);
    return false;
}

static bool find_contenders(struct lab *lab)
{
    char library[PATH_MAX];
    const char *ashlar = ash_cli_library(library) ? library : NULL;
    const char *at = lab->request.with;
    if (at) {
        for (bool more = true, ok = true; more; at += 1) {
            size_t n = strcspn(at, ",");
            ok = add_one(lab, at, n, ashlar);
            if (!ok)
                return false;
            at += n;
            more = *at == ',';
        }
        return true;
    }
    const struct ash_lab_strategy *strategy;
    for (unsigned i = 0; (strategy = ash_lab_nth(i)) != NULL; i++)
        if (!add_one(lab, strategy->name, strlen(strategy->name), ashlar))
            return false;
    return !ashlar || add_one(lab, "ashlar", 6, ashlar);
}

static void remove_own(const struct lab *lab, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lab->contenders[i].kind == ASH_LAB_STRATEGY_BROUGHT)
            ash_lab_own_remove(&lab->contenders[i]);
}

static bool compile_own(struct lab *lab)
{
    char error[ASH_LAB_ERROR_MAX];
    for (size_t i = 0; i < lab->n; i++) {
        if (lab->contenders[i].kind != ASH_LAB_STRATEGY_BROUGHT ||
            ash_lab_own_compile(&lab->contenders[i], error))
            continue;
        ash_cli_fail(ASH_T10, error);
        remove_own(lab, i);
        return false;
    }
    return true;
}

/* --- the run --- */

static void make_plan(struct lab *lab, const char *runner)
{
    const struct ash_lab_survey *survey = &lab->survey;
    struct ash_lab_order *order = &lab->request.order;
    bool wants_page = lab->request.html != NULL;
    order->n_entries = survey->count.n_entries;
    order->n_slots = survey->count.n_slots;
    order->n_threads = (uint64_t)survey->thread_max + 1;
    order->every = order->n_entries / SAMPLES_MIN + 1;
    order->check_every = order->n_entries / 100 + 1;
    order->live_max = survey->live_max_bytes;
    order->block_max = survey->block_max_bytes;
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    order->n_cpus = survey->n_cpus ? survey->n_cpus : (uint32_t)(n_cpus > 0 ? n_cpus : 1);
    order->by_site = survey->has_sites;
    order->wants_picture = wants_page;
    order->wants_lives = wants_page && survey->count.n_births <= LIVES_MAX;
    order->wants_steps = wants_page && survey->count.n_entries <= STEPS_MAX;
    if (!survey->has_clock)
        order->pace = 0;
    lab->plan = (struct ash_lab_plan){.path = lab->request.file,
                                      .contenders = lab->contenders,
                                      .n_contenders = lab->n,
                                      .order = *order,
                                      .watch = {.n_jobs = (unsigned)(n_cpus > 0 ? n_cpus : 1),
                                                .hang_ms = lab->request.hang_ms,
                                                .n_foreign_runs = lab->request.n_runs,
                                                .shows_progress = isatty(STDERR_FILENO) == 1,
                                                .runner = runner}};
}

static const char *per_entry(uint64_t n, uint64_t entries, char text[24])
{
    if (n == 0 || entries == 0)
        return "-";
    snprintf(text, 24, "%.1f", (double)n / (double)entries);
    return text;
}

static const char *with_spread(const struct lab *lab, size_t i, char text[48])
{
    uint64_t spread = lab->results[i].spread_bytes;
    snprintf(text, 48, spread ? "%s +-%s" : "%s", ash_lab_bytes(lab->figures[i].peak),
             ash_lab_bytes(spread));
    return text;
}

static void add_row(const struct lab *lab, struct ash_table *table, size_t i)
{
    const struct ash_lab_result *result = &lab->results[i];
    const struct ash_lab_figures *figures = &lab->figures[i];
    const struct ash_lab_sample *at = &figures->at_peak;
    char name[80], peak[48], ratio[24], steps[24], calls[24], waited[24];
    bool is_foreign = figures->is_foreign;
    snprintf(name, sizeof(name), "%s%s%s", result->contender->label,
             figures->is_model ? " (model)" : "", i == lab->base ? " *" : "");
    snprintf(ratio, sizeof(ratio), "%.2f",
             figures->live_peak ? (double)figures->peak / (double)figures->live_peak : 0);
    const struct ash_lab_memory_count *memory = &result->end.memory;
    unsigned long long n_calls = memory->n_map + memory->n_unmap;
    n_calls += memory->n_extend + memory->n_purge;
    snprintf(calls, sizeof(calls), "%llu", n_calls);
    snprintf(waited, sizeof(waited), "%llu/%llu", (unsigned long long)result->end.memory.n_waited,
             (unsigned long long)result->end.memory.n_locked);
    const char *cells[] = {
        name,
        with_spread(lab, i, peak),
        ratio,
        is_foreign && lab->request.order.pace <= 0 ? "(fast)" : ash_lab_bytes(figures->average),
        ash_lab_bytes(at->rounding),
        is_foreign ? "in holes" : ash_lab_bytes(at->headers),
        ash_lab_bytes(at->holes),
        ash_lab_bytes(at->kept),
        is_foreign ? "in kept" : ash_lab_bytes(at->meta),
        per_entry(result->end.memory.n_steps, result->end.n_entries, steps),
        is_foreign ? "-" : calls,
        result->end.memory.n_locked ? waited : "-"};
    ash_table_add(table, cells);
}

static void print_table(const struct lab *lab, FILE *out)
{
    static const struct ash_column columns[] = {
        {"CONTENDER", ASH_ALIGN_LEFT},   {"PEAK", ASH_ALIGN_RIGHT},
        {"PEAK/LIVE", ASH_ALIGN_RIGHT},  {"AVERAGE", ASH_ALIGN_RIGHT},
        {"ROUNDING", ASH_ALIGN_RIGHT},   {"HEADERS", ASH_ALIGN_RIGHT},
        {"HOLES", ASH_ALIGN_RIGHT},      {"KEPT", ASH_ALIGN_RIGHT},
        {"META", ASH_ALIGN_RIGHT},       {"STEPS/CALL", ASH_ALIGN_RIGHT},
        {"PAGE CALLS", ASH_ALIGN_RIGHT}, {"WAITED", ASH_ALIGN_RIGHT},
    };
    struct ash_table *table = ash_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    if (!table)
        return;
    for (size_t i = 0; i < lab->n; i++)
        if (lab->results[i].fault.kind == ASH_LAB_FAULT_NONE)
            add_row(lab, table, i);
    if (ash_table_rows(table) > 0)
        ash_table_print(table, out);
    ash_table_free(table);
    for (size_t i = 0; i < lab->n; i++)
        if (lab->results[i].fault.kind != ASH_LAB_FAULT_NONE)
            fprintf(out, "%s: at entry %llu: %s\n", lab->contenders[i].label,
                    (unsigned long long)lab->results[i].fault.entry, lab->results[i].fault.words);
}

/* LA5: named only where the recording has call stacks. */
static void find_sites(struct lab *lab)
{
    const struct ash_lab_pins *pins = lab->results[lab->base].pins;
    if (!pins || !pins->by_site)
        return;
    while (lab->n_sites < ASH_CLI_SITES && pins->pins[lab->n_sites].held_bytes > 0) {
        const struct ash_lab_pin *pin = &pins->pins[lab->n_sites];
        lab->sites[lab->n_sites++].stack = pin->key ? (uint32_t)(pin->key - 1) : 0;
    }
    ash_cli_lab_sites(lab->request.file, lab->sites, lab->n_sites);
}

static void print_sites(const struct lab *lab, FILE *out)
{
    static const struct ash_column columns[] = {{"HOLDS", ASH_ALIGN_RIGHT},
                                                {"BLOCKS", ASH_ALIGN_RIGHT},
                                                {"LIVE", ASH_ALIGN_RIGHT},
                                                {"CALL SITE", ASH_ALIGN_CUT}};
    struct ash_table *table = ash_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    const struct ash_lab_pins *pins = lab->results[lab->base].pins;
    for (size_t i = 0; table && i < lab->n_sites && i < 5; i++) {
        char blocks[24];
        const struct ash_lab_site *site = &lab->sites[i];
        snprintf(blocks, sizeof(blocks), "%llu", (unsigned long long)pins->pins[i].n_blocks);
        const char *cells[] = {ash_lab_bytes(pins->pins[i].held_bytes), blocks,
                               ash_lab_bytes(pins->pins[i].live_bytes),
                               site->text[0] ? site->text : "(no stack)"};
        ash_table_add(table, cells);
    }
    if (table && ash_table_rows(table) > 0) {
        fprintf(out, "\nPages of %s that are less than a quarter live, by who holds them:\n",
                lab->contenders[lab->base].label);
        ash_table_print(table, out);
    }
    ash_table_free(table);
}

static void print_trace(const struct lab *lab, FILE *out)
{
    const struct ash_lab_survey *survey = &lab->survey;
    fprintf(out, "%s: %s, %llu entries, %llu births, %u thread%s; at most %s live in %llu blocks\n",
            lab->request.file, survey->format, (unsigned long long)survey->count.n_entries,
            (unsigned long long)survey->count.n_births, survey->n_threads,
            survey->n_threads == 1 ? "" : "s", ash_lab_bytes(survey->live_max_bytes),
            (unsigned long long)survey->live_max_blocks);
    if (survey->count.n_missed + survey->count.n_unknown + survey->n_dropped + survey->n_bad)
        fprintf(out,
                "of the trace: %llu deaths missed, %llu of unknown blocks, %llu dropped, %llu "
                "damaged\n",
                (unsigned long long)survey->count.n_missed,
                (unsigned long long)survey->count.n_unknown, (unsigned long long)survey->n_dropped,
                (unsigned long long)survey->n_bad);
    fprintf(out, "\n");
}

static void print_end(const struct lab *lab, FILE *out)
{
    const struct ash_lab_survey *survey = &lab->survey;
    const struct ash_lab_contender *best = &lab->contenders[lab->verdict.best];
    fprintf(out, "\n");
    for (unsigned i = 0; i < lab->verdict.n_lines; i++)
        fprintf(out, "%s\n", lab->verdict.lines[i]);
    fprintf(out,
            "\nAssumed: each block is touched once in every page%s; contents, caches and "
            "waiting are not replayed%s.%s%s\n",
            lab->request.order.lazy_calloc ? " (large callocs are not)" : "",
            survey->has_clock ? "" : "; the trace has no clock, so time is counted in entries",
            survey->note[0] ? " " : "", survey->note);
    bool runs = best->strategy && lab->verdict.best != lab->base;
    if (runs)
        fprintf(out, "\nnext: ashlar run --strategy=%s -- COMMAND\n", best->strategy->name);
    else if (lab->verdict.rule && strcmp(lab->verdict.rule, "LV2") == 0)
        fprintf(out, "\nnext: ashlar record -o longer.ashtrace -- COMMAND\n");
    else
        fprintf(out, "\nnext: ashlar lab --html lab.html %s\n", lab->request.file);
}

static int write_files(const struct lab *lab)
{
    const struct ash_lab_paper paper = {.file = lab->request.file,
                                        .survey = &lab->survey,
                                        .plan = &lab->plan,
                                        .results = lab->results,
                                        .figures = lab->figures,
                                        .verdict = &lab->verdict,
                                        .n = lab->n,
                                        .base = lab->base,
                                        .sites = lab->sites,
                                        .n_sites = lab->n_sites};
    int status = ASH_EXIT_DONE;
    if (lab->request.json) {
        FILE *out = ash_cli_open(lab->request.json);
        if (!out)
            return ASH_EXIT_FAILED;
        ash_lab_paper_json(&paper, false, out);
        status = ash_cli_close(out, lab->request.json);
    }
    if (lab->request.html && status == ASH_EXIT_DONE) {
        FILE *out = ash_cli_open(lab->request.html);
        if (!out)
            return ASH_EXIT_FAILED;
        ash_lab_paper_html(&paper, out);
        status = ash_cli_close(out, lab->request.html);
    }
    return status;
}

static bool has_base(const struct lab *lab)
{
    const char *base = lab->request.base;
    for (size_t i = 0; base && i < lab->n; i++)
        if (strcmp(lab->contenders[i].label, base) == 0)
            return true;
    if (base)
        fprintf(stderr, "ashlar: T09 --base: no contender is called '%s' | ashlar help lab\n",
                base);
    return !base;
}

static bool is_dash(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* Instead of a survey: what an adversary will do is known by its maxima only. */
static void expect_attack(struct lab *lab)
{
    const struct ash_lab_attack *attack = &lab->request.order.attack;
    struct ash_lab_survey *survey = &lab->survey;
    snprintf(survey->format, sizeof(survey->format), "adversary");
    survey->count.n_slots = (uint32_t)attack->n_units;
    survey->count.n_births = 2 * attack->n_units;
    survey->count.n_entries = 3 * attack->n_units;
    survey->live_max_bytes = attack->n_units * attack->unit_bytes;
    survey->live_max_blocks = attack->n_units;
    survey->block_max_bytes = attack->unit_bytes << attack->log_block;
    survey->n_threads = 1;
}

static void print_attack(const struct lab *lab, FILE *out)
{
    const struct ash_lab_attack *attack = &lab->request.order.attack;
    uint64_t bound = ash_lab_attack_bound(attack);
    uint64_t live = attack->n_units * attack->unit_bytes;
    fprintf(out,
            "\nM = %s live at most, n = %llu units of %llu bytes. Robson: no allocator that does "
            "not move blocks can promise to do with less than M (1 + log2(n) / 2) - n + 1 = %s "
            "(%.2f M).\n",
            ash_lab_bytes(live), (unsigned long long)1 << attack->log_block,
            (unsigned long long)attack->unit_bytes, ash_lab_bytes(bound),
            (double)bound / (double)live);
    for (size_t i = 0; i < lab->n; i++)
        if (lab->results[i].fault.kind == ASH_LAB_FAULT_NONE)
            fprintf(out, "%s was driven to %.2f M.\n", lab->contenders[i].label,
                    (double)lab->figures[i].peak / (double)live);
    fprintf(out, "\nnext: ashlar lab --html lab.html --adversary %s --with NAME\n",
            lab->request.file);
}

static int run(struct lab *lab)
{
    char runner[PATH_MAX] = "", error[ASH_LAB_ERROR_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", runner, sizeof(runner) - 1);
    if (n < 0)
        return say_no("/proc/self/exe", strerror(errno));
    if (lab->request.html && !ash_lab_paper_has_page())
        return say_no(lab->request.html, "this build has no page: esbuild was missing");
    if (!find_contenders(lab))
        return ASH_EXIT_USAGE;
    bool is_attack = lab->request.order.attack.kind != ASH_LAB_ADVERSARY_NONE;
    if (is_attack)
        expect_attack(lab);
    else if (!ash_lab_survey(lab->request.file, &lab->survey, error))
        return say_no(lab->request.file, error);
    if (lab->survey.count.n_births == 0)
        return say_no(lab->request.file, "it holds no allocation");
    if (!has_base(lab))
        return ASH_EXIT_USAGE;
    make_plan(lab, runner);
    if (!compile_own(lab))
        return ASH_EXIT_FAILED;
    size_t n_done = ash_lab_replay(&lab->plan, lab->results);
    remove_own(lab, lab->n);
    for (size_t i = 0; i < lab->n; i++)
        ash_lab_figures(&lab->results[i], &lab->figures[i]);
    lab->base = ash_lab_base(lab->results, lab->n, lab->request.base);
    struct ash_lab_verdict_input input = {.survey = &lab->survey,
                                          .results = lab->results,
                                          .figures = lab->figures,
                                          .n = lab->n,
                                          .base = lab->base,
                                          .is_paced = lab->request.order.pace > 0};
    ash_lab_judge(&input, &lab->verdict);
    FILE *out = is_dash(lab->request.json) || is_dash(lab->request.html) ? stderr : stdout;
    if (!is_attack)
        print_trace(lab, out);
    print_table(lab, out);
    find_sites(lab);
    print_sites(lab, out);
    if (is_attack)
        print_attack(lab, out);
    else
        print_end(lab, out);
    int status = write_files(lab);
    return n_done == 0 ? ASH_EXIT_FAILED : status;
}

int ash_verb_lab_run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "info") == 0) {
        argv[1] = (char *)"ashlar lab info";
        return ash_cli_lab_info(argc - 1, argv + 1);
    }
    static const struct argp_option options[] = {
        {"with", 'w', "LIST", 0,
         "who takes part, by commas: strategies (NAME or NAME:key=value:...), ashlar, PATH.so "
         "with a malloc, PATH.c with a strategy (default: all strategies and ashlar)",
         0},
        {"base", 'b', "NAME", 0, "compare with this one (default: ptmalloc2)", 0},
        {"json", 'j', "FILE", 0, "all numbers as JSON into FILE, - is standard output", 0},
        {"html", 'H', "FILE", 0, "a page with plots that needs no network", 0},
        {"limit", KEY_LIMIT, "SIZE", 0, "refuse to map more than SIZE (512M)", 0},
        {"seed", KEY_SEED, "N", 0, "for strategies that draw numbers", 0},
        {"thp", KEY_THP, NULL, 0, "with transparent huge pages", 0},
        {"touch", KEY_TOUCH, "WHAT", 0, "all, or calloc-lazy: not callocs of 128K and more", 0},
        {"verify", KEY_VERIFY, NULL, 0, "check the strategy's invariants after each entry", 0},
        {"plain", KEY_PLAIN, NULL, 0, "strategies search without their index: slow, same places",
         0},
        {"pace", KEY_PACE, "X", 0, "X times the recorded speed (default: as fast as it goes)", 0},
        {"runs", KEY_RUNS, "N", 0, "runs of a foreign malloc (3)", 0},
        {"hang", KEY_HANG, "MS", 0, "a call that takes longer hangs (30000)", 0},
        {"adversary", KEY_ADVERSARY, "NAME", 0,
         "no trace but an attacker that looks at addresses: robson or knuth, with "
         ":live=SIZE:block=SIZE:unit=BYTES",
         0},
        {"contender", KEY_CONTENDER, "FD", OPTION_HIDDEN, NULL, 0},
        {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE",
        .doc = "Replays a recorded run over many allocation strategies and real allocators, under "
               "one accounting, and says which would hold less, and why."
               "\vFILE is a trace of `ashlar record`, malloc-bench, a .rep of the malloc lab, or "
               "heaptrack's; gzip and zstd are unpacked. Exit status: 0, 1 wrong usage, 2 when "
               "nothing could be replayed."};
    if (argc > 1 && strcmp(argv[1], "info") == 0) {
        argv[1] = (char *)"ashlar lab info";
        return ash_cli_lab_info(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "compact") == 0) {
        argv[1] = (char *)"ashlar lab compact";
        return ash_cli_lab_compact(argc - 1, argv + 1);
    }
    static struct lab lab = {.request = {.n_runs = FOREIGN_RUNS, .hang_ms = HANG_MS}};
    argp_parse(&argp, argc, argv, 0, NULL, &lab.request);
    if (lab.request.contender)
        return ash_lab_outside_main(lab.request.contender);
    int status = run(&lab);
    for (size_t i = 0; i < lab.n; i++)
        ash_lab_result_end(&lab.results[i]);
    return status;
}
