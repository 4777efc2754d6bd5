/* import_heaptrack.c: heaptrack's text, as recorded (--raw) or interpreted; numbers are hex.
 *
 *     v 10400 3            version            c 1a            ms since the start
 *     raw           + size stack address      - address
 *     interpreted   a size stack              a kind of block, numbered from 0
 *                   + kind                    - kind
 *
 * Interpreted files no longer say which of the equal blocks of one stack died: the youngest is
 * taken. A realloc is a death and a birth there; nothing says which.
 */
#include "lab/source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, KINDS_MAX = 1 << 26 };

struct kind {
    uint64_t size;
    uint32_t stack, n_live;
};

struct heaptrack {
    uint64_t line, ns;
    struct kind *kinds;
    size_t n_kinds, room;
};

/* Takes up to `most` hex numbers; returns how many, -1 when there is something else. */
static int take_numbers(const char *at, uint64_t *ret_x, int most)
{
    int n = 0;
    while (n < most) {
        at += strspn(at, " ");
        if (*at == 0)
            return n;
        char *end;
        ret_x[n] = strtoull(at, &end, 16);
        if (end == at || (*end && *end != ' '))
            return -1;
        at = end;
        n++;
    }
    return n;
}

static bool add_kind(struct heaptrack *file, uint64_t size, uint64_t stack)
{
    if (file->n_kinds == file->room) {
        size_t room = file->room ? 2 * file->room : 1024;
        struct kind *more = room > KINDS_MAX ? NULL : realloc(file->kinds, room * sizeof(*more));
        if (!more)
            return false;
        file->kinds = more;
        file->room = room;
    }
    file->kinds[file->n_kinds++] = (struct kind){size, (uint32_t)stack, 0};
    return true;
}

static int bad_line(struct ash_lab_source *source, const char *text)
{
    struct heaptrack *file = source->state;
    return ash_lab_source_fail(source, "line %llu is not as heaptrack writes it: '%.40s'",
                               (unsigned long long)file->line, text);
}

static int birth(struct ash_lab_source *source, const char *text, struct ash_lab_entry *ret_entry)
{
    struct heaptrack *file = source->state;
    uint64_t x[3];
    int n = take_numbers(text + 1, x, 3);
    *ret_entry = (struct ash_lab_entry){.op = ASH_LAB_OP_MALLOC, .align = 16, .ns = file->ns};
    if (n == 1 && x[0] < file->n_kinds) {
        struct kind *kind = &file->kinds[x[0]];
        ret_entry->id = x[0] << 32 | kind->n_live++;
        ret_entry->size = kind->size;
        ret_entry->stack = kind->stack;
        return 1;
    }
    if (n != 3)
        return bad_line(source, text);
    ret_entry->size = x[0];
    ret_entry->stack = (uint32_t)x[1];
    ret_entry->id = x[2];
    return 1;
}

static int death(struct ash_lab_source *source, const char *text, struct ash_lab_entry *ret_entry)
{
    struct heaptrack *file = source->state;
    uint64_t x[1];
    if (take_numbers(text + 1, x, 1) != 1)
        return bad_line(source, text);
    *ret_entry = (struct ash_lab_entry){.op = ASH_LAB_OP_FREE, .id = x[0], .ns = file->ns};
    if (file->n_kinds == 0)
        return 1;
    if (x[0] >= file->n_kinds || file->kinds[x[0]].n_live == 0)
        return bad_line(source, text);
    ret_entry->id = x[0] << 32 | --file->kinds[x[0]].n_live;
    return 1;
}

static int next(struct ash_lab_source *source, struct ash_lab_entry *ret_entry)
{
    struct heaptrack *file = source->state;
    char text[TEXT_MAX];
    uint64_t x[2];
    while (ash_lab_input_line(source->input, text, sizeof(text)) >= 0) {
        file->line++;
        switch (text[0]) {
        case '+':
            return birth(source, text, ret_entry);
        case '-':
            return death(source, text, ret_entry);
        case 'a':
            if (take_numbers(text + 1, x, 2) != 2 || !add_kind(file, x[0], x[1]))
                return bad_line(source, text);
            break;
        case 'c':
            if (take_numbers(text + 1, x, 1) != 1)
                return bad_line(source, text);
            file->ns = x[0] * 1000000;
            break;
        default:
            break; /* names, modules, stacks */
        }
    }
    const char *why = ash_lab_input_failed(source->input);
    return why ? ash_lab_source_fail(source, "%s", why) : 0;
}

static void finalise(struct ash_lab_source *source)
{
    struct heaptrack *file = source->state;
    free(file->kinds);
    free(file);
}

bool ash_lab_import_heaptrack(struct ash_lab_source *source)
{
    const uint8_t *at;
    size_t n = ash_lab_input_peek(source->input, &at, 8);
    if (n < 8 || at[0] != 'v' || at[1] != ' ')
        return false;
    source->state = calloc(1, sizeof(struct heaptrack));
    if (!source->state)
        return false;
    source->format = "heaptrack";
    source->note = "of equal blocks of one call site the youngest is taken to die first";
    source->has_clock = source->has_sites = true;
    source->next = next;
    source->close = finalise;
    return true;
}
