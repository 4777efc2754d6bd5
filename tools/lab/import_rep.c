/* import_rep.c: traces of the CMU malloc lab (.rep): text, numbers first, then operations.
 *
 *     20000          weight or size of the heap      ┐
 *     1200           ids                             │ or ids and operations only
 *     4800           operations                      │
 *     1              weight                          ┘
 *     a 0 512        block 0 is born with 512 bytes
 *     r 0 640        and grows
 *     f 0            and dies; -1 is NULL
 */
#include "lab/source.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 4, LINE_MAX_BYTES = 256 };

struct rep {
    uint64_t header[HEADER_MAX];
    unsigned n_header;
    uint64_t line, operations;
};

static bool take_number(const char **at, uint64_t *ret_x)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
    if (!isdigit((unsigned char)**at))
        return false;
    char *end;
    errno = 0;
    *ret_x = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

static bool is_blank(const char *at)
{
    return at[strspn(at, " \t")] == 0;
}

static int bad_line(struct ash_lab_source *source, const char *text)
{
    struct rep *rep = source->state;
    return ash_lab_source_fail(source, "line %llu is no operation of a .rep file: '%.40s'",
                               (unsigned long long)rep->line, text);
}

/* The counts are the middle two of four or the last two; they only serve as a check. */
static int finish(struct ash_lab_source *source)
{
    struct rep *rep = source->state;
    if (ash_lab_input_failed(source->input))
        return ash_lab_source_fail(source, "%s", ash_lab_input_failed(source->input));
    for (unsigned i = 0; i < rep->n_header; i++)
        if (rep->header[i] == rep->operations)
            return 0;
    return ash_lab_source_fail(source, "it ends after %llu operations, which is none of its counts",
                               (unsigned long long)rep->operations);
}

/* 1 an entry, 0 it changes nothing, -1 a bad line. */
static int parse(struct ash_lab_source *source, const char *text, struct ash_lab_entry *ret_entry)
{
    const char *at = text + 1;
    uint64_t id, size = 0;
    bool is_null = false;
    if (text[0] == 'f' && strncmp(at + strspn(at, " \t"), "-1", 2) == 0) {
        at += strspn(at, " \t") + 2;
        is_null = true;
    } else if (!take_number(&at, &id)) {
        return bad_line(source, text);
    }
    if (text[0] != 'f' && !take_number(&at, &size))
        return bad_line(source, text);
    if (!is_blank(at))
        return bad_line(source, text);
    if (is_null)
        return 0;
    *ret_entry = (struct ash_lab_entry){.id = id, .old = id, .size = size, .align = 16};
    ret_entry->op = text[0] == 'a'   ? ASH_LAB_OP_MALLOC
                    : text[0] == 'r' ? ASH_LAB_OP_REALLOC
                                     : ASH_LAB_OP_FREE;
    return 1;
}

static int next(struct ash_lab_source *source, struct ash_lab_entry *ret_entry)
{
    struct rep *rep = source->state;
    char text[LINE_MAX_BYTES];
    while (ash_lab_input_line(source->input, text, sizeof(text)) >= 0) {
        rep->line++;
        const char *at = text + strspn(text, " \t");
        if (*at == 0 || *at == '#')
            continue;
        if (*at == 'a' || *at == 'r' || *at == 'f') {
            rep->operations++;
            int got = parse(source, at, ret_entry);
            if (got != 0)
                return got;
            continue;
        }
        uint64_t x;
        if (rep->operations > 0 || rep->n_header == HEADER_MAX || !take_number(&at, &x) ||
            !is_blank(at))
            return bad_line(source, text);
        rep->header[rep->n_header++] = x;
    }
    return finish(source);
}

static void finalise(struct ash_lab_source *source)
{
    free(source->state);
}

bool ash_lab_import_rep(struct ash_lab_source *source)
{
    const uint8_t *at;
    size_t n = ash_lab_input_peek(source->input, &at, 1024), i = 0;
    n = n < 1024 ? n : 1024;
    while (i < n && (isdigit(at[i]) || isspace(at[i])))
        i++;
    bool has_operation = i + 1 < n && strchr("arf", at[i]) && at[i] && at[i + 1] == ' ';
    bool is_empty = i == n && n > 0 && n < 1024 && isdigit(at[0]);
    if (i == 0 || (!has_operation && !is_empty))
        return false;
    source->state = calloc(1, sizeof(struct rep));
    if (!source->state)
        return false;
    source->format = "malloc lab (.rep)";
    source->next = next;
    source->close = finalise;
    return true;
}
