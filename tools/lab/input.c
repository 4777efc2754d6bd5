/* input.c: the bytes of a trace file, unpacked on the way; see input.h. */
#include "lab/input.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BUFFER_BYTES = 1 << 16, PEEK_MAX = 4096 };

struct ash_lab_input {
    gzFile gz;     /* gzip or plain: zlib tells them apart */
    ZSTD_DCtx *zs; /* zstd: packed bytes come from gz, which passes them through */
    ZSTD_inBuffer packed;
    bool mid_frame;
    const char *failed;
    size_t at, end; /* what buffer holds */
    uint64_t taken;
    uint8_t buffer[BUFFER_BYTES + PEEK_MAX];
    uint8_t packed_bytes[BUFFER_BYTES + PEEK_MAX];
};

static size_t read_gz(struct ash_lab_input *input, void *to, size_t n)
{
    int got = gzread(input->gz, to, (unsigned)n), bad = Z_OK;
    gzerror(input->gz, &bad);
    if (got < 0 || (got == 0 && bad != Z_OK && bad != Z_STREAM_END))
        input->failed = bad == Z_BUF_ERROR ? "the gzip data ends too early"
                        : bad == Z_ERRNO   ? strerror(errno)
                                           : "the gzip data is damaged";
    return got > 0 ? (size_t)got : 0;
}

static size_t read_zstd(struct ash_lab_input *input, void *to, size_t n)
{
    ZSTD_outBuffer out = {to, n, 0};
    while (out.pos == 0) {
        if (input->packed.pos == input->packed.size) {
            input->packed.size = read_gz(input, input->packed_bytes, BUFFER_BYTES);
            input->packed.pos = 0;
        }
        bool is_end = input->packed.size == 0;
        size_t more = ZSTD_decompressStream(input->zs, &out, &input->packed);
        if (ZSTD_isError(more)) {
            input->failed = "the zstd data is damaged";
            return 0;
        }
        if (is_end && out.pos == 0) {
            input->failed = input->mid_frame ? "the zstd data ends too early" : NULL;
            return 0;
        }
        input->mid_frame = more != 0;
    }
    return out.pos;
}

static void fill(struct ash_lab_input *input)
{
    memmove(input->buffer, input->buffer + input->at, input->end - input->at);
    input->end -= input->at;
    input->at = 0;
    if (input->failed)
        return;
    uint8_t *to = input->buffer + input->end;
    size_t room = sizeof(input->buffer) - input->end;
    input->end += input->zs ? read_zstd(input, to, room) : read_gz(input, to, room);
}

size_t ash_lab_input_peek(struct ash_lab_input *input, const uint8_t **ret_at, size_t want)
{
    size_t before = 0;
    while (input->end - input->at < want) {
        before = input->end - input->at;
        fill(input);
        if (input->end - input->at == before)
            break;
    }
    *ret_at = input->buffer + input->at;
    return input->end - input->at;
}

static struct ash_lab_input *refuse(struct ash_lab_input *input, const char *why, char *ret_error)
{
    snprintf(ret_error, ASH_LAB_ERROR_MAX, "%s", why);
    ash_lab_input_close(input);
    return NULL;
}

struct ash_lab_input *ash_lab_input_open(const char *path, char ret_error[ASH_LAB_ERROR_MAX])
{
    static const uint8_t zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    struct ash_lab_input *input = calloc(1, sizeof(*input));
    if (!input)
        return refuse(NULL, "no memory", ret_error);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return refuse(input, strerror(errno), ret_error);
    if (S_ISDIR(status.st_mode)) {
        close(fd);
        return refuse(input, "it is a folder", ret_error);
    }
    input->gz = gzdopen(fd, "rb");
    if (!input->gz) {
        close(fd);
        return refuse(input, "no memory", ret_error);
    }
    const uint8_t *at;
    if (ash_lab_input_peek(input, &at, 4) >= 4 && memcmp(at, zstd_magic, 4) == 0) {
        input->zs = ZSTD_createDCtx();
        if (!input->zs)
            return refuse(input, "no memory", ret_error);
        size_t n = input->end - input->at;
        memcpy(input->packed_bytes, at, n);
        input->packed = (ZSTD_inBuffer){input->packed_bytes, n, 0};
        input->at = input->end = 0;
    }
    if (input->failed)
        return refuse(input, input->failed, ret_error);
    return input;
}

void ash_lab_input_close(struct ash_lab_input *input)
{
    if (!input)
        return;
    if (input->gz)
        gzclose(input->gz);
    ZSTD_freeDCtx(input->zs);
    free(input);
}

int ash_lab_input_byte(struct ash_lab_input *input)
{
    if (input->at == input->end) {
        fill(input);
        if (input->at == input->end)
            return -1;
    }
    input->taken++;
    return input->buffer[input->at++];
}

size_t ash_lab_input_read(struct ash_lab_input *input, void *buffer, size_t n)
{
    size_t done = 0;
    while (done < n) {
        if (input->at == input->end)
            fill(input);
        size_t part = input->end - input->at;
        if (part == 0)
            break;
        if (part > n - done)
            part = n - done;
        if (buffer)
            memcpy((uint8_t *)buffer + done, input->buffer + input->at, part);
        input->at += part;
        done += part;
    }
    input->taken += done;
    return done;
}

long ash_lab_input_line(struct ash_lab_input *input, char *buffer, size_t size)
{
    size_t n = 0;
    int c = ash_lab_input_byte(input);
    if (c < 0)
        return -1;
    for (; c >= 0 && c != '\n'; c = ash_lab_input_byte(input))
        if (n + 1 < size)
            buffer[n++] = (char)c;
    if (n > 0 && buffer[n - 1] == '\r')
        n--;
    buffer[n] = 0;
    return (long)n;
}

uint64_t ash_lab_input_at(const struct ash_lab_input *input)
{
    return input->taken;
}

const char *ash_lab_input_failed(const struct ash_lab_input *input)
{
    return input->failed;
}
