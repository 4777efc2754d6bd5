/* print.c: lines of text without malloc and without stdio; see print.h. */
#include "base/print.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The last two bytes are kept for the newline and the closing 0. */
#define TEXT_BYTES_MAX (ASH_LINE_BYTES - 2)
#define CUT_MARK "..."
#define CUT_MARK_BYTES (sizeof CUT_MARK - 1)
/* 20 digits of UINT64_MAX. */
#define DIGITS_MAX 20

void ash_line_init(struct ash_line *line)
{
    line->len = 0;
    line->text[0] = 0;
}

void ash_line_strn(struct ash_line *line, const char *s, size_t n)
{
    size_t room = TEXT_BYTES_MAX - line->len;
    size_t taken = ash_size_min(n, room);
    memcpy(line->text + line->len, s, taken);
    line->len += taken;
    if (taken < n)
        memcpy(line->text + TEXT_BYTES_MAX - CUT_MARK_BYTES, CUT_MARK, CUT_MARK_BYTES);
    line->text[line->len] = 0;
}

void ash_line_str(struct ash_line *line, const char *s)
{
    if (!s)
        s = "(null)";
    ash_line_strn(line, s, strlen(s));
}

void ash_line_char(struct ash_line *line, char c)
{
    ash_line_strn(line, &c, 1);
}

/* Writes the digits of x backwards, ending before `end`. Returns where they begin. */
static char *digits(char *end, uint64_t x, unsigned base)
{
    do {
        *--end = "0123456789abcdef"[x % base];
        x /= base;
    } while (x);
    return end;
}

void ash_line_u64(struct ash_line *line, uint64_t x)
{
    char text[DIGITS_MAX];
    char *end = text + sizeof text;
    char *first = digits(end, x, 10);
    ash_line_strn(line, first, (size_t)(end - first));
}

void ash_line_i64(struct ash_line *line, int64_t x)
{
    if (x < 0)
        ash_line_char(line, '-');
    /* negated as unsigned: INT64_MIN has no positive twin */
    ash_line_u64(line, x < 0 ? -(uint64_t)x : (uint64_t)x);
}

void ash_line_hex(struct ash_line *line, uint64_t x)
{
    char text[DIGITS_MAX];
    char *end = text + sizeof text;
    char *first = digits(end, x, 16);
    *--first = 'x';
    *--first = '0';
    ash_line_strn(line, first, (size_t)(end - first));
}

void ash_line_bytes(struct ash_line *line, uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned i = 0;
    uint64_t whole = bytes;
    uint64_t rest = 0; /* in 1024ths of the unit */
    for (; whole >= 1024; i++) {
        rest = whole % 1024;
        whole /= 1024;
    }
    ash_line_u64(line, whole);
    if (i > 0) {
        ash_line_char(line, '.');
        ash_line_u64(line, rest * 10 / 1024);
    }
    ash_line_char(line, ' ');
    ash_line_str(line, unit[i]);
}

/* The two forms of two letters; true when fmt, after the '%', begins with one. */
static bool add_long_form(struct ash_line *line, const char *fmt, va_list *args)
{
    if (fmt[0] == 'l' && fmt[1] == 'u')
        ash_line_u64(line, va_arg(*args, unsigned long));
    else if (fmt[0] == 'z' && fmt[1] == 'u')
        ash_line_u64(line, va_arg(*args, size_t));
    else
        return false;
    return true;
}

/* Adds the form that fmt begins with, after the '%'. Returns the letters it has; an unknown
 * form has none and shows as it stands. */
static size_t add_form(struct ash_line *line, const char *fmt, va_list *args)
{
    switch (*fmt) {
    case 's':
        ash_line_str(line, va_arg(*args, const char *));
        return 1;
    case 'c':
        ash_line_char(line, (char)va_arg(*args, int));
        return 1;
    case 'd':
        ash_line_i64(line, va_arg(*args, int));
        return 1;
    case 'u':
        ash_line_u64(line, va_arg(*args, unsigned));
        return 1;
    case 'p':
        ash_line_hex(line, va_arg(*args, uintptr_t));
        return 1;
    case 'B':
        ash_line_bytes(line, va_arg(*args, uint64_t));
        return 1;
    case '%':
        ash_line_char(line, '%');
        return 1;
    default:
        if (add_long_form(line, fmt, args))
            return 2;
        ash_line_char(line, '%');
        return 0;
    }
}

void ash_line_fmt(struct ash_line *line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    while (*fmt) {
        size_t n = strcspn(fmt, "%");
        ash_line_strn(line, fmt, n);
        fmt += n;
        if (*fmt == '%') {
            fmt++;
            fmt += add_form(line, fmt, &args);
        }
    }
    va_end(args);
}

void ash_line_write(struct ash_line *line, int fd)
{
    /* syscall(2), because write(2) is a cancellation point; it sets errno all the same */
    int saved_errno = errno;
    line->text[line->len++] = '\n';
    line->text[line->len] = 0;

    const char *next = line->text;
    size_t left = line->len;
    while (left > 0) {
        long n = syscall(SYS_write, fd, next, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        next += n;
        left -= (size_t)n;
    }
    ash_line_init(line);
    errno = saved_errno;
}
