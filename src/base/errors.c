/* errors.c: look-ups in the table of all messages; see errors.h. */
#include "base/errors.h"
#include "base/check.h"

struct row {
    const char *name;
    const char *sentence;
    const char *advice;
};

static const struct row rows[ASH_ERROR_COUNT] = {
#define X(code, sentence, advice) [ASH_##code] = {#code, sentence, advice},
    ASH_ERRORS(X)
#undef X
};

static const struct row *row_of(enum ash_error code)
{
    ASH_CHECK((unsigned)code < ASH_ERROR_COUNT);
    return &rows[code];
}

const char *ash_error_name(enum ash_error code)
{
    return row_of(code)->name;
}

const char *ash_error_sentence(enum ash_error code)
{
    return row_of(code)->sentence;
}

const char *ash_error_advice(enum ash_error code)
{
    return row_of(code)->advice;
}

/* Not strcasecmp: that one asks the locale. */
static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool names_match(const char *a, const char *b)
{
    for (; *a && upper(*a) == upper(*b); a++)
        b++;
    return upper(*a) == upper(*b);
}

enum ash_error ash_error_find(const char *name)
{
    for (unsigned i = 0; i < ASH_ERROR_COUNT; i++) {
        if (names_match(rows[i].name, name))
            return (enum ash_error)i;
    }
    return ASH_ERROR_COUNT;
}
