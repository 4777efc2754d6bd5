/* input.h: the bytes of a trace file, plain or unpacked on the way (gzip by zlib, zstd by libzstd).
 *
 * Streams: never more than a buffer of the file is in memory. After the end or a failure every
 * read returns nothing; `failed` tells the two apart.
 */
#ifndef ASH_LAB_INPUT_H
#define ASH_LAB_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASH_LAB_ERROR_MAX 256 /* a sentence for the user, with its zero */

struct ash_lab_input;

/* NULL: ret_error says why. */
struct ash_lab_input *ash_lab_input_open(const char *path, char ret_error[ASH_LAB_ERROR_MAX]);
void ash_lab_input_close(struct ash_lab_input *input);
/* The next bytes without taking them: at least `want` (4096 at most) unless the file ends before.
 * Returns how many there are. */
size_t ash_lab_input_peek(struct ash_lab_input *input, const uint8_t **ret_at, size_t want);
/* Takes a byte; -1: none. */
int ash_lab_input_byte(struct ash_lab_input *input);
/* Takes up to n bytes; buffer NULL: skips them. Returns how many. */
size_t ash_lab_input_read(struct ash_lab_input *input, void *buffer, size_t n);
/* Takes a line without its end, cut to size - 1 and ended by zero. Returns its length, -1: none. */
long ash_lab_input_line(struct ash_lab_input *input, char *buffer, size_t size);
/* Bytes taken so far, unpacked. */
uint64_t ash_lab_input_at(const struct ash_lab_input *input);
/* Why reading stopped before the end of the file; NULL: it did not. */
const char *ash_lab_input_failed(const struct ash_lab_input *input);

#endif
