/* limits.c: memory runs out: by address space, by data size, by the library's own limit, by the
 * control group, by strict overcommit; and memory that is locked. Filled with blocks of 16 B,
 * 4 KiB, 1 MiB and mixed sizes until NULL, then freed, then the same amount again. (F12, F13,
 * F16) */
#include "storm.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define MIXED 0 /* as a block size: drawn anew for each block */

/* ---- filling, in a process that has a limit ---- */

/* Blocks form a list through their first word; the second one proves that none overlap. */
struct filler {
    struct filler *next;
    uintptr_t check;
};

static size_t fill_max = (size_t)8 << 30; /* no limit is that high: it was not in force */

static uintptr_t check_of(const struct filler *block)
{
    return (uintptr_t)block ^ (uintptr_t)block->next ^ 0x5eed;
}

/* Takes blocks until NULL; returns their bytes. */
static size_t fill(struct filler **list, size_t size, uint64_t *state)
{
    size_t bytes = 0;
    for (;;) {
        size_t n = size ? size : sizeof(struct filler) + storm_pick_size(state, MIB);
        errno = 0;
        struct filler *block = malloc(n);
        if (!block) {
            STORM_REQUIRE(errno == ENOMEM, "NULL with errno %d", errno);
            return bytes;
        }
        for (size_t at = 4096; at < n; at += 4096) /* memory, not only addresses */
            ((char *)block)[at] = 1;
        block->next = *list;
        block->check = check_of(block);
        *list = block;
        bytes += n;
        STORM_REQUIRE(bytes < fill_max, "%zu bytes of %zu B blocks and no end", bytes, size);
    }
}

static void drop(struct filler **list)
{
    while (*list) {
        struct filler *block = *list;
        STORM_REQUIRE(block->check == check_of(block), "block %p was overwritten", (void *)block);
        *list = block->next;
        free(block);
    }
}

/* Every entry point when there is nothing left. */
static void require_refusals(void)
{
    void *p = NULL;
    size_t n = 64 * MIB;
    STORM_REQUIRE(!malloc(n) && errno == ENOMEM, "malloc at the limit");
    errno = 0;
    STORM_REQUIRE(!calloc(n, 2) && errno == ENOMEM, "calloc at the limit");
    errno = 0;
    STORM_REQUIRE(!aligned_alloc(4096, n) && errno == ENOMEM, "aligned_alloc at the limit");
    errno = 0;
    STORM_REQUIRE(posix_memalign(&p, 64, n) == ENOMEM && errno == 0 && !p,
                  "posix_memalign at the limit");
}

static void fill_free_and_fill_again(void)
{
    static const size_t sizes[] = {16, 4096, MIB, MIXED};
    struct filler *list = NULL;
    uint64_t state = storm_seed(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t same = state; /* the same sizes both times */
        size_t first = fill(&list, sizes[i], &state);
        require_refusals();
        drop(&list);
        size_t second = fill(&list, sizes[i], &same);
        drop(&list);
        storm_say("%7zu B: %zu MiB, again %zu MiB", sizes[i], first / MIB, second / MIB);
        STORM_REQUIRE(first >= 8 * MIB, "nothing much fits");
        STORM_REQUIRE(second >= first - first / 8, "less fits the second time");
    }
    void *large = malloc(16 * MIB);
    STORM_REQUIRE(large, "a large block after small ones");
    free(large);
}

/* Eight threads meet the limit at once, and one is born at it. */
#define N_THREADS 8
static pthread_barrier_t filled;
static _Atomic size_t filled_bytes[2];

static void *born_at_the_limit(void *arg)
{
    (void)arg;
    for (size_t n = 16; n < MIB; n *= 4)
        free(malloc(n)); /* NULL is fine */
    return NULL;
}

static void *fill_in_thread(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    struct filler *list = NULL;
    for (int round = 0; round < 2; round++) {
        atomic_fetch_add(&filled_bytes[round], fill(&list, MIXED, &state));
        if (pthread_barrier_wait(&filled) == PTHREAD_BARRIER_SERIAL_THREAD) {
            pthread_t newcomer;
            if (pthread_create(&newcomer, NULL, born_at_the_limit, NULL) == 0)
                pthread_join(newcomer, NULL);
        }
        pthread_barrier_wait(&filled);
        drop(&list);
        malloc_trim(0);
        pthread_barrier_wait(&filled);
    }
    return NULL;
}

static void fill_in_threads(void)
{
    pthread_t threads[N_THREADS];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    pthread_barrier_init(&filled, NULL, N_THREADS);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        STORM_REQUIRE(pthread_create(&threads[i], &attr, fill_in_thread, (void *)i) == 0,
                      "no thread");
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    storm_say("8 threads: %zu MiB, again %zu MiB", filled_bytes[0] / MIB, filled_bytes[1] / MIB);
    STORM_REQUIRE(filled_bytes[0] >= 8 * MIB, "nothing much fits");
    STORM_REQUIRE(filled_bytes[1] >= filled_bytes[0] / 2, "less fits the second time");
}

/* ---- processes with a limit ---- */

static const char *const parts[] = {".fill", ".fill_in_threads"};

/* Runs the parts with the limit that `set` makes in the child. */
static void under(int (*set)(size_t limit), size_t limit, const char *what)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char **argv = storm_argv(parts[i]);
        storm_say("%s, %zu MiB:", what, limit / MIB);
        pid_t pid = fork();
        if (pid == 0) {
            if (set(limit) != 0)
                _exit(8);
            execv(argv[0], argv);
            _exit(9);
        }
        storm_child_ends(pid, what);
    }
}

static int set_rlimit(int what, size_t limit)
{
    struct rlimit value = {.rlim_cur = limit, .rlim_max = limit};
    return setrlimit(what, &value);
}

static int set_address_space(size_t limit)
{
    return set_rlimit(RLIMIT_AS, limit);
}

static int set_data_size(size_t limit)
{
    return set_rlimit(RLIMIT_DATA, limit);
}

static int set_own_limit(size_t limit)
{
    char more[64];
    snprintf(more, sizeof more, "limit=%zuM", limit / MIB);
    return setenv("ASHLAR", storm_options(more), 1);
}

static void address_space(void)
{
    under(set_address_space, 64 * MIB, "RLIMIT_AS");
    under(set_address_space, 300 * MIB, "RLIMIT_AS");
    if (storm_is_long())
        under(set_address_space, 3000 * MIB, "RLIMIT_AS");
}

static void data_size(void)
{
    under(set_data_size, 100 * MIB, "RLIMIT_DATA");
    if (storm_is_long())
        under(set_data_size, 2000 * MIB, "RLIMIT_DATA");
}

static void own_limit(void)
{
    under(set_own_limit, 64 * MIB, "limit=");
    if (storm_is_long())
        under(set_own_limit, 1000 * MIB, "limit=");
}

/* ---- control groups ---- */

static char group_path[PATH_MAX]; /* of the group that was made here */

static bool write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* Our own group's folder, from a line of /proc/self/cgroup that begins behind its number with
 * `controller`. */
static bool find_group(const char *controller, const char *root, char *ret_path, size_t n)
{
    char line[PATH_MAX];
    FILE *file = fopen("/proc/self/cgroup", "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *name = strchr(line, ':');
        found = name && strncmp(name, controller, strlen(controller)) == 0;
        if (found)
            snprintf(ret_path, n, "%s%.*s", root, (int)strcspn(name + strlen(controller), "\n"),
                     name + strlen(controller));
    }
    if (file)
        fclose(file);
    return found;
}

/* Makes a group with a limit below our own. NULL, or why that is not possible here. */
static const char *make_group(size_t limit)
{
    char own[PATH_MAX / 2], text[32];
    bool v1 = find_group(":memory:", "/sys/fs/cgroup/memory", own, sizeof own);
    if (!v1 && !find_group("::", "/sys/fs/cgroup", own, sizeof own))
        return "no memory control group";
    snprintf(group_path, sizeof group_path, "%s/ashlar-limits-%d", own, getpid());
    if (mkdir(group_path, 0755) != 0)
        return "control groups cannot be made here";
    snprintf(text, sizeof text, "%zu", limit);
    if (!write_file(group_path, v1 ? "memory.limit_in_bytes" : "memory.max", text))
        return "the limit of a control group cannot be set here";
    return NULL;
}

static int join_group(size_t limit)
{
    (void)limit;
    char pid[32];
    snprintf(pid, sizeof pid, "%d", getpid());
    if (!write_file(group_path, "cgroup.procs", pid))
        return -1;
    return setenv("ASHLAR", storm_options("limit=cgroup"), 1);
}

static void control_group(void)
{
    const char *why_not = make_group(96 * MIB);
    if (!why_not) {
        pid_t pid = fork(); /* so that a failure inside leaves the group to be removed */
        if (pid == 0) {
            under(join_group, 96 * MIB, "limit=cgroup");
            _exit(0);
        }
        int status = 1;
        waitpid(pid, &status, 0);
        rmdir(group_path);
        STORM_REQUIRE(status == 0, "in a control group");
        return;
    }
    rmdir(group_path);
    storm_skip("%s", why_not);
}

/* ---- strict overcommit: changes the whole machine, so only on request ---- */

#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"

static int keep_limit(size_t limit)
{
    /* below what the machine admits: other programs must not suffer */
    return set_address_space(limit);
}

static void strict_overcommit(void)
{
    if (!getenv("ASHLAR_SYSTEM_TESTS"))
        storm_skip("it changes " OVERCOMMIT " for a moment: set ASHLAR_SYSTEM_TESTS=1");
    char before[8] = "";
    int fd = open(OVERCOMMIT, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, before, 1) : 0;
    if (fd >= 0)
        close(fd);
    if (n != 1 || !write_file("/proc/sys/vm", "overcommit_memory", "2"))
        storm_skip("%s cannot be written", OVERCOMMIT);
    pid_t pid = fork();
    if (pid == 0) {
        under(keep_limit, 400 * MIB, "overcommit 2 and RLIMIT_AS");
        under(set_own_limit, 100 * MIB, "overcommit 2 and limit=");
        _exit(0);
    }
    int status = 1;
    waitpid(pid, &status, 0);
    STORM_REQUIRE(write_file("/proc/sys/vm", "overcommit_memory", before),
                  "overcommit_memory is still 2, it was %s", before);
    STORM_REQUIRE(pid > 0 && status == 0, "under strict overcommit");
}

/* ---- locked memory ---- */

static void churn_and_verify(void)
{
    static unsigned char *held[400];
    uint64_t state = storm_seed(9);
    for (unsigned i = 0; i < storm_size(2000, 8000, 100000); i++) {
        unsigned slot = (unsigned)(storm_random(&state) % 400);
        free(held[slot]);
        size_t n = storm_pick_size(&state, MIB / 2);
        held[slot] = calloc(1, n);
        STORM_REQUIRE(held[slot], "no memory");
        STORM_REQUIRE(storm_is_zero(held[slot], n), "calloc(%zu) is not zero", n);
        memset(held[slot], 0xEE, n);
        if (i % 500 == 0)
            malloc_trim(0); /* what is locked cannot be released, and is not zero */
    }
    for (int i = 0; i < 400; i++) {
        free(held[i]);
        held[i] = NULL;
    }
}

static void lock_all(int flags)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    if (mlockall(flags) != 0)
        storm_skip("mlockall: %s", strerror(errno));
}

static void locked_before_use(void)
{
    size_t before = storm_resident();
    lock_all(MCL_CURRENT | MCL_FUTURE);
    size_t locked = storm_resident();
    churn_and_verify();
    size_t after = storm_resident();
    storm_say("resident %zu MiB, locked %zu MiB, after churn %zu MiB", before / MIB, locked / MIB,
              after / MIB);
    /* reserved addresses must not become memory: a region has 1,024 MiB of them */
    STORM_REQUIRE(after < 400 * MIB, "locking filled reserved addresses");
}

static void locked_after_use(void)
{
    churn_and_verify();
    size_t before = storm_resident();
    lock_all(MCL_CURRENT);
    size_t locked = storm_resident();
    churn_and_verify();
    storm_say("resident %zu MiB, locked %zu MiB", before / MIB, locked / MIB);
    STORM_REQUIRE(locked < 400 * MIB, "locking filled reserved addresses");
    munlockall();
    malloc_trim(0);
    size_t rest = storm_resident();
    STORM_REQUIRE(rest < 64 * MIB, "%zu MiB after unlocking and trim", rest / MIB);
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"address_space", address_space, 120},
        {"data_size", data_size, 60},
        {"own_limit", own_limit, 60},
        {"control_group", control_group, 60},
        {"strict_overcommit", strict_overcommit, 60},
        {"locked_before_use", locked_before_use, 60},
        {"locked_after_use", locked_after_use, 60},
        {".fill", fill_free_and_fill_again, 60},
        {".fill_in_threads", fill_in_threads, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
