/* stat.c: the table of statistics and its three forms; see stat.h. */
#include "wire/stat.h"
#include "base/json.h"
#include "base/print.h"

#define BYTES true
#define COUNT false
#define COUNTER true
#define GAUGE false
const struct ash_stat ash_stat_table[ASH_STAT_N] = {
#define X(name, unit, kind, help) {#name, help, unit, kind},
    ASH_STATS(X)
#undef X
};
#undef BYTES
#undef COUNT
#undef COUNTER
#undef GAUGE

static uint64_t value_at(const struct ash_stat_values *values, size_t i)
{
    return ((const uint64_t *)values)[i];
}

static void put(struct ash_line *line, ash_stat_sink *sink, void *arg)
{
    ash_line_char(line, '\n');
    sink(arg, line->text, line->len);
    ash_line_init(line);
}

static void pad(struct ash_line *line, size_t column)
{
    while (line->len < column)
        ash_line_char(line, ' ');
}

static void write_text(const struct ash_stat_source *source, const struct ash_stat_values *values,
                       ash_stat_sink *sink, void *arg)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "Ashlar %s, pid %u, %s", source->version, source->pid, source->command);
    put(&line, sink, arg);
    for (size_t i = 0; i < ASH_STAT_N; i++) {
        const struct ash_stat *row = &ash_stat_table[i];
        ash_line_fmt(&line, "  %s", row->name);
        pad(&line, 24);
        if (row->is_bytes)
            ash_line_bytes(&line, value_at(values, i));
        else
            ash_line_u64(&line, value_at(values, i));
        pad(&line, 40);
        ash_line_str(&line, row->help);
        put(&line, sink, arg);
    }
}

static void write_json(const struct ash_stat_source *source, const struct ash_stat_values *values,
                       ash_stat_sink *sink, void *arg)
{
    struct ash_json json;
    ash_json_init(&json, sink, arg);
    ash_json_object(&json);
    ash_json_key(&json, "schema");
    ash_json_u64(&json, 1);
    ash_json_key(&json, "version");
    ash_json_str(&json, source->version);
    ash_json_key(&json, "pid");
    ash_json_u64(&json, source->pid);
    ash_json_key(&json, "command");
    ash_json_str(&json, source->command);
    ash_json_key(&json, "stats");
    ash_json_object(&json);
    for (size_t i = 0; i < ASH_STAT_N; i++) {
        ash_json_key(&json, ash_stat_table[i].name);
        ash_json_u64(&json, value_at(values, i));
    }
    ash_json_object_end(&json);
    ash_json_object_end(&json);
    sink(arg, "\n", 1);
}

static void write_prometheus(const struct ash_stat_source *source,
                             const struct ash_stat_values *values, ash_stat_sink *sink, void *arg)
{
    struct ash_line line;
    ash_line_init(&line);
    for (size_t i = 0; i < ASH_STAT_N; i++) {
        const struct ash_stat *row = &ash_stat_table[i];
        ash_line_fmt(&line, "# HELP ashlar_%s %s", row->name, row->help);
        put(&line, sink, arg);
        ash_line_fmt(&line, "# TYPE ashlar_%s %s", row->name,
                     row->is_counter ? "counter" : "gauge");
        put(&line, sink, arg);
        ash_line_fmt(&line, "ashlar_%s{pid=\"%u\"} ", row->name, source->pid);
        ash_line_u64(&line, value_at(values, i));
        put(&line, sink, arg);
    }
}

void ash_stat_write(enum ash_stat_form form, const struct ash_stat_source *source,
                    const struct ash_stat_values *values, ash_stat_sink *sink, void *arg)
{
    switch (form) {
    case ASH_STAT_TEXT:
        write_text(source, values, sink, arg);
        return;
    case ASH_STAT_JSON:
        write_json(source, values, sink, arg);
        return;
    case ASH_STAT_PROMETHEUS:
        write_prometheus(source, values, sink, arg);
        return;
    }
}
