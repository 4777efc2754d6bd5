/* supervised.c: the kernel refuses, not the library's own switch: a supervisor is asked by
 * seccomp about each mmap, munmap, mprotect, madvise and mremap of the subject, answers ENOMEM
 * to some, and stops doing so when it is told, so that recovery is seen too. And a filter that
 * refuses what the library does not need. (F12, F13, F14, F16) */
#include "lift.h"
#include "storm.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

static const struct {
    unsigned nr, bit;
} watched[] = {
    {SYS_mmap, 1}, {SYS_munmap, 2}, {SYS_mprotect, 4}, {SYS_madvise, 8}, {SYS_mremap, 16}};
#define N_WATCHED (sizeof watched / sizeof watched[0])

/* What is refused: kinds, and of those the nth, or one in rate. */
struct policy {
    unsigned kinds;
    unsigned nth, rate;
    uint64_t random;
    bool refusing;
    unsigned n_seen, n_refused;
};

static int seccomp(unsigned operation, unsigned flags, void *arg)
{
    return (int)syscall(SYS_seccomp, operation, flags, arg);
}

/* Asks the supervisor about the watched calls. Returns the descriptor it listens on. */
static int install_listener(void)
{
    struct sock_filter code[4 + N_WATCHED + 2];
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < N_WATCHED; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, watched[i].nr,
                                                 (unsigned char)(N_WATCHED - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static unsigned kind_of(int nr)
{
    for (size_t i = 0; i < N_WATCHED; i++)
        if (watched[i].nr == (unsigned)nr)
            return watched[i].bit;
    return 0;
}

static bool must_refuse(struct policy *policy, const struct seccomp_notif *asked)
{
    if (!policy->refusing || !(kind_of(asked->data.nr) & policy->kinds))
        return false;
    policy->n_seen++;
    return policy->nth ? policy->n_seen == policy->nth
                       : storm_random(&policy->random) % policy->rate == 0;
}

/* Answers one question. */
static void answer(int listener, struct policy *policy)
{
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
        return; /* the asker is gone, or a signal came */
    struct seccomp_notif_resp reply = {.id = asked.id};
    bool told = asked.data.nr == SYS_madvise &&
                (asked.data.args[2] == LIFT_REFUSE || asked.data.args[2] == LIFT_ADMIT);
    if (told) {
        policy->refusing = asked.data.args[2] == LIFT_REFUSE;
    } else if (must_refuse(policy, &asked)) {
        policy->n_refused++;
        reply.error = -ENOMEM;
    } else {
        reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* The child tells where it listens, waits until we have it, and becomes the subject. */
static void become_subject(int to_parent, int from_parent, const char *refusals_max)
{
    int listener = install_listener();
    char taken;
    if (write(to_parent, &listener, sizeof listener) != sizeof listener || listener < 0 ||
        read(from_parent, &taken, 1) != 1)
        _exit(8);
    close(listener);
    execl(SUBJECT, SUBJECT, refusals_max, "lifted", (char *)NULL);
    _exit(9);
}

/* The child's listener, as a descriptor of ours; -1 where the kernel has no such thing. */
static int take_listener(pid_t pid, int from_child, int to_child)
{
    int theirs = -1;
    if (read(from_child, &theirs, sizeof theirs) != sizeof theirs || theirs < 0)
        return -1;
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    int listener = (int)syscall(SYS_pidfd_getfd, process, theirs, 0);
    close(process);
    if (listener >= 0 && write(to_child, "x", 1) != 1)
        return -1;
    return listener;
}

static void supervise(struct policy policy, const char *refusals_max)
{
    int up[2], down[2];
    STORM_REQUIRE(pipe(up) == 0 && pipe(down) == 0, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(down[1]);
        become_subject(up[1], down[0], refusals_max);
    }
    int listener = take_listener(pid, up[0], down[1]);
    close(up[0]), close(up[1]), close(down[0]), close(down[1]);
    if (listener < 0)
        storm_skip("this system has no seccomp notification");
    struct pollfd at = {.fd = listener, .events = POLLIN};
    while (poll(&at, 1, -1) >= 0 && !(at.revents & POLLHUP)) /* HUP: nobody is left to ask */
        answer(listener, &policy);
    close(listener);
    char what[96];
    snprintf(what, sizeof what, "kinds %u, nth %u, rate %u", policy.kinds, policy.nth, policy.rate);
    storm_child_ends(pid, what);
    STORM_REQUIRE(policy.n_refused > 0, "%s: nothing was refused", what);
}

static void each_call_once(void)
{
    if (storm_is_long()) {
        for (unsigned nth = 1; nth <= 500; nth++)
            supervise((struct policy){.kinds = 31, .nth = nth}, "1");
        return;
    }
    uint64_t state = storm_seed(1);
    for (unsigned i = 0; i < storm_size(3, 12, 0); i++) {
        unsigned nth = i < 4 ? i + 1 : 1 + (unsigned)(storm_random(&state) % 500);
        supervise((struct policy){.kinds = 31, .nth = nth}, "1");
    }
}

static void one_in_so_many(void)
{
    static const unsigned rates[] = {2, 5, 30};
    for (unsigned round = 0; round < storm_size(1, 1, 20); round++)
        for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
            supervise(
                (struct policy){.kinds = 31, .rate = rates[i], .random = storm_seed(round * 8 + i)},
                "any");
}

static void refuse_all(unsigned nr, const char *refusals_max)
{
    supervise((struct policy){.kinds = kind_of((int)nr), .rate = 1}, refusals_max);
}

static void no_mmap(void)
{
    refuse_all(SYS_mmap, "any");
}

static void no_munmap(void)
{
    refuse_all(SYS_munmap, "0");
}

static void no_mprotect(void)
{
    refuse_all(SYS_mprotect, "any");
}

static void no_madvise(void)
{
    refuse_all(SYS_madvise, "0");
}

static void no_mremap(void)
{
    refuse_all(SYS_mremap, "0");
}

/* ---- a filter that refuses what the library can do without ---- */

static void deny(const int *numbers, size_t n_numbers, int err)
{
    struct sock_filter code[40];
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n_numbers; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i],
                                                 (unsigned char)(n_numbers - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        _exit(77);
}

static void run_denied(int err)
{
    static const int needless[] = {SYS_mremap,          SYS_getrandom,         SYS_getcpu,
                                   SYS_membarrier,      SYS_sched_getaffinity, SYS_rseq,
                                   SYS_process_vm_readv};
    pid_t pid = fork();
    if (pid == 0) {
        deny(needless, sizeof needless / sizeof needless[0], err);
        execl(SUBJECT, SUBJECT, "0", (char *)NULL);
        _exit(9);
    }
    storm_child_ends(pid, err == ENOSYS ? "ENOSYS to the rest" : "EPERM to the rest");
}

static void needless_calls_are_denied(void)
{
    run_denied(ENOSYS);
    run_denied(EPERM);
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"each_call_once", each_call_once, 120},
        {"one_in_so_many", one_in_so_many, 60},
        {"no_mmap", no_mmap, 60},
        {"no_munmap", no_munmap, 60},
        {"no_mprotect", no_mprotect, 60},
        {"no_madvise", no_madvise, 60},
        {"no_mremap", no_mremap, 60},
        {"needless_calls_are_denied", needless_calls_are_denied, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
