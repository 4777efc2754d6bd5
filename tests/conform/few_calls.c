/* few_calls.c: only mmap, munmap, mprotect, madvise and futex are needed; what else the kernel
 * offers may be refused, by ENOSYS or EPERM (F16).
 *
 * The program installs a filter and starts itself under it.
 */
#include "entry.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_readlink
#define SYS_readlink SYS_readlinkat /* newer machines have no other */
#endif

/* Calls that a malloc may make use of but can do without. */
static const int optional[] = {SYS_mremap,      SYS_getrandom,     SYS_getcpu,
                               SYS_membarrier,  SYS_clock_gettime, SYS_sched_getaffinity,
                               SYS_sched_yield, SYS_sysinfo,       SYS_readlink,
                               SYS_gettid,      SYS_rseq,          SYS_process_madvise};
#define N_OPTIONAL (sizeof optional / sizeof optional[0])

/* Newer kinds of advice: an older kernel answers EINVAL to them. */
enum { ADVICE_MAX = 9 }; /* MADV_REMOVE; above: fork, merge, huge pages, wipe on fork, collapse */

static bool refuse_optional(unsigned code)
{
    struct sock_filter filter[2 * N_OPTIONAL + 8];
    unsigned len = 0;
    filter[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
    for (unsigned i = 0; i < N_OPTIONAL; i++) {
        filter[len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)optional[i], 0, 1);
        filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code);
    }
    filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3);
    filter[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct seccomp_data, args[2]));
    filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, ADVICE_MAX, 0, 1);
    filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL);
    filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)len, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static const char *failed;

static void *churn(void *unused)
{
    static const size_t sizes[] = {1, 100, 5000, 70000, 3 << 20, 12 << 20};
    for (unsigned round = 0; round < 4; round++)
        for (size_t e = 0; e < N_ENTRIES; e++)
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                unsigned char *p = entries[e].get(sizes[i]);
                if (p)
                    p[0] = p[sizes[i] - 1] = 1;
                p = realloc(p, sizes[i] * 2);
                if (!p || p[0] != 1 || p[sizes[i] - 1] != 1)
                    failed = entries[e].name;
                free(p);
            }
    return unused;
}

static void all_functions_work(void)
{
    CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2);
    churn(NULL);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, churn, NULL) == 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_THAT(failed == NULL, "%s", failed);
}

static void a_child_works(void)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        churn(NULL);
        _exit(failed != NULL);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static const struct conform_case filtered_cases[] = {
    {"under the filter all functions work", all_functions_work},
    {"under the filter the child of a fork works", a_child_works},
};

static void run_under(unsigned code)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (!refuse_optional(code))
            _exit(77);
        execl("/proc/self/exe", "few_calls", "filtered", NULL);
        _exit(78);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("no seccomp filter here");
    CHECK_THAT(status == 0, "status %#x", (unsigned)status);
}

static void without_optional_calls(void)
{
    run_under(ENOSYS);
}

static void with_forbidden_calls(void)
{
    run_under(EPERM);
}

static const struct conform_case cases[] = {
    {"on a kernel without what is optional", without_optional_calls},
    {"in a sandbox that forbids what is optional", with_forbidden_calls},
};

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? conform_run(filtered_cases, sizeof filtered_cases / sizeof filtered_cases[0])
                    : conform_run(cases, sizeof cases / sizeof cases[0]);
}
