/* misc.c: clock, random numbers, privileges, small files; see os.h. */
#include "os/os.h"
#include "base/rng.h"
#include "os/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

/* The first descriptor that is not stdin, stdout or stderr. */
#define FD_FIRST 3
/* Below the usual limit of 1024, above what programs count on getting. */
#define FD_HIGH 1000

uint64_t ash_os_now_ms(void)
{
    struct timespec now = {0};
    /* the C library's, which asks the vdso and not the kernel; this clock always exists, so
     * errno stays as it is */
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Without getrandom: the 16 bytes that the kernel gave the process, mixed with time and
 * place so that processes of one image and threads differ. */
static ASH_RARE uint64_t random_by_hand(void)
{
    static _Atomic uint64_t n_drawn;
    const unsigned char *given = (const unsigned char *)getauxval(AT_RANDOM);
    uint64_t state = atomic_fetch_add_explicit(&n_drawn, 1, memory_order_relaxed);
    state ^= ((uint64_t)ash_os_thread_id() << 32) ^ ash_os_now_ms();
    for (int i = 0; given && i < 16; i++)
        state = ash_rng_next(&state) ^ given[i];
    return ash_rng_next(&state);
}

uint64_t ash_os_random(void)
{
    uint64_t x;
    /* GRND_NONBLOCK: a program that starts early in the boot does not wait for us */
    long n = ash_sys3(SYS_getrandom, (long)&x, sizeof x, GRND_NONBLOCK);
    return n == (long)sizeof x ? x : random_by_hand();
}

bool ash_os_is_secure(void)
{
    return getauxval(AT_SECURE) != 0;
}

/* open, not interrupted; the descriptor or -errno. */
static int open_file(const char *path, int flags, int mode)
{
    long fd;
    do {
        fd = ash_sys6(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC | O_NOCTTY, mode, 0, 0);
    } while (fd == -EINTR);
    return (int)fd;
}

long ash_os_read_file(const char *path, char *ret_text, size_t n)
{
    if (n == 0)
        return -EINVAL;
    int fd = open_file(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    size_t have = 0;
    long got = 0;
    while (have < n - 1) {
        got = ash_sys3(SYS_read, fd, (long)(ret_text + have), (long)(n - 1 - have));
        if (got == -EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    ash_os_close(fd);
    if (got < 0)
        return got;
    ret_text[have] = 0;
    return (long)have;
}

ASH_RARE int ash_os_create_file(const char *path)
{
    /* 0644: a service may run with umask 0, and as root */
    int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || fd >= FD_FIRST)
        return fd;
    /* the program closed a standard descriptor: it must not find our file there */
    long moved = ash_sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_FIRST);
    ash_os_close(fd);
    return (int)moved;
}

ASH_RARE int ash_os_write(int fd, const char *text, size_t n)
{
    while (n > 0) {
        long done = ash_sys3(SYS_write, fd, (long)text, (long)n);
        if (done == -EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
        text += done;
        n -= (size_t)done;
    }
    return 0;
}

void ash_os_close(int fd)
{
    /* never repeated: Linux has freed the descriptor even when it answers EINTR */
    (void)ash_sys3(SYS_close, fd, 0, 0);
}

ASH_RARE int ash_os_keep_fd(int fd)
{
    long kept = ash_sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_HIGH);
    if (kept == -EINVAL) /* a lower limit on descriptors */
        kept = ash_sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_FIRST);
    return (int)kept;
}

ASH_RARE int ash_os_file_of(int fd, struct ash_file *ret_file)
{
    struct stat status;
    long ret = ash_sys3(SYS_fstat, fd, (long)&status, 0);
    if (ret == 0)
        *ret_file = (struct ash_file){status.st_dev, status.st_ino};
    return (int)ret;
}
