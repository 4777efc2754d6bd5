/* free.c: free(NULL), and free that keeps errno even when the kernel refuses (F14, F20). */
#include "conform.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const size_t sizes[] = {1, 100, 5000, 40000, 70000, 1 << 20, 9 << 20, 64 << 20, 600 << 20};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static void of_null_does_nothing(void)
{
    errno = 91;
    for (unsigned i = 0; i < 1000; i++)
        free((void *)conform_opaque(0));
    CHECK(errno == 91);
}

/* From now on these calls fail with ENOMEM in this process: a filter cannot be taken back. */
static bool refuse_calls(const int *calls, unsigned n)
{
    struct sock_filter code[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
    unsigned len = 1;
    for (unsigned i = 0; i < n; i++) {
        code[len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM);
    }
    code[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)len, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Exit codes of the child: what went wrong there. */
enum { FINE, NO_FILTER, NOT_REFUSED, ERRNO_CHANGED, REFUSED, STALE };

static int free_while_refused(void)
{
    static void *blocks[N_SIZES][20];
    for (unsigned i = 0; i < N_SIZES; i++)
        for (unsigned k = 0; k < 20; k++) {
            blocks[i][k] = malloc(sizes[i]);
            if (!blocks[i][k])
                return REFUSED;
            memset(blocks[i][k], 0xab, sizes[i] < 100000 ? sizes[i] : 100000);
        }
    static const int calls[] = {SYS_munmap, SYS_madvise, SYS_mremap};
    if (!refuse_calls(calls, 3))
        return NO_FILTER;
    if (munmap((void *)4096, 4096) == 0 || errno != ENOMEM)
        return NOT_REFUSED;
    for (unsigned i = 0; i < N_SIZES; i++)
        for (unsigned k = 0; k < 20; k++) {
            errno = 92;
            free(blocks[i][k]);
            if (errno != 92)
                return ERRNO_CHANGED;
        }
    /* what could not be given back is still good */
    for (unsigned round = 0; round < 20; round++)
        for (unsigned i = 0; i < N_SIZES; i++) {
            errno = 93;
            unsigned char *p = calloc(1, sizes[i]);
            if (!p)
                return REFUSED;
            if (conform_stale(p, sizes[i] < 200000 ? sizes[i] : 200000) >= 0)
                return STALE;
            p[0] = p[sizes[i] - 1] = 1;
            free(p);
            if (errno != 93)
                return ERRNO_CHANGED;
        }
    return FINE;
}

static void keeps_errno_when_releases_fail(void)
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(free_while_refused());
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
        SKIP("no seccomp filter here");
    CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == FINE, "status %#x", (unsigned)status);
}

static void a_block_freed_is_given_again(void)
{
    /* not promised by a standard, but a free that never gives anything back would pass else */
    for (size_t i = 0; i < N_SIZES; i++)
        for (unsigned round = 0; round < 2000; round++) {
            unsigned char *p = malloc(sizes[i]);
            CHECK_THAT(p != NULL, "%zu, round %u", sizes[i], round);
            p[sizes[i] / 2] = 1;
            free(p);
        }
}

static const struct conform_case cases[] = {
    {"free(NULL) does nothing", of_null_does_nothing},
    {"free keeps errno when munmap, madvise and mremap fail", keeps_errno_when_releases_fail},
    {"2000 rounds of each size stay within memory", a_block_freed_is_given_again},
};

CONFORM_MAIN(cases)
