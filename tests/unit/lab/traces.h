/* traces.h: small trace files that a test of the lab writes, reads and removes. */
#ifndef ASH_TEST_TRACES_H
#define ASH_TEST_TRACES_H

#include "child.h"
#include "lab/load.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/* A file that lives in memory: its path holds as long as the test runs. */
static inline const char *trace_file(const void *bytes, size_t n)
{
    static char path[64];
    int fd = memfd_create("trace", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

static inline const char *trace_text(const char *text)
{
    return trace_file(text, strlen(text));
}

static inline const char *trace_gzip(const void *bytes, size_t n)
{
    static char path[64];
    int fd = memfd_create("trace.gz", 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    gzFile gz = gzopen(path, "wb");
    assert_int_equal(gzwrite(gz, bytes, (unsigned)n), n);
    gzclose(gz);
    return path;
}

/* Reads all; what came, one letter and the slot for each, and the error behind it. */
static inline char *trace_story(const char *path)
{
    static char story[4096];
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load = ash_lab_load_open(path, error);
    if (!load) {
        snprintf(story, sizeof(story), "!%s", error);
        return story;
    }
    size_t n = 0;
    struct ash_lab_entry entry;
    int got;
    story[0] = 0;
    while ((got = ash_lab_load_next(load, &entry)) == 1 && n < sizeof(story) - 300) {
        const char *form = entry.op == ASH_LAB_OP_FREE ? " %c%u" : " %c%u=%llu";
        n += (size_t)snprintf(story + n, sizeof(story) - n, form, "mcarf+-"[entry.op], entry.slot,
                              (unsigned long long)entry.size);
    }
    if (got < 0)
        snprintf(story + n, sizeof(story) - n, " !%s", ash_lab_load_error(load));
    ash_lab_load_close(load);
    return story;
}

#endif
