/* file.c: files whose bytes are memory; see os.h. */
#include "os/os.h"
#include "os/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int open_raw(const char *path, int flags)
{
    long fd;
    do {
        fd = ash_sys6(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC | O_NOCTTY, 0644, 0, 0);
    } while (fd == -EINTR);
    if (fd < 0)
        return (int)fd;
    int kept = ash_os_keep_fd((int)fd);
    ash_os_close((int)fd);
    return kept;
}

static bool is_plain(const char *path)
{
    struct stat status = {0};
    return ash_sys6(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, AT_SYMLINK_NOFOLLOW, 0,
                    0) == 0 &&
           S_ISREG(status.st_mode);
}

/* Never an old file made empty: another process may have it mapped, and would die of it. */
int ash_os_open_shared(const char *path, bool fresh)
{
    if (!fresh)
        return open_raw(path, O_RDWR);
    int fd = open_raw(path, O_RDWR | O_CREAT | O_EXCL);
    if (fd != -EEXIST || !is_plain(path))
        return fd;
    (void)ash_sys3(SYS_unlinkat, AT_FDCWD, (long)path, 0);
    return open_raw(path, O_RDWR | O_CREAT | O_EXCL);
}

/* Beyond the limit on file sizes the kernel would not only refuse, but send SIGXFSZ. */
static bool is_within_limit(uint64_t end)
{
    struct rlimit limit = {0};
    long ret = ash_sys6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0);
    return ret < 0 || limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

int ash_os_allocate(int fd, uint64_t at, size_t bytes)
{
    if (!is_within_limit(at + bytes))
        return -EFBIG;
    long ret;
    do {
        ret = ash_sys6(SYS_fallocate, fd, 0, (long)at, (long)bytes, 0, 0);
    } while (ret == -EINTR);
    return (int)ret;
}

void *ash_os_map_file(int fd, uint64_t at, size_t bytes)
{
    long addr =
        ash_sys6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (long)at);
    return addr < 0 && addr > -4096 ? NULL : (void *)addr;
}

int ash_os_write_at(int fd, uint64_t at, const void *bytes, size_t n)
{
    if (!is_within_limit(at + n))
        return -EFBIG;
    const char *from = bytes;
    while (n > 0) {
        long done = ash_sys6(SYS_pwrite64, fd, (long)from, (long)n, (long)at, 0, 0);
        if (done == -EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
        from += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return 0;
}

long ash_os_folder(char *ret_path, size_t n)
{
    return ash_sys3(SYS_getcwd, (long)ret_path, (long)n, 0);
}

long ash_os_program(char *ret_path, size_t n)
{
    if (n == 0)
        return -EINVAL;
    long got = ash_sys6(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)ret_path,
                        (long)(n - 1), 0, 0);
    if (got >= 0)
        ret_path[got] = 0;
    return got;
}
