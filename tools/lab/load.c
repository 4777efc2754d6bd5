/* load.c: pairs deaths with births and names blocks by slot and number; see load.h. */
#include "lab/load.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_SHIFT_MAX = 47, ALIGN_SHIFT_MAX = 40 };

/* A row of the live table, open addressing by the file's name of the block. */
struct row {
    uint64_t id, number; /* number 0: the row is empty */
    uint32_t slot;
};

struct ash_lab_load {
    struct ash_lab_source source;
    struct ash_lab_load_count count;
    struct row *rows;
    size_t n_rows, n_live; /* n_rows: a power of two */
    uint32_t *spare;       /* freed slots, last one on top; room for n_rows */
    uint32_t n_spare;
    bool has_pending; /* comes after a death that was missed */
    struct ash_lab_entry pending;
    char error[ASH_LAB_ERROR_MAX];
};

int ash_lab_source_fail(struct ash_lab_source *source, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(source->error, sizeof(source->error), format, list);
    va_end(list);
    return -1;
}

static size_t home(const struct ash_lab_load *load, uint64_t id)
{
    uint64_t x = id * 0x9e3779b97f4a7c15u;
    return (size_t)(x ^ x >> 32) & (load->n_rows - 1);
}

/* The block's row, or the empty one where it would be. */
static struct row *find(const struct ash_lab_load *load, uint64_t id)
{
    size_t i = home(load, id);
    while (load->rows[i].number && load->rows[i].id != id)
        i = (i + 1) & (load->n_rows - 1);
    return &load->rows[i];
}

static bool grow(struct ash_lab_load *load)
{
    size_t n_old = load->n_rows, n = n_old ? 2 * n_old : 1024;
    struct row *old = load->rows, *rows = calloc(n, sizeof(*rows));
    uint32_t *spare = n >> 32 ? NULL : realloc(load->spare, n * sizeof(*spare));
    if (spare)
        load->spare = spare;
    if (!rows || !spare) {
        free(rows);
        return false;
    }
    load->rows = rows;
    load->n_rows = n;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].number)
            *find(load, old[i].id) = old[i];
    free(old);
    return true;
}

static bool put(struct ash_lab_load *load, uint64_t id, uint64_t number, uint32_t slot)
{
    if (2 * (load->n_live + 1) > load->n_rows && !grow(load)) {
        snprintf(load->error, sizeof(load->error), "no memory for %zu live blocks", load->n_live);
        return false;
    }
    *find(load, id) = (struct row){id, number, slot};
    load->n_live++;
    return true;
}

/* Empties the row; rows behind it that could not lie at home move up. */
static void take_out(struct ash_lab_load *load, struct row *row)
{
    size_t mask = load->n_rows - 1, gap = (size_t)(row - load->rows), i = gap;
    load->n_live--;
    for (;;) {
        i = (i + 1) & mask;
        if (!load->rows[i].number)
            break;
        size_t want = home(load, load->rows[i].id);
        if (((i - want) & mask) >= ((i - gap) & mask)) {
            load->rows[gap] = load->rows[i];
            gap = i;
        }
    }
    load->rows[gap].number = 0;
}

static int give_birth(struct ash_lab_load *load, struct ash_lab_entry *entry)
{
    bool is_reused = load->n_spare > 0;
    entry->slot = is_reused ? load->spare[load->n_spare - 1] : load->count.n_slots;
    entry->number = load->count.n_births + 1;
    if (!put(load, entry->id, entry->number, entry->slot))
        return -1;
    load->n_spare -= is_reused;
    load->count.n_slots += !is_reused;
    load->count.n_births++;
    return 1;
}

static int end_life(struct ash_lab_load *load, struct ash_lab_entry *entry, struct row *row)
{
    entry->slot = row->slot;
    entry->number = row->number;
    load->spare[load->n_spare++] = row->slot; /* live and spare slots together are in use once */
    load->count.n_deaths++;
    take_out(load, row);
    return 1;
}

/* 1: hand it out, 0: it is nothing, -1. */
static int pair(struct ash_lab_load *load, struct ash_lab_entry *entry)
{
    if (entry->op == ASH_LAB_OP_CAME || entry->op == ASH_LAB_OP_WENT)
        return 1;
    if (entry->op == ASH_LAB_OP_FREE) {
        struct row *row = find(load, entry->id);
        if (row->number)
            return end_life(load, entry, row);
        load->count.n_unknown++;
        return 0;
    }
    struct row *old = entry->op == ASH_LAB_OP_REALLOC ? find(load, entry->old) : NULL;
    if (old && !old->number) {
        load->count.n_unknown += 1;
        entry->op = ASH_LAB_OP_MALLOC;
        old = NULL;
    }
    struct row *same = find(load, entry->id);
    if (same->number && same != old) { /* whoever had the name must have died before */
        load->count.n_missed++;
        load->pending = *entry;
        load->has_pending = true;
        *entry = (struct ash_lab_entry){
            .op = ASH_LAB_OP_FREE, .thread = entry->thread, .ns = entry->ns, .id = entry->id};
        return end_life(load, entry, same);
    }
    if (!old)
        return give_birth(load, entry);
    struct row kept = *old;
    entry->slot = kept.slot;
    entry->number = kept.number;
    take_out(load, old);
    return put(load, entry->id, kept.number, kept.slot) ? 1 : -1;
}

static bool is_possible(struct ash_lab_load *load, struct ash_lab_entry *entry)
{
    if (entry->op == ASH_LAB_OP_FREE || entry->op >= ASH_LAB_OP_CAME)
        return true;
    if (entry->align < 16)
        entry->align = 16;
    if (entry->size >> SIZE_SHIFT_MAX == 0 && entry->align >> ALIGN_SHIFT_MAX == 0 &&
        (entry->align & (entry->align - 1)) == 0)
        return true;
    snprintf(load->error, sizeof(load->error), "entry %llu asks for %llu bytes aligned to %llu",
             (unsigned long long)load->count.n_entries + 1, (unsigned long long)entry->size,
             (unsigned long long)entry->align);
    return false;
}

int ash_lab_load_next(struct ash_lab_load *load, struct ash_lab_entry *ret_entry)
{
    for (;;) {
        int got = 1;
        if (load->error[0])
            return -1;
        if (load->has_pending) {
            *ret_entry = load->pending;
            load->has_pending = false;
        } else {
            got = load->source.next(&load->source, ret_entry);
            if (got < 0)
                snprintf(load->error, sizeof(load->error), "%s", load->source.error);
        }
        if (got <= 0)
            return got;
        if (!is_possible(load, ret_entry))
            return -1;
        got = pair(load, ret_entry);
        if (got < 0)
            return -1;
        if (got == 0)
            continue;
        load->count.n_entries++;
        if (!load->source.has_clock)
            ret_entry->ns = load->count.n_entries;
        return 1;
    }
}

static const struct {
    bool (*open)(struct ash_lab_source *source);
} formats[] = {
    {ash_lab_import_trace},
    {ash_lab_import_bench},
    {ash_lab_import_heaptrack},
    {ash_lab_import_rep},
};

struct ash_lab_load *ash_lab_load_open(const char *path, char ret_error[ASH_LAB_ERROR_MAX])
{
    struct ash_lab_input *input = ash_lab_input_open(path, ret_error);
    if (!input)
        return NULL;
    struct ash_lab_load *load = calloc(1, sizeof(*load));
    if (!load || !grow(load)) {
        snprintf(ret_error, ASH_LAB_ERROR_MAX, "no memory");
        ash_lab_input_close(input);
        free(load);
        return NULL;
    }
    load->source.input = input;
    load->source.path = path;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!formats[i].open(&load->source))
            continue;
        if (load->source.error[0] == 0)
            return load;
        snprintf(ret_error, ASH_LAB_ERROR_MAX, "%s", load->source.error);
        ash_lab_load_close(load);
        return NULL;
    }
    const uint8_t *at;
    snprintf(ret_error, ASH_LAB_ERROR_MAX, "%s",
             ash_lab_input_peek(input, &at, 1) == 0
                 ? "it is empty"
                 : "it is no trace that is known here (.ashtrace, malloc-bench, .rep, heaptrack)");
    ash_lab_load_close(load);
    return NULL;
}

const struct ash_lab_source *ash_lab_load_source(const struct ash_lab_load *load)
{
    return &load->source;
}

const struct ash_lab_load_count *ash_lab_load_count(const struct ash_lab_load *load)
{
    return &load->count;
}

const char *ash_lab_load_error(const struct ash_lab_load *load)
{
    return load->error;
}

void ash_lab_load_close(struct ash_lab_load *load)
{
    if (!load)
        return;
    if (load->source.close)
        load->source.close(&load->source);
    ash_lab_input_close(load->source.input);
    free(load->rows);
    free(load->spare);
    free(load);
}
