/* addresses.c: the same program with one thread gets the same addresses, up to a base (F29).
 *
 * The program runs itself twice and compares the distances of all blocks from the first one. It
 * stays on one CPU, because a thread's first blocks come from a heap of its CPU.
 */
#include "conform.h"
#include <sched.h>
#include <sys/wait.h>

enum { N_SLOTS = 2000, N_STEPS = 60000 };

static uintptr_t base;
static uint64_t hash = 1469598103934665603u;
static void *slots[N_SLOTS];

static void note(const void *p)
{
    if (!base)
        base = (uintptr_t)p;
    hash = (hash ^ ((uintptr_t)p - base)) * 1099511628211u;
}

/* Sizes below glibc's threshold for mappings of their own, whose base is another. */
static void step(uint64_t random)
{
    void **slot = &slots[random % N_SLOTS];
    size_t bytes = random >> 20 & (((size_t)16 << (random >> 60 & 7)) - 1);
    switch (random >> 16 & 7) {
    case 0:
        *slot = realloc(*slot, bytes + 1);
        break;
    case 1:
        free(*slot);
        *slot = memalign(64, bytes);
        break;
    case 2:
        free(*slot);
        *slot = NULL;
        return;
    default:
        free(*slot);
        *slot = malloc(bytes * (random >> 50 & 15));
    }
    note(*slot);
}

/* Runs the sequence and prints what it saw. */
static int run_sequence(void)
{
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < N_STEPS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        step(random);
        if (i % 1000 == 0)
            dprintf(STDOUT_FILENO, "%u %lx\n", i, (unsigned long)hash);
    }
    return 0;
}

/* What a run of this program prints. */
static size_t output_of_a_run(char *ret_text, size_t room)
{
    int ends[2];
    if (pipe(ends) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(sched_getcpu(), &first);
        sched_setaffinity(0, sizeof first, &first);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "addresses", "run", NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; len < room - 1 && (n = read(ends[0], ret_text + len, room - 1 - len)) > 0;)
        len += (size_t)n;
    ret_text[len] = 0;
    close(ends[0]);
    int status = 1;
    return waitpid(child, &status, 0) == child && status == 0 ? len : 0;
}

static void two_runs_get_the_same(void)
{
    static char first[8192], second[8192];
    CHECK(output_of_a_run(first, sizeof first) > 100);
    for (unsigned i = 0; i < 5; i++) {
        CHECK(output_of_a_run(second, sizeof second) > 100);
        size_t same = 0;
        while (first[same] && first[same] == second[same])
            same++;
        while (same && first[same - 1] != '\n')
            same--;
        CHECK_THAT(strcmp(first, second) == 0, "they part before step %d", atoi(first + same));
    }
}

static const struct conform_case cases[] = {
    {"six runs get the same addresses up to the base", two_runs_get_the_same},
};

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? run_sequence() : conform_run(cases, sizeof cases / sizeof cases[0]);
}
