/* launch.c: starts one program and writes what it cost as one JSON object.
 *
 *     launch OUT.json [--preload SO] [--env K=V]... [--timeout S] [--syscalls] [--untraced] \
 *         -- CMD...
 *
 * Static and small, because exec keeps the greatest resident size of what ran in the process
 * before: ru_maxrss of a small program is that of its launcher. Peaks are therefore read from
 * VmHWM, which belongs to the new memory alone, while each process stands still just before its
 * end.
 *
 * Every process of the program is traced for these stops. Threads are not (but with --syscalls), so
 * a program pays per process and not per thread or call. The launcher is a subreaper: times come
 * from RUSAGE_CHILDREN, which holds each process that was waited for once, orphans too. Orphans
 * that outlive the first process are ended. --untraced is for a driver that starts a launcher
 * itself: a process has one tracer.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ENV_MAX = 32, TASKS_MAX = 4096 };

struct wish {
    const char *out, *preload, *env[ENV_MAX];
    int n_env, timeout_s;
    bool syscalls, untraced;
    char **command;
};

struct cost {
    bool traced, timeout, syscalls;
    int status; /* of the first process, as wait4 gives it */
    double wall_s;
    long peak_kib, exit_rss_kib, n_processes;
    uint64_t n_syscalls;
    struct rusage usage;
};

static volatile sig_atomic_t wanted_end;

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("launch: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(125);
}

static void on_tick(int number)
{
    (void)number; /* it has done its work by ending a wait */
}

static void on_end(int number)
{
    wanted_end = number;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The text of /proc/PID/`file`, cut at the size of `ret_text`; false when there is none. */
static bool proc_text(pid_t pid, const char *file, char *ret_text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t n;
    while (length < size - 1 && (n = read(fd, ret_text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    close(fd);
    ret_text[length] = 0;
    return true;
}

/* The number in KiB behind `key` in /proc/PID/`file`; -1 when there is none. */
static long proc_kib(pid_t pid, const char *file, const char *key)
{
    char text[8192];
    if (!proc_text(pid, file, text, sizeof text))
        return -1;
    const char *found = strstr(text, key);
    return found ? strtol(found + strlen(key), NULL, 10) : -1;
}

static void read_wish(int argc, char **argv, struct wish *ret_wish)
{
    struct wish wish = {.timeout_s = 0};
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool has_value = i + 1 < argc;
        if (!strcmp(argv[i], "--preload") && has_value)
            wish.preload = argv[++i];
        else if (!strcmp(argv[i], "--env") && has_value && wish.n_env < ENV_MAX)
            wish.env[wish.n_env++] = argv[++i];
        else if (!strcmp(argv[i], "--timeout") && has_value)
            wish.timeout_s = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--syscalls"))
            wish.syscalls = true;
        else if (!strcmp(argv[i], "--untraced"))
            wish.untraced = true;
        else if (argv[i][0] != '-' && !wish.out)
            wish.out = argv[i];
        else
            die("%s: not understood", argv[i]);
    }
    if (!wish.out || i + 1 >= argc)
        die("launch OUT.json [--preload SO] [--env K=V]... [--timeout S] [--syscalls] [--untraced]"
            " -- CMD...");
    wish.command = argv + i + 1;
    *ret_wish = wish;
}

/* In the child: waits until the parent traces it, then becomes the program. Traced, it cannot
 * outlive the launcher; a driver is asked to end.
 */
static void become(const struct wish *wish, int gate, const sigset_t *mask)
{
    char byte;
    while (read(gate, &byte, 1) < 0 && errno == EINTR)
        ;
    close(gate);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (wish->untraced)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    unsetenv("LD_PRELOAD"); /* what is measured runs on what was asked for and nothing else */
    if (wish->preload && *wish->preload)
        setenv("LD_PRELOAD", wish->preload, 1);
    for (int i = 0; i < wish->n_env; i++)
        putenv((char *)wish->env[i]);
    execvp(wish->command[0], wish->command);
    fprintf(stderr, "launch: %s: %s\n", wish->command[0], strerror(errno));
    _exit(127);
}

static void read_exit_stop(pid_t pid, bool is_first, struct cost *cost)
{
    long peak = proc_kib(pid, "status", "VmHWM:"), rss = proc_kib(pid, "smaps_rollup", "\nRss:");
    if (rss > peak)
        peak = rss;
    if (peak > cost->peak_kib)
        cost->peak_kib = peak;
    if (is_first && rss >= 0)
        cost->exit_rss_kib = rss;
}

/* Lets a stopped process go on: with its signal when it stopped for one. */
static void go_on(pid_t pid, pid_t first, int status, struct cost *cost)
{
    int request = cost->syscalls ? PTRACE_SYSCALL : PTRACE_CONT;
    int stop = WSTOPSIG(status), event = status >> 16;
    long deliver = 0;
    if (event == PTRACE_EVENT_EXIT) {
        read_exit_stop(pid, pid == first, cost);
        request = PTRACE_CONT;
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
        cost->n_processes++;
    } else if (event == PTRACE_EVENT_STOP) {
        if (stop == SIGSTOP || stop == SIGTSTP || stop == SIGTTIN || stop == SIGTTOU)
            request = PTRACE_LISTEN; /* a stop of the whole group: it stays stopped */
    } else if (event == 0 && stop == (SIGTRAP | 0x80)) {
        cost->n_syscalls++; /* entry and exit: halved when printed */
    } else if (event == 0) {
        deliver = stop;
    }
    ptrace(request, pid, 0, deliver);
}

static void end_all(pid_t first)
{
    kill(-first, SIGKILL); /* its group */
    kill(first, SIGKILL);
}

/* What became ours because its parent has ended; its own children become ours next. */
static void end_orphans(void)
{
    char file[64], text[8192];
    snprintf(file, sizeof file, "task/%d/children", (int)getpid());
    if (!proc_text(getpid(), file, text, sizeof text))
        return;
    char *at = text;
    for (long pid; (pid = strtol(at, &at, 10)) > 0;)
        kill((pid_t)pid, SIGKILL);
}

/* Until nothing of the program is left; orphans are ended when the first process has ended. */
static void attend(pid_t first, int timeout_s, struct cost *cost)
{
    double begin = now_s();
    bool first_lives = true;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (timeout_s > 0 && !cost->timeout && now_s() - begin > timeout_s) {
            cost->timeout = true;
            end_all(first);
        }
        if (wanted_end && first_lives) {
            kill(first, wanted_end); /* a driver ends its server by ending us */
            wanted_end = 0;
        }
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (WIFSTOPPED(status)) {
            go_on(pid, first, status, cost);
        } else if (pid == first) {
            first_lives = false;
            cost->status = status;
            cost->wall_s = now_s() - begin;
        }
        if (!first_lives)
            end_orphans();
    }
}

static void trace(pid_t pid, struct cost *cost)
{
    long options =
        PTRACE_O_EXITKILL | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (cost->syscalls)
        options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD;
    cost->traced = ptrace(PTRACE_SEIZE, pid, 0, options) == 0;
    if (cost->traced && cost->syscalls && ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0)
        cost->traced = false;
}

static void write_cost(const char *path, const struct cost *cost)
{
    FILE *file = fopen(path, "we");
    if (!file)
        die("%s: %s", path, strerror(errno));
    const struct rusage *u = &cost->usage;
    double user_s = (double)u->ru_utime.tv_sec + (double)u->ru_utime.tv_usec * 1e-6;
    double sys_s = (double)u->ru_stime.tv_sec + (double)u->ru_stime.tv_usec * 1e-6;
    int code = WIFEXITED(cost->status) ? WEXITSTATUS(cost->status) : -1;
    fprintf(file, "{\"status\": %d, \"signal\": %d, \"timeout\": %s, \"traced\": %s,\n", code,
            WIFSIGNALED(cost->status) ? WTERMSIG(cost->status) : 0,
            cost->timeout ? "true" : "false", cost->traced ? "true" : "false");
    fprintf(file, " \"wall_s\": %.6f, \"user_s\": %.6f, \"sys_s\": %.6f, \"cpu_s\": %.6f,\n",
            cost->wall_s, user_s, sys_s, user_s + sys_s);
    long peak = cost->peak_kib > 0 ? cost->peak_kib : u->ru_maxrss;
    fprintf(file, " \"peak_kib\": %ld, \"maxrss_kib\": %ld, \"exit_rss_kib\": ", peak,
            u->ru_maxrss);
    if (cost->exit_rss_kib >= 0)
        fprintf(file, "%ld,\n", cost->exit_rss_kib);
    else
        fprintf(file, "null,\n");
    fprintf(file, " \"minflt\": %ld, \"majflt\": %ld, \"vcsw\": %ld, \"ivcsw\": %ld,\n",
            u->ru_minflt, u->ru_majflt, u->ru_nvcsw, u->ru_nivcsw);
    fprintf(file, " \"processes\": %ld, \"syscalls\": ", cost->n_processes);
    if (cost->syscalls && cost->traced)
        fprintf(file, "%llu}\n", (unsigned long long)cost->n_syscalls / 2);
    else
        fprintf(file, "null}\n");
    if (fclose(file) != 0)
        die("%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
    struct wish wish;
    read_wish(argc, argv, &wish);
    struct cost cost = {.exit_rss_kib = -1, .n_processes = 1, .syscalls = wish.syscalls};

    struct sigaction tick_action = {.sa_handler = on_tick}, end_action = {.sa_handler = on_end};
    sigaction(SIGALRM, &tick_action, NULL); /* no SA_RESTART: waitpid returns */
    sigaction(SIGTERM, &end_action, NULL);
    sigaction(SIGINT, &end_action, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody wants to know any more */

    int gate[2];
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    if (pipe2(gate, O_CLOEXEC) != 0)
        die("pipe: %s", strerror(errno));
    pid_t first = fork();
    if (first < 0)
        die("fork: %s", strerror(errno));
    if (first == 0) {
        setpgid(0, 0);
        close(gate[1]);
        become(&wish, gate[0], &mask);
    }
    setpgid(first, first);
    close(gate[0]);
    if (!wish.untraced)
        trace(first, &cost);
    /* Ticks, because a signal may come between the look at its flag and the wait. */
    struct itimerval tick = {{0, 250000}, {0, 250000}};
    setitimer(ITIMER_REAL, &tick, NULL);
    close(gate[1]);
    attend(first, wish.timeout_s, &cost);
    getrusage(RUSAGE_CHILDREN, &cost.usage);
    write_cost(wish.out, &cost);
    if (cost.timeout)
        return 124;
    return WIFEXITED(cost.status) ? WEXITSTATUS(cost.status) : 128 + WTERMSIG(cost.status);
}
