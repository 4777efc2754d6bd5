/* import_bench.c: traces of malloc-bench: one protobuf message, usually in gzip.
 *
 *   Tracefile { repeated TraceLine lines = 1; uint64 max_simultaneous_allocs = 2 }
 *   TraceLine { malloc = 1 | free = 2 | realloc = 3 | calloc = 4 }
 *   malloc { result 1, size 2, align 3 }    free { id 1, size hint 2, align hint 3 }
 *   realloc { result 1, id 2, size 3 }      calloc { result 1, nmemb 2, size 3 }
 *
 * All numbers are optional varints. A free without id is free(NULL), a realloc without id a malloc;
 * size 0 may have no result. Unknown fields are passed over, as protobuf wants it.
 */
#include "lab/source.h"
#include <stdio.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { LINE_BYTES_MAX = 4096, FIELD_MAX = 3 };

/* A line's bytes and where reading is. */
struct cursor {
    const uint8_t *at, *end;
};

struct line {
    unsigned kind; /* 1 … 4, 0: none */
    bool has[FIELD_MAX + 1];
    uint64_t field[FIELD_MAX + 1];
};

static bool take_varint(struct cursor *cursor, uint64_t *ret_x)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 70 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        if (shift < 64)
            x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret_x = x;
            return true;
        }
    }
    return false;
}

static bool skip_field(struct cursor *cursor, unsigned type)
{
    uint64_t n = 0;
    if (type == VARINT)
        return take_varint(cursor, &n);
    if (type == BYTES && !take_varint(cursor, &n))
        return false;
    n = type == FIXED64 ? 8 : type == FIXED32 ? 4 : n;
    if ((type != BYTES && type != FIXED64 && type != FIXED32) ||
        n > (uint64_t)(cursor->end - cursor->at))
        return false;
    cursor->at += n;
    return true;
}

static bool take_call(struct cursor *cursor, struct line *line)
{
    uint64_t n = 0, key = 0;
    if (!take_varint(cursor, &n) || n > (uint64_t)(cursor->end - cursor->at))
        return false;
    struct cursor inner = {cursor->at, cursor->at + n};
    cursor->at += n;
    while (inner.at < inner.end) {
        if (!take_varint(&inner, &key))
            return false;
        uint64_t field = key >> 3;
        if ((key & 7) != VARINT || field < 1 || field > FIELD_MAX) {
            if (!skip_field(&inner, key & 7))
                return false;
            continue;
        }
        if (!take_varint(&inner, &line->field[field]))
            return false;
        line->has[field] = true;
    }
    return true;
}

static bool take_line(const uint8_t *at, size_t n, struct line *ret_line)
{
    struct cursor cursor = {at, at + n};
    *ret_line = (struct line){0};
    while (cursor.at < cursor.end) {
        uint64_t key;
        if (!take_varint(&cursor, &key))
            return false;
        if ((key & 7) == BYTES && key >> 3 >= 1 && key >> 3 <= 4) {
            *ret_line = (struct line){.kind = (unsigned)(key >> 3)}; /* the last one counts */
            if (!take_call(&cursor, ret_line))
                return false;
        } else if (!skip_field(&cursor, key & 7)) {
            return false;
        }
    }
    return true;
}

/* false: the line changes nothing. */
static bool to_entry(const struct line *line, struct ash_lab_entry *ret_entry)
{
    const uint64_t *field = line->field;
    *ret_entry = (struct ash_lab_entry){.id = field[1], .align = 16};
    switch (line->kind) {
    case 1:
        ret_entry->op = line->has[3] && field[3] > 16 ? ASH_LAB_OP_ALIGNED : ASH_LAB_OP_MALLOC;
        ret_entry->size = field[2];
        ret_entry->align = field[3] > 16 ? field[3] : 16;
        return line->has[1];
    case 2:
        ret_entry->op = ASH_LAB_OP_FREE;
        return line->has[1];
    case 3:
        ret_entry->op = line->has[2] ? ASH_LAB_OP_REALLOC : ASH_LAB_OP_MALLOC;
        ret_entry->old = field[2];
        ret_entry->size = field[3];
        if (!line->has[1] && line->has[2] && field[3] == 0) {
            ret_entry->op = ASH_LAB_OP_FREE;
            ret_entry->id = field[2];
            return true;
        }
        return line->has[1];
    case 4:
        ret_entry->op = ASH_LAB_OP_CALLOC;
        if (__builtin_mul_overflow(field[2], field[3], &ret_entry->size))
            return false; /* it was refused */
        return line->has[1];
    default:
        return false;
    }
}

/* Takes a varint from the file. */
static int next_varint(struct ash_lab_source *source, uint64_t *ret_x)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        int byte = ash_lab_input_byte(source->input);
        if (byte < 0)
            return shift == 0 ? 0 : -1;
        if (shift < 64)
            x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret_x = x;
            return 1;
        }
    }
    return -1;
}

static int cut(struct ash_lab_source *source)
{
    const char *why = ash_lab_input_failed(source->input);
    return ash_lab_source_fail(source, "%s (byte %llu of the protobuf message)",
                               why ? why : "it ends or breaks inside a field",
                               (unsigned long long)ash_lab_input_at(source->input));
}

/* Takes the next field of the message: 1 a line's bytes, 0 the end, 2 something else, -1. */
static int next_field(struct ash_lab_source *source, uint8_t *buffer, size_t *ret_n)
{
    uint64_t key = 0, n = 0;
    int got = next_varint(source, &key);
    if (got <= 0)
        return got == 0 && !ash_lab_input_failed(source->input) ? 0 : cut(source);
    unsigned type = key & 7;
    if (type == VARINT || type == BYTES) {
        if (next_varint(source, &n) != 1)
            return cut(source);
    } else if (type == FIXED64 || type == FIXED32) {
        n = type == FIXED64 ? 8 : 4;
    } else {
        return cut(source);
    }
    if (type == VARINT)
        return 2;
    bool is_line = key >> 3 == 1 && type == BYTES;
    if (is_line && n > LINE_BYTES_MAX)
        return cut(source);
    if (ash_lab_input_read(source->input, is_line ? buffer : NULL, (size_t)n) != n)
        return cut(source);
    *ret_n = (size_t)n;
    return is_line ? 1 : 2;
}

static int next(struct ash_lab_source *source, struct ash_lab_entry *ret_entry)
{
    uint8_t buffer[LINE_BYTES_MAX];
    size_t n = 0;
    for (;;) {
        int got = next_field(source, buffer, &n);
        if (got <= 0)
            return got;
        struct line line;
        if (got == 2)
            continue;
        if (!take_line(buffer, n, &line))
            return cut(source);
        if (to_entry(&line, ret_entry))
            return 1;
    }
}

bool ash_lab_import_bench(struct ash_lab_source *source)
{
    const uint8_t *at;
    size_t n = ash_lab_input_peek(source->input, &at, 16);
    bool counts_first = n >= 2 && at[0] == 0x10;
    bool line_first = n >= 3 && at[0] == 0x0a && at[1] >= 2 && at[1] < 128 &&
                      (at[2] == 0x0a || at[2] == 0x12 || at[2] == 0x1a || at[2] == 0x22);
    if (!counts_first && !line_first)
        return false;
    source->format = "malloc-bench";
    source->next = next;
    return true;
}
