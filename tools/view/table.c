/* table.c: tables by libsmartcols; see table.h. */
#include "view/table.h"
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>

struct ash_table {
    struct libscols_table *table;
    size_t column_n, row_n;
    bool failed;
};

static int flags_of(enum ash_align align)
{
    return align == ASH_ALIGN_RIGHT ? SCOLS_FL_RIGHT : align == ASH_ALIGN_CUT ? SCOLS_FL_TRUNC : 0;
}

struct ash_table *ash_table_new(const struct ash_column *columns, size_t column_n)
{
    struct ash_table *table = calloc(1, sizeof(*table));
    if (!table)
        return NULL;
    table->table = scols_new_table();
    table->column_n = column_n;
    bool ok = table->table != NULL;
    for (size_t i = 0; ok && i < column_n; i++)
        ok = scols_table_new_column(table->table, columns[i].name, 0, flags_of(columns[i].align));
    if (ok)
        return table;
    ash_table_free(table);
    return NULL;
}

void ash_table_add(struct ash_table *table, const char *const *cells)
{
    struct libscols_line *line = scols_table_new_line(table->table, NULL);
    if (!line) {
        table->failed = true;
        return;
    }
    table->row_n++;
    for (size_t i = 0; i < table->column_n; i++)
        if (cells[i] && scols_line_set_data(line, i, cells[i]) != 0)
            table->failed = true;
}

size_t ash_table_rows(const struct ash_table *table)
{
    return table->row_n;
}

bool ash_table_print(struct ash_table *table, FILE *out)
{
    scols_table_set_stream(table->table, out);
    return scols_print_table(table->table) == 0 && !table->failed;
}

void ash_table_free(struct ash_table *table)
{
    if (!table)
        return;
    scols_unref_table(table->table);
    free(table);
}
