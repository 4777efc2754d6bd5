/* table.h: a table on a terminal or in a file, laid out by libsmartcols.
 *
 * Columns are as wide as their cells; on a terminal a CUT column gives way when the line is too
 * long. No colour, no escape sequence. A failure for want of memory is kept and told by print.
 */
#ifndef ASH_VIEW_TABLE_H
#define ASH_VIEW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ash_align { ASH_ALIGN_LEFT, ASH_ALIGN_RIGHT, ASH_ALIGN_CUT };

struct ash_column {
    const char *name;
    enum ash_align align;
};

struct ash_table;

/* NULL: no memory. */
struct ash_table *ash_table_new(const struct ash_column *columns, size_t column_n);
/* Adds a row of column_n texts, which are copied; NULL is an empty cell. */
void ash_table_add(struct ash_table *table, const char *const *cells);
size_t ash_table_rows(const struct ash_table *table);
/* false: some row or cell is missing. Writing to `out` is the caller's to check. */
bool ash_table_print(struct ash_table *table, FILE *out);
void ash_table_free(struct ash_table *table);

#endif
