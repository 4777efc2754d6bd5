/* paper.c: everything a replay found, as JSON or as a page; see paper.h. */
#include "lab/paper.h"
#include "base/base.h"
#include "base/json.h"
#include "lab/page.h"
#include <stddef.h>
#include <string.h>

static void put(void *arg, const char *text, size_t n)
{
    fwrite(text, 1, n, arg);
}

/* Inside a page a '<' in a name must not end the script. */
static void put_in_page(void *arg, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == '<')
            fputs("\\u003c", arg);
        else
            fputc(text[i], arg);
}

static void number(struct ash_json *json, const char *key, uint64_t x)
{
    ash_json_key(json, key);
    ash_json_u64(json, x);
}

static void text(struct ash_json *json, const char *key, const char *s)
{
    ash_json_key(json, key);
    ash_json_str(json, s);
}

static void truth(struct ash_json *json, const char *key, bool x)
{
    ash_json_key(json, key);
    ash_json_bool(json, x);
}

/* --- the trace --- */

static void put_survey(struct ash_json *json, const struct ash_lab_paper *paper)
{
    const struct ash_lab_survey *survey = paper->survey;
    ash_json_key(json, "trace");
    ash_json_object(json);
    text(json, "file", paper->file);
    text(json, "format", survey->format);
    text(json, "note", survey->note);
    truth(json, "has_clock", survey->has_clock);
    truth(json, "has_sites", survey->has_sites);
    number(json, "threads", survey->n_threads);
    number(json, "cpus", survey->n_cpus);
    number(json, "entries", survey->count.n_entries);
    number(json, "births", survey->count.n_births);
    number(json, "deaths", survey->count.n_deaths);
    number(json, "reallocs", survey->n_reallocs);
    number(json, "aligned", survey->n_aligned);
    number(json, "missed", survey->count.n_missed);
    number(json, "unknown", survey->count.n_unknown);
    number(json, "dropped", survey->n_dropped);
    number(json, "damaged", survey->n_bad);
    number(json, "ns", survey->ns_span);
    number(json, "allocated_bytes", survey->allocated_bytes);
    number(json, "live_max_bytes", survey->live_max_bytes);
    number(json, "live_max_blocks", survey->live_max_blocks);
    number(json, "live_max_entry", survey->live_max_entry);
    number(json, "oracle_max_bytes", survey->oracle_max_bytes);
    number(json, "live_end_bytes", survey->live_end_bytes);
    number(json, "block_max_bytes", survey->block_max_bytes);
    ash_json_key(json, "sizes"); /* [greatest size, births, bytes] */
    ash_json_array(json);
    for (unsigned i = 0; i < ASH_LAB_SIZES; i++) {
        if (survey->sizes[i].n_births == 0)
            continue;
        ash_json_array(json);
        ash_json_u64(json, ash_lab_size_top(i));
        ash_json_u64(json, survey->sizes[i].n_births);
        ash_json_u64(json, survey->sizes[i].bytes);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
    ash_json_key(json, "lifetimes"); /* [births, bytes] by log2 of bytes allocated meanwhile */
    ash_json_array(json);
    for (unsigned i = 0; i < ASH_LAB_LIVES; i++) {
        ash_json_array(json);
        ash_json_u64(json, survey->lives[i].n_births);
        ash_json_u64(json, survey->lives[i].bytes);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
    ash_json_object_end(json);
}

/* --- a contender --- */

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct ash_lab_sample, name)                                               \
    }
static const struct {
    const char *name;
    size_t at;
} fields[] = {
    FIELD(entry),    FIELD(ns),      FIELD(allocated_bytes), FIELD(live),
    FIELD(oracle),   FIELD(mapped),  FIELD(resident),        FIELD(asked),
    FIELD(rounding), FIELD(headers), FIELD(holes),           FIELD(kept),
    FIELD(meta),     FIELD(cached),  FIELD(untouched),       FIELD(free_max),
    FIELD(n_live),
};
#undef FIELD

static uint64_t field_of(const struct ash_lab_sample *sample, size_t i)
{
    uint64_t x;
    memcpy(&x, (const char *)sample + fields[i].at, sizeof(x));
    return x;
}

/* In columns, which is a quarter of the size of objects. */
static void put_samples(struct ash_json *json, const struct ash_lab_result *result)
{
    ash_json_key(json, "samples");
    ash_json_object(json);
    for (size_t i = 0; i < ASH_COUNT_OF(fields); i++) {
        ash_json_key(json, fields[i].name);
        ash_json_array(json);
        for (size_t k = 0; k < result->n_samples; k++)
            ash_json_u64(json, field_of(&result->samples[k], i));
        ash_json_array_end(json);
    }
    ash_json_key(json, "pages");
    ash_json_array(json);
    for (size_t k = 0; k < result->n_samples; k++) {
        ash_json_array(json);
        for (unsigned i = 0; i < ASH_LAB_OCCUPANCIES; i++)
            ash_json_u64(json, result->samples[k].n_pages[i]);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
    ash_json_object_end(json);
}

static void put_figures(struct ash_json *json, const struct ash_lab_figures *figures)
{
    const struct ash_lab_sample *at = &figures->at_peak;
    ash_json_key(json, "figures");
    ash_json_object(json);
    number(json, "peak", figures->peak);
    number(json, "live_peak", figures->live_peak);
    number(json, "average", figures->average);
    number(json, "live_average", figures->live_average);
    number(json, "resident_at_live_peak", figures->resident_at_live_peak);
    number(json, "live_at_peak", figures->live_at_peak);
    number(json, "ratio_average_permille", figures->ratio_average_permille);
    number(json, "end", figures->end);
    number(json, "internal_permille", ash_lab_internal(at));
    number(json, "external_permille", ash_lab_external(at));
    truth(json, "is_out", figures->is_out);
    ash_json_key(json, "at_peak");
    ash_json_object(json);
    for (size_t i = 0; i < ASH_COUNT_OF(fields); i++)
        number(json, fields[i].name, field_of(at, i));
    ash_json_object_end(json);
    ash_json_object_end(json);
}

static void put_counts(struct ash_json *json, const struct ash_lab_end *end)
{
    ash_json_key(json, "counts");
    ash_json_object(json);
    number(json, "entries", end->n_entries);
    number(json, "refused", end->n_refused);
    number(json, "resized", end->n_resized);
    number(json, "copied", end->n_copied);
    number(json, "maps", end->memory.n_map);
    number(json, "unmaps", end->memory.n_unmap);
    number(json, "extends", end->memory.n_extend);
    number(json, "purges", end->memory.n_purge);
    number(json, "maps_refused", end->memory.n_refused);
    number(json, "mapped_peak", end->memory.mapped_peak_bytes);
    number(json, "steps", end->memory.n_steps);
    number(json, "locked", end->memory.n_locked);
    number(json, "waited", end->memory.n_waited);
    number(json, "births_in_windows", end->n_spreads * 1000);
    number(json, "lines_touched", end->lines_touched);
    number(json, "pages_touched", end->pages_touched);
    ash_json_object_end(json);
    ash_json_key(json, "sizes"); /* [greatest size, births, asked, usable] */
    ash_json_array(json);
    for (unsigned i = 0; i < ASH_LAB_SIZES; i++) {
        if (end->sizes[i].n == 0)
            continue;
        ash_json_array(json);
        ash_json_u64(json, ash_lab_size_top(i));
        ash_json_u64(json, end->sizes[i].n);
        ash_json_u64(json, end->sizes[i].asked);
        ash_json_u64(json, end->sizes[i].usable);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
}

static void put_pins(struct ash_json *json, const struct ash_lab_pins *pins)
{
    ash_json_key(json, "pins");
    ash_json_object(json);
    truth(json, "by_site", pins->by_site);
    number(json, "entry", pins->entry);
    number(json, "pages", pins->n_pages);
    ash_json_key(json, "rows"); /* [stack or greatest size, blocks, live bytes, held bytes] */
    ash_json_array(json);
    for (unsigned i = 0; i < 40 && pins->pins[i].held_bytes > 0; i++) {
        const struct ash_lab_pin *pin = &pins->pins[i];
        ash_json_array(json);
        ash_json_u64(json, pin->key ? pin->key - 1 : 0);
        ash_json_u64(json, pin->n_blocks);
        ash_json_u64(json, pin->live_bytes);
        ash_json_u64(json, pin->held_bytes);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
    ash_json_object_end(json);
}

/* --- what only plots need --- */

static unsigned in_256ths(uint64_t part, uint64_t whole)
{
    return part >= whole ? 255 : (unsigned)(part * 255 / whole);
}

/* A row as hex digits, two for each column. */
static void put_row(struct ash_json *json, const uint64_t *cells, uint32_t n, uint64_t whole)
{
    char hex[2 * ASH_LAB_COLUMNS + 1];
    for (uint32_t i = 0; i < n; i++) {
        unsigned x = in_256ths(cells[i], whole);
        if (x == 0 && cells[i] > 0)
            x = 1;
        hex[2 * i] = "0123456789abcdef"[x >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[x & 15];
    }
    hex[2 * n] = 0;
    ash_json_str(json, hex);
}

static unsigned rows_used(const struct ash_lab_zone *zone, uint32_t n_columns)
{
    for (unsigned row = ASH_LAB_ROWS; row-- > 0;)
        for (uint32_t i = 0; i < n_columns; i++)
            if (zone->live[row][i] || zone->resident[row][i])
                return row + 1;
    return 0;
}

static void put_picture(struct ash_json *json, const struct ash_lab_picture *picture)
{
    ash_json_key(json, "picture");
    ash_json_object(json);
    ash_json_key(json, "entries");
    ash_json_array(json);
    for (uint32_t i = 0; i < picture->n_columns; i++)
        ash_json_u64(json, picture->entries[i]);
    ash_json_array_end(json);
    ash_json_key(json, "zones");
    ash_json_array(json);
    for (uint32_t z = 0; z < picture->n_zones; z++) {
        const struct ash_lab_zone *zone = &picture->zones[z];
        unsigned n_rows = rows_used(zone, picture->n_columns);
        ash_json_object(json);
        number(json, "base", zone->base);
        number(json, "row_bytes", zone->row_bytes);
        ash_json_key(json, "live");
        ash_json_array(json);
        for (unsigned row = 0; row < n_rows; row++)
            put_row(json, zone->live[row], picture->n_columns, zone->row_bytes);
        ash_json_array_end(json);
        ash_json_key(json, "resident");
        ash_json_array(json);
        for (unsigned row = 0; row < n_rows; row++)
            put_row(json, zone->resident[row], picture->n_columns, zone->row_bytes);
        ash_json_array_end(json);
        ash_json_object_end(json);
    }
    ash_json_array_end(json);
    ash_json_object_end(json);
}

static void put_lives(struct ash_json *json, const struct ash_lab_result *result)
{
    ash_json_key(json, "lives"); /* [addr, size, born, died or 0, number, stack, thread] */
    ash_json_array(json);
    for (size_t i = 0; i < result->n_rects; i++) {
        const struct ash_lab_rect *rect = &result->rects[i];
        const uint64_t cells[] = {rect->addr,   rect->size,  rect->born,  rect->died,
                                  rect->number, rect->stack, rect->thread};
        ash_json_array(json);
        for (size_t k = 0; k < ASH_COUNT_OF(cells); k++)
            ash_json_u64(json, cells[k]);
        ash_json_array_end(json);
    }
    ash_json_array_end(json);
}

static void put_step(struct ash_json *json, const struct ash_lab_step_kept *step)
{
    const struct ash_lab_entry *entry = &step->head.entry;
    ash_json_object(json);
    number(json, "op", entry->op);
    number(json, "thread", entry->thread);
    number(json, "number", entry->number);
    number(json, "size", entry->size);
    number(json, "align", entry->align);
    number(json, "addr", step->head.addr);
    text(json, "why", step->words);
    ash_json_key(json, "runs"); /* addr, size, kind; addr, size, kind; … */
    ash_json_array(json);
    for (uint32_t i = 0; i < step->head.n_runs; i++) {
        ash_json_u64(json, step->runs[i].addr);
        ash_json_u64(json, step->runs[i].size_kind >> 8);
        ash_json_u64(json, step->runs[i].size_kind & 255);
    }
    ash_json_array_end(json);
    ash_json_object_end(json);
}

static void put_plots(struct ash_json *json, const struct ash_lab_result *result)
{
    if (result->picture)
        put_picture(json, result->picture);
    if (result->n_rects > 0)
        put_lives(json, result);
    if (result->n_steps == 0)
        return;
    ash_json_key(json, "steps");
    ash_json_array(json);
    for (size_t i = 0; i < result->n_steps; i++)
        put_step(json, &result->steps[i]);
    ash_json_array_end(json);
}

/* --- all of it --- */

static void put_contender(struct ash_json *json, const struct ash_lab_paper *paper, size_t i,
                          bool with_plots)
{
    const struct ash_lab_result *result = &paper->results[i];
    ash_json_object(json);
    text(json, "name", result->contender->label);
    text(json, "about", result->hello.about);
    truth(json, "is_foreign", paper->figures[i].is_foreign);
    truth(json, "is_model", paper->figures[i].is_model);
    truth(json, "is_base", i == paper->base);
    number(json, "bound", result->hello.bound);
    number(json, "spread", result->spread_bytes);
    number(json, "runs", result->n_runs);
    if (result->fault.kind != ASH_LAB_FAULT_NONE) {
        ash_json_key(json, "fault");
        ash_json_object(json);
        number(json, "kind", result->fault.kind);
        number(json, "entry", result->fault.entry);
        text(json, "words", result->fault.words);
        ash_json_object_end(json);
    }
    put_figures(json, &paper->figures[i]);
    put_counts(json, &result->end);
    if (result->pins)
        put_pins(json, result->pins);
    put_samples(json, result);
    if (with_plots)
        put_plots(json, result);
    ash_json_object_end(json);
}

static void put_order(struct ash_json *json, const struct ash_lab_order *order)
{
    ash_json_key(json, "options");
    ash_json_object(json);
    number(json, "every", order->every);
    number(json, "limit", order->limit_bytes);
    number(json, "seed", order->seed);
    number(json, "pace_permille", (uint64_t)(order->pace * 1000));
    truth(json, "thp", order->huge_pages);
    truth(json, "calloc_lazy", order->lazy_calloc);
    truth(json, "plain", order->plain);
    ash_json_object_end(json);
}

static void put_all(struct ash_json *json, const struct ash_lab_paper *paper, bool with_plots)
{
    ash_json_object(json);
    text(json, "format", "ashlar-lab 1");
    put_survey(json, paper);
    put_order(json, &paper->plan->order);
    ash_json_key(json, "contenders");
    ash_json_array(json);
    for (size_t i = 0; i < paper->n; i++)
        put_contender(json, paper, i, with_plots);
    ash_json_array_end(json);
    ash_json_key(json, "sites"); /* stacks of the base's pins */
    ash_json_array(json);
    for (size_t i = 0; i < paper->n_sites; i++) {
        ash_json_object(json);
        number(json, "stack", paper->sites[i].stack);
        text(json, "text", paper->sites[i].text);
        ash_json_object_end(json);
    }
    ash_json_array_end(json);
    ash_json_key(json, "verdict");
    ash_json_object(json);
    text(json, "rule", paper->verdict->rule ? paper->verdict->rule : "");
    text(json, "base", paper->results[paper->base].contender->label);
    text(json, "best", paper->results[paper->verdict->best].contender->label);
    text(json, "best_average", paper->results[paper->verdict->best_average].contender->label);
    ash_json_key(json, "lines");
    ash_json_array(json);
    for (unsigned i = 0; i < paper->verdict->n_lines; i++)
        ash_json_str(json, paper->verdict->lines[i]);
    ash_json_array_end(json);
    ash_json_object_end(json);
    ash_json_object_end(json);
}

void ash_lab_paper_json(const struct ash_lab_paper *paper, bool with_plots, FILE *out)
{
    struct ash_json json;
    ash_json_init(&json, put, out);
    put_all(&json, paper, with_plots);
    fputc('\n', out);
}

static const char marker[] = "@RESULTS@";

bool ash_lab_paper_has_page(void)
{
    return (uintptr_t)ash_lab_page_end > (uintptr_t)ash_lab_page;
}

void ash_lab_paper_html(const struct ash_lab_paper *paper, FILE *out)
{
    struct ash_json json;
    const char *at = strstr(ash_lab_page, marker);
    if (!at)
        return;
    fwrite(ash_lab_page, 1, (size_t)(at - ash_lab_page), out);
    ash_json_init(&json, put_in_page, out);
    put_all(&json, paper, true);
    fputs(at + strlen(marker), out);
}
