/* stats.c: gathering and reporting statistics; see stats.h. */
#include "api/stats.h"
#include "api/option.h"
#include "ashlar.h"
#include "base/print.h"
#include "heap/heap.h"
#include "os/os.h"
#include <string.h>

void ash_stats_gather(struct ash_stat_values *ret_values)
{
    struct ash_count count;
    ash_count_all(&count);
    *ret_values = (struct ash_stat_values){
        .malloc_count = count.malloc_count,
        .free_count = count.free_count,
        .remote_free_count = count.remote_free_count,
        .live_blocks = count.live_blocks,
        .live_bytes = count.live_bytes,
        .mapped_bytes = count.mapped_bytes,
        .committed_bytes = count.committed_bytes,
        .peak_committed_bytes = count.peak_committed_bytes,
        .dirty_bytes = count.dirty_bytes,
        .purged_bytes = count.purged_bytes,
        .purge_count = count.purge_count,
        .region_count = count.region_count,
        .page_count = count.page_count,
        .large_count = count.large_count,
        .large_bytes = count.large_bytes,
        .huge_count = count.huge_count,
        .huge_bytes = count.huge_bytes,
        .huge_page_bytes = count.huge_page_bytes,
        .thread_count = count.thread_count,
        .orphan_count = count.orphan_count,
        .starter_bytes = count.starter_bytes,
        .retained_bytes = count.retained_bytes,
        .blocked_bytes = count.blocked_bytes,
        .misuse_count = atomic_load_explicit(&ash_misuse_count, memory_order_relaxed),
        .fail_count = count.fail_count,
        .fail_injected_count = ash_os_fail_count(),
        .limit_bytes = count.limit_bytes,
    };
}

/* A page of output at a time: one write for most reports, so that processes do not mix. */
struct out {
    int fd;
    size_t n;
    char text[4096];
};

static void flush(struct out *out)
{
    ash_os_write(out->fd, out->text, out->n);
    out->n = 0;
}

static void collect(void *arg, const char *text, size_t n)
{
    struct out *out = arg;
    while (n) {
        if (out->n == sizeof(out->text))
            flush(out);
        size_t part = ash_size_min(n, sizeof(out->text) - out->n);
        memcpy(out->text + out->n, text, part);
        out->n += part;
        text += part;
        n -= part;
    }
}

void ash_stats_write_fd(enum ash_stat_form form, int fd)
{
    char command[64] = "?";
    long n = ash_os_read_file("/proc/self/comm", command, sizeof(command));
    if (n > 0 && command[n - 1] == '\n')
        command[n - 1] = 0;
    struct ash_stat_source source = {ASHLAR_VERSION, command, ash_os_process_id()};
    struct ash_stat_values values;
    ash_stats_gather(&values);
    struct out out = {.fd = fd};
    ash_stat_write(form, &source, &values, collect, &out);
    flush(&out);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The file's name with %p replaced by the pid. */
static void expand(struct ash_line *line, const char *name)
{
    ash_line_init(line);
    for (; *name; name++) {
        if (name[0] == '%' && name[1] == 'p') {
            ash_line_u64(line, ash_os_process_id());
            name++;
        } else {
            ash_line_char(line, *name);
        }
    }
    ash_line_char(line, 0);
}

/* stderr as it was at start. */
static struct {
    bool is_open;
    int fd; /* our own descriptor of it, or -1 */
    struct ash_file file;
} start_stderr;

void ash_stats_start(void)
{
    if (!ash_options.stats)
        return;
    start_stderr.is_open = ash_os_file_of(2, &start_stderr.file) == 0;
    start_stderr.fd = -1;
    if (start_stderr.is_open && !ash_options.stats_file[0])
        start_stderr.fd = ash_os_keep_fd(2);
}

/* Programs close descriptors that they do not know, and the number may be another file's now. */
static bool leads_to_stderr(int fd)
{
    struct ash_file file;
    return fd >= 0 && ash_os_file_of(fd, &file) == 0 && file.inode == start_stderr.file.inode &&
           file.device == start_stderr.file.device;
}

/* Where text may go at the end: a descriptor, or -1. */
static int stderr_now(void)
{
    if (!start_stderr.is_open)
        return -1;
    if (leads_to_stderr(start_stderr.fd))
        return start_stderr.fd;
    return leads_to_stderr(2) ? 2 : -1;
}

static void say_cannot_write(const char *path, int error)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line,
                 "ashlar: E08 cannot write statistics to %s (error %d) | check the path and its "
                 "permissions",
                 path, error);
    int fd = stderr_now();
    if (fd >= 0)
        ash_line_write(&line, fd);
}

static enum ash_stat_form form_of(const char *name)
{
    if (ends_with(name, ".json"))
        return ASH_STAT_JSON;
    return ends_with(name, ".prom") ? ASH_STAT_PROMETHEUS : ASH_STAT_TEXT;
}

void ash_stats_report(void)
{
    const char *name = ash_options.stats_file;
    if (!ash_options.stats)
        return;
    if (!name[0]) {
        int fd = stderr_now();
        if (fd >= 0)
            ash_stats_write_fd(ASH_STAT_TEXT, fd);
        return;
    }
    struct ash_line path;
    expand(&path, name);
    int fd = ash_os_create_file(path.text);
    if (fd < 0) {
        say_cannot_write(path.text, -fd);
        return;
    }
    ash_stats_write_fd(form_of(name), fd);
    ash_os_close(fd);
}
