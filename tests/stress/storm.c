/* storm.c: the frame of the stress and fault tests; see storm.h. */
#include "storm.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define LONG_FACTOR 20
#define FULL_PATTERN 4096 /* blocks up to here are written and read whole */

enum size { QUICK, SHORT, LONG };
static enum size size_wanted = SHORT;
static uint64_t seed;
static pid_t running; /* the group of the case that runs; 0: none */

unsigned storm_size(unsigned quick, unsigned normal, unsigned large)
{
    return size_wanted == QUICK ? quick : size_wanted == LONG ? large : normal;
}

bool storm_is_long(void)
{
    return size_wanted == LONG;
}

uint64_t storm_random(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u; /* splitmix64 (Steele, Lea, Flood 2014) */
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t storm_seed(uint64_t stream)
{
    uint64_t state = seed ^ (stream + 1) * 0xD1B54A32D192ED03u;
    return storm_random(&state);
}

/* One write, from the stack: children of threaded processes may hold no lock of stdio. */
static void put_line(const char *head, const char *format, va_list args)
{
    char text[600];
    int n = snprintf(text, sizeof text, "%s", head);
    n += vsnprintf(text + n, sizeof text - (size_t)n - 1, format, args);
    if (n > (int)sizeof text - 2)
        n = (int)sizeof text - 2;
    text[n] = '\n';
    if (write(STDOUT_FILENO, text, (size_t)n + 1) < 0)
        return; /* nobody listens */
}

void storm_fail(const char *file, int line, const char *format, ...)
{
    char head[300];
    const char *base = strrchr(file, '/');
    snprintf(head, sizeof head, "  %s:%d (pid %d): ", base ? base + 1 : file, line, getpid());
    va_list args;
    va_start(args, format);
    put_line(head, format, args);
    va_end(args);
    _exit(1);
}

void storm_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("  skipped: ", format, args);
    va_end(args);
    _exit(EXIT_SKIPPED);
}

void storm_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("  ", format, args);
    va_end(args);
}

/* ---- children ---- */

void storm_child_begins(void)
{
    /* the default action ends the process, whatever its threads wait for */
    signal(SIGALRM, SIG_DFL);
    alarm(STORM_CHILD_S);
}

void storm_child_ends(pid_t pid, const char *what)
{
    STORM_REQUIRE(pid > 0, "%s: no child: %s", what, strerror(errno));
    int status;
    while (waitpid(pid, &status, 0) < 0)
        STORM_REQUIRE(errno == EINTR, "%s: waitpid: %s", what, strerror(errno));
    bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    STORM_REQUIRE(!hung, "%s: the child hung for %d s", what, STORM_CHILD_S);
    STORM_REQUIRE(!WIFSIGNALED(status), "%s: the child died of signal %d", what, WTERMSIG(status));
    STORM_REQUIRE(WEXITSTATUS(status) == 0, "%s: the child ended with %d", what,
                  WEXITSTATUS(status));
}

char **storm_argv(const char *case_name)
{
    static char size_flag[16], seed_text[32], name[64];
    static char *argv[] = {"/proc/self/exe", "--run", size_flag, seed_text, name, NULL};
    snprintf(size_flag, sizeof size_flag, "%d", (int)size_wanted);
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    snprintf(name, sizeof name, "%s", case_name);
    return argv;
}

char *storm_options(const char *more)
{
    const char *old = getenv("ASHLAR");
    char *all = NULL;
    int n = asprintf(&all, "%s%s%s", old ? old : "", old && *old ? "," : "", more);
    STORM_REQUIRE(n >= 0, "asprintf failed");
    return all;
}

/* ---- contents ---- */

static unsigned char pattern(uint64_t tag, size_t i)
{
    return (unsigned char)(tag * 31 + i * 7 + (i >> 8));
}

/* The next byte of the pattern behind i. */
static size_t after(size_t i, size_t n)
{
    if (n <= FULL_PATTERN || i < 63 || i >= n - 64)
        return i + 1;
    size_t next = (i & ~(size_t)4095) + 4096;
    return next < n - 64 ? next : n - 64;
}

void storm_fill(void *p, size_t n, uint64_t tag)
{
    unsigned char *bytes = p;
    for (size_t i = 0; i < n; i = after(i, n))
        bytes[i] = pattern(tag, i);
}

bool storm_is_filled(const void *p, size_t n, uint64_t tag)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i = after(i, n))
        if (bytes[i] != pattern(tag, i))
            return false;
    return true;
}

size_t storm_pick_size(uint64_t *state, size_t max)
{
    static const size_t upper[] = {64, 64, 256, 256, 1024, 1024, 8192, 65536, 1 << 20};
    uint64_t x = storm_random(state);
    size_t limit = upper[x % (sizeof upper / sizeof upper[0])];
    if (limit > max)
        limit = max;
    return 1 + (size_t)(x >> 16) % limit;
}

bool storm_is_zero(const void *p, size_t n)
{
    const unsigned char *bytes = p;
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* ---- facts ---- */

size_t storm_resident(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    char *second = n > 0 ? strchr(text, ' ') : NULL;
    return second ? strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

double storm_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the supervisor ---- */

static void print_file(const char *folder, const char *name)
{
    char path[PATH_MAX], text[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return;
    text[n] = 0;
    text[strcspn(text, "\n")] = 0;
    printf(" %s: %s", name, text);
}

/* What the threads of a hung process wait for. */
static void print_threads(int pid)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "/proc/%d/task", pid);
    DIR *tasks = opendir(folder);
    struct dirent *task;
    while (tasks && (task = readdir(tasks))) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(folder, sizeof folder, "/proc/%d/task/%s", pid, task->d_name);
        printf("  hung: process %d thread %s", pid, task->d_name);
        print_file(folder, "wchan");
        print_file(folder, "syscall");
        printf("\n");
    }
    if (tasks)
        closedir(tasks);
    if (getenv("ASHLAR_STORM_GDB")) {
        snprintf(folder, sizeof folder, "gdb -p %d -batch -ex 'thread apply all bt' 2>&1", pid);
        if (system(folder) != 0)
            printf("  no stacks: gdb failed\n");
    }
}

static void print_group(pid_t group)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes && (entry = readdir(processes))) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && getpgid(pid) == group)
            print_threads(pid);
    }
    if (processes)
        closedir(processes);
}

static void kill_group_and_go(int sig)
{
    if (running > 0)
        kill(-running, SIGKILL);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void wake_up(int sig)
{
    (void)sig; /* only to interrupt waitpid */
}

/* Waits at most limit_s. false: the time is over. */
static bool wait_for(pid_t pid, unsigned limit_s, int *ret_status)
{
    double end_s = storm_now_s() + limit_s;
    struct sigaction action = {.sa_handler = wake_up};
    sigaction(SIGALRM, &action, NULL);
    /* repeated, as the first one may come just before waitpid begins */
    struct itimerval timer = {.it_value.tv_sec = limit_s, .it_interval.tv_sec = 1};
    setitimer(ITIMER_REAL, &timer, NULL);
    bool ended;
    while (!(ended = waitpid(pid, ret_status, 0) == pid))
        if (errno != EINTR || storm_now_s() >= end_s)
            break;
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    return ended;
}

static void run_here(const struct storm_case *one)
{
    one->run();
    fflush(NULL);
    _exit(0);
}

static pid_t start_case(const struct storm_case *one)
{
    fflush(NULL);
    char **argv = storm_argv(one->name);
    pid_t pid = fork();
    if (pid != 0) {
        if (pid > 0)
            setpgid(pid, pid);
        return pid;
    }
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getenv("ASHLAR_EMULATED")) /* /proc/self/exe would be the emulator */
        run_here(one);
    execv(argv[0], argv);
    storm_fail(__FILE__, __LINE__, "exec: %s", strerror(errno));
}

/* 0 passed, 77 skipped, else failed. */
static int run_case(const struct storm_case *one)
{
    unsigned limit_s = storm_is_long() ? one->limit_s * LONG_FACTOR : one->limit_s;
    double start_s = storm_now_s();
    int status = 0, code = 1;
    running = start_case(one);
    if (running < 0) {
        printf("FAIL %s: no process: %s\n", one->name, strerror(errno));
        return 1;
    }
    if (!wait_for(running, limit_s, &status)) {
        print_group(running);
        printf("FAIL %s: hung, killed after %u s\n", one->name, limit_s);
        kill(-running, SIGKILL);
        waitpid(running, &status, 0);
    } else if (WIFSIGNALED(status)) {
        printf("FAIL %s: died of signal %d\n", one->name, WTERMSIG(status));
    } else {
        code = WEXITSTATUS(status);
        printf("%s %s (%.1f s)\n",
               code == 0              ? "ok  "
               : code == EXIT_SKIPPED ? "skip"
                                      : "FAIL",
               one->name, storm_now_s() - start_s);
    }
    kill(-running, SIGKILL); /* what it left behind */
    running = 0;
    return code;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 0 && name[0] != '.';
}

static uint64_t draw_seed(void)
{
    uint64_t x = 0;
    if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x)
        x = (uint64_t)getpid() ^ (uint64_t)time(NULL) << 20;
    return x % 1000000000; /* short enough to be typed */
}

/* --run SIZE SEED NAME: one case, in this process. */
static void run_inside(char **argv, const struct storm_case *cases, size_t n_cases)
{
    size_wanted = (enum size)atoi(argv[2]);
    seed = strtoull(argv[3], NULL, 10);
    for (size_t i = 0; i < n_cases; i++)
        if (strcmp(cases[i].name, argv[4]) == 0)
            run_here(&cases[i]);
    storm_fail(__FILE__, __LINE__, "no case %s", argv[4]);
}

static enum size size_named(const char *name)
{
    return strcmp(name, "quick") == 0 ? QUICK : strcmp(name, "long") == 0 ? LONG : SHORT;
}

static int usage(const char *program, const char *argument)
{
    fprintf(stderr, "%s: %s is unknown; use [--quick | --long] [--seed N] [--list] [CASE...]\n",
            program, argument);
    return 1;
}

/* Takes the options; returns the index of the first case name, or -1 for a wrong option. */
static int take_options(int argc, char **argv, bool *ret_list)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--quick") == 0 || strcmp(argv[i], "--long") == 0)
            size_wanted = size_named(argv[i] + 2);
        else if (strcmp(argv[i], "--list") == 0)
            *ret_list = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else
            return usage(argv[0], argv[i]), -1;
    }
    return i;
}

/* The loader only warns about a library that it cannot load; the storm would then rage over
 * another malloc. */
static bool is_loaded(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return !preload || !strstr(preload, "libashlar") || dlsym(RTLD_DEFAULT, "ashlar_stats");
}

int storm_main(int argc, char **argv, const struct storm_case *cases, size_t n_cases)
{
    if (argc == 5 && strcmp(argv[1], "--run") == 0)
        run_inside(argv, cases, n_cases);
    const char *size = getenv("ASHLAR_STORM");
    size_wanted = size ? size_named(size) : SHORT;
    seed = draw_seed();
    bool list = false;
    int first = take_options(argc, argv, &list);
    if (first < 0)
        return 2;
    for (size_t i = 0; list && i < n_cases; i++)
        printf("%s\n", cases[i].name);
    if (list)
        return 0;
    if (!is_loaded()) {
        printf("LD_PRELOAD names Ashlar, but it is not loaded\n0 passed, 1 failed\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log is followed while the storm lasts */
    printf("seed %llu\n", (unsigned long long)seed);
    signal(SIGTERM, kill_group_and_go);
    signal(SIGINT, kill_group_and_go);
    unsigned n_passed = 0, n_failed = 0, n_skipped = 0;
    for (size_t i = 0; i < n_cases; i++) {
        if (!is_wanted(cases[i].name, argc - first, argv + first))
            continue;
        int code = run_case(&cases[i]);
        n_passed += code == 0;
        n_skipped += code == EXIT_SKIPPED;
        n_failed += code != 0 && code != EXIT_SKIPPED;
    }
    if (n_skipped)
        printf("%u skipped\n", n_skipped);
    printf("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed || n_passed + n_skipped == 0 ? 1 : 0;
}
