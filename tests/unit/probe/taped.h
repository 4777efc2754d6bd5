/* taped.h: a recording file in a folder of its own, and its bytes afterwards. */
#ifndef ASH_TEST_TAPED_H
#define ASH_TEST_TAPED_H

#include "heap/scene.h"
#include "probe/probe.h"
#include "wire/trace.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char taped_folder[64], taped_path[128];

static inline void taped_make(void)
{
    strcpy(taped_folder, "/tmp/ashlar-taped-XXXXXX");
    assert_non_null(mkdtemp(taped_folder));
    snprintf(taped_path, sizeof taped_path, "%s/a.ashtrace", taped_folder);
}

static inline void taped_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", taped_folder);
    assert_int_equal(system(command), 0);
}

/* The whole file; to be freed. */
static inline uint8_t *taped_read(const char *path, size_t *ret_n)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    *ret_n = (size_t)read(fd, bytes, (size_t)status.st_size);
    assert_int_equal(*ret_n, status.st_size);
    close(fd);
    return bytes;
}

struct taped_count {
    struct ash_trace_header header;
    unsigned n_windows, n_open, n_ends;
    unsigned ops[8], more[16];
    uint64_t n_dropped, bytes_born;
};

/* Every window and event of the file. */
static inline struct taped_count taped_events(const char *path)
{
    struct taped_count count = {0};
    size_t n;
    uint8_t *bytes = taped_read(path, &n);
    assert_int_equal(ash_trace_header_get(bytes, n, &count.header), ASH_TRACE_GOOD);
    size_t at = ash_trace_frame_find(bytes, n, ASH_TRACE_HEADER_BYTES);
    while (at < n) {
        struct ash_trace_frame frame;
        assert_int_equal(ash_trace_frame_get(bytes + at, n - at, ASH_TRACE_WINDOW_BYTES, &frame),
                         ASH_TRACE_GOOD);
        size_t step = ASH_TRACE_WINDOW_BYTES;
        if (frame.type == ASH_TRACE_END) {
            count.n_ends++;
            step = 1;
        }
        if (frame.type == ASH_TRACE_EVENTS) {
            struct ash_trace_reader reader;
            struct ash_trace_event event;
            count.n_windows++;
            count.n_open += frame.length == ASH_TRACE_OPEN;
            count.n_dropped += frame.n_dropped;
            ash_trace_reader_start(&reader, &frame, bytes + at + ASH_TRACE_FRAME_BYTES,
                                   ASH_TRACE_WINDOW_BYTES - ASH_TRACE_FRAME_BYTES,
                                   count.header.flags & ASH_TRACE_STACKS);
            int got;
            while ((got = ash_trace_get(&reader, &event)) == 1) {
                count.ops[event.op]++;
                if (event.op == ASH_TRACE_EXTENDED)
                    count.more[event.more]++;
                else if (event.op != ASH_TRACE_FREE)
                    count.bytes_born += event.size;
            }
            assert_int_equal(got, 0);
        }
        at = at + step < n ? ash_trace_frame_find(bytes, n, at + step) : n;
    }
    free(bytes);
    return count;
}

#endif
