/* print.h: lines of text without malloc and without stdio.
 *
 * A line is a fixed buffer that the caller owns; what does not fit is cut and the line
 * ends in "...". A closing 0 is always there. Works inside malloc, in a signal handler, and
 * after fork.
 *
 * Threads   A line belongs to one thread; ash_line_write is one write per call, so lines
 *           of different threads do not mix.
 */
#ifndef ASH_BASE_PRINT_H
#define ASH_BASE_PRINT_H

#include "base/base.h"

#define ASH_LINE_BYTES 1024

struct ash_line {
    size_t len;
    char text[ASH_LINE_BYTES];
};

void ash_line_init(struct ash_line *line);
void ash_line_str(struct ash_line *line, const char *s);
void ash_line_strn(struct ash_line *line, const char *s, size_t n);
void ash_line_char(struct ash_line *line, char c);
void ash_line_u64(struct ash_line *line, uint64_t x);
void ash_line_i64(struct ash_line *line, int64_t x);
/* 0x and lower-case digits, no leading zeros. */
void ash_line_hex(struct ash_line *line, uint64_t x);
/* "512 B", "1.5 KiB", "3.0 GiB": one decimal, units of 1024. */
void ash_line_bytes(struct ash_line *line, uint64_t bytes);
/* Printf of the few forms %s %c %d %u %lu %zu %p(hex of uintptr_t) %B(uint64_t bytes) %%. */
void ash_line_fmt(struct ash_line *line, const char *fmt, ...);
/* Adds '\n' and writes the whole line to fd; retries on EINTR, gives up on other errors. */
void ash_line_write(struct ash_line *line, int fd);

#endif
