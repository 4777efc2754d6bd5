/* count.c: how many instructions one call of malloc or free executes, by single steps.
 *
 *     count malloc SIZE      count free SIZE
 *
 * A child calls the function CALLS times; the parent steps through it and counts from the
 * function's entry to the return address that the entry found. Prints the count that most
 * calls had, or fails when it is not that of at least half of them: then there is no one
 * fast path to speak of. The count is exact, so it is the same on every machine of a kind.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 64, WARM = 512, STEPS_MAX = 4000000, COUNT_MAX = 4096 };

/* Volatile, so that the compiler neither sees a pair to remove nor calls something else. */
static void *(*volatile do_malloc)(size_t) = malloc;
static void (*volatile do_free)(void *) = free;

static void *warm[WARM];

/* Leaves pages with free blocks and blocks in the bin; then the calls that are counted. */
static void run_child(size_t size, int is_free)
{
    for (int i = 0; i < WARM; i++)
        warm[i] = do_malloc(size);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(2);
    raise(SIGSTOP);
    for (int i = 0; i < CALLS; i++) {
        if (is_free)
            do_free(warm[i]);
        else
            warm[i] = do_malloc(size);
    }
    _exit(0);
}

/* Steps the child to its end; fills ret_counts, returns how many calls there were. */
static int step_child(pid_t child, uintptr_t entry, int *ret_counts)
{
    int n_calls = 0, count = 0;
    uintptr_t back = 0; /* return address of the call being counted, 0 outside of one */

    for (int step = 0; step < STEPS_MAX; step++) {
        int status;
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 ||
            waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            return n_calls;
        struct user_regs_struct regs;
        if (ptrace(PTRACE_GETREGS, child, NULL, &regs) != 0)
            return n_calls;
        if (!back && regs.rip == entry && n_calls < CALLS) {
            back = (uintptr_t)ptrace(PTRACE_PEEKDATA, child, (void *)regs.rsp, NULL);
            count = 0;
        } else if (back && regs.rip == back) {
            ret_counts[n_calls++] = count + 1; /* the instruction that returned */
            back = 0;
        } else if (back) {
            count++;
        }
    }
    return n_calls;
}

static int commonest(const int *counts, int n_calls, int *ret_times)
{
    static int times[COUNT_MAX];
    int best = 0;

    for (int i = 0; i < n_calls; i++)
        if (counts[i] < COUNT_MAX && ++times[counts[i]] > times[best])
            best = counts[i];
    *ret_times = times[best];
    return best;
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "malloc") && strcmp(argv[1], "free"))) {
        fprintf(stderr, "usage: count malloc|free SIZE\n");
        return 2;
    }
    int is_free = argv[1][0] == 'f';
    size_t size = strtoul(argv[2], NULL, 10);
    uintptr_t entry = is_free ? (uintptr_t)do_free : (uintptr_t)do_malloc;

    Dl_info where;
    if (!dladdr((void *)entry, &where) || !strstr(where.dli_fname, "libashlar")) {
        fprintf(stderr, "count: %s is not Ashlar's; preload it\n", argv[1]);
        return 2;
    }
    pid_t child = fork();
    if (child == 0)
        run_child(size, is_free);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        fprintf(stderr, "count: cannot trace a child: %s\n", strerror(errno));
        return 2;
    }
    int counts[CALLS], times;
    int n_calls = step_child(child, entry, counts);
    int count = commonest(counts, n_calls, &times);
    printf("%d\n", count);
    if (n_calls != CALLS || times < CALLS / 2) {
        fprintf(stderr, "count: %d calls seen, only %d took %d instructions\n", n_calls, times,
                count);
        return 1;
    }
    return 0;
}
