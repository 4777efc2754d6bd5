/* trace_file.c: opens an .ashtrace file; see trace_file.h. */
#include "lab/trace_file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t read_at(void *arg, uint64_t at, void *ret_bytes, size_t n)
{
    const struct ash_trace_file *file = arg;
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(file->fd, (char *)ret_bytes + have, n - have, (off_t)(at + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

bool ash_trace_file_open(const char *path, struct ash_trace_file *ret_file, const char **ret_why)
{
    struct stat status;
    *ret_file = (struct ash_trace_file){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (ret_file->fd < 0 || fstat(ret_file->fd, &status) != 0) {
        *ret_why = strerror(errno);
        ash_trace_file_close(ret_file);
        return false;
    }
    ret_file->bytes = (uint64_t)status.st_size;
    enum ash_trace_fault fault;
    ret_file->order = ash_order_open(read_at, ret_file, ret_file->bytes, &fault);
    if (ret_file->order)
        return true;
    *ret_why = fault == ASH_TRACE_GOOD ? "no memory" : ash_trace_fault_words(fault);
    ash_trace_file_close(ret_file);
    return false;
}

void ash_trace_file_close(struct ash_trace_file *file)
{
    ash_order_close(file->order);
    if (file->fd >= 0)
        close(file->fd);
    file->order = NULL;
    file->fd = -1;
}
