/* children.c: processes made in other ways than fork: vfork, posix_spawn, clone with and
 * without shared memory, from the main thread and from others. (F4) */
#include "churn.h"
#include "storm.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_THREADS 4
#define STACK_BYTES (256 * 1024)

extern char **environ;
static struct churn_pool pool = {.niceness = 10};

static void among_threads(void (*once)(unsigned round), unsigned n)
{
    churn_start(&pool, N_THREADS, 65536);
    for (unsigned round = 0; round < n; round++)
        once(round);
    churn_stop(&pool);
    churn_empty(&pool);
}

static void vfork_once(unsigned round)
{
    (void)round;
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(9);
    }
    storm_child_ends(pid, "vfork");
}

static void spawn_once(unsigned round)
{
    (void)round;
    char *argv[] = {"true", NULL};
    pid_t pid;
    int err = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
    STORM_REQUIRE(err == 0, "posix_spawn: %s", strerror(err));
    storm_child_ends(pid, "posix_spawn");
}

/* A process made behind the C library's back: no handler ran in it, so it may malloc, but it
 * may not make threads. */
static void raw_clone_once(unsigned round)
{
    long pid = syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, 0UL);
    if (pid == 0) {
        storm_child_begins();
        uint64_t state = storm_seed(round);
        for (int i = 0; i < 100; i++)
            churn_step(&pool, &state);
        churn_empty(&pool);
        for (int i = 0; i < 300; i++)
            churn_step(&pool, &state);
        if (round % 8 == 0) { /* and a grandchild by the usual way */
            pid_t grandchild = fork();
            if (grandchild == 0) {
                churn_empty(&pool);
                _exit(0);
            }
            storm_child_ends(grandchild, "fork in a raw clone");
        }
        _exit(0);
    }
    storm_child_ends((pid_t)pid, "raw clone");
}

/* Shares memory with us, who stand still meanwhile: it is one more frame of this thread. */
static int live_in_shared_memory(void *arg)
{
    uint64_t state = storm_seed(*(unsigned *)arg);
    for (int i = 0; i < 200; i++)
        churn_step(&pool, &state);
    _exit(0);
}

static void shared_clone_once(unsigned round)
{
    char *stack = malloc(STACK_BYTES);
    STORM_REQUIRE(stack, "no stack");
    unsigned seed_of_child = round;
    pid_t pid = clone(live_in_shared_memory, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD,
                      &seed_of_child);
    storm_child_ends(pid, "clone with shared memory");
    free(stack);
    uint64_t state = storm_seed(round);
    for (int i = 0; i < 100; i++)
        churn_step(&pool, &state);
}

/* Private memory, a stack of its own. */
static int live_in_private_memory(void *arg)
{
    storm_child_begins();
    return live_in_shared_memory(arg);
}

static void private_clone_once(unsigned round)
{
    char *stack = malloc(STACK_BYTES);
    STORM_REQUIRE(stack, "no stack");
    unsigned seed_of_child = round;
    pid_t pid = clone(live_in_private_memory, stack + STACK_BYTES, SIGCHLD, &seed_of_child);
    storm_child_ends(pid, "clone with private memory");
    free(stack);
}

static void vfork_and_exec(void)
{
    among_threads(vfork_once, storm_size(20, 100, 2000));
}

static void spawn(void)
{
    among_threads(spawn_once, storm_size(20, 100, 2000));
}

static void clone_raw(void)
{
    among_threads(raw_clone_once, storm_size(30, 200, 2000));
}

static void clone_with_shared_memory(void)
{
    among_threads(shared_clone_once, storm_size(30, 100, 2000));
}

static void clone_with_private_memory(void)
{
    among_threads(private_clone_once, storm_size(30, 100, 2000));
}

static void *clone_in_thread(void *arg)
{
    for (unsigned round = 0; round < *(unsigned *)arg; round++) {
        uint64_t state = storm_seed(round);
        churn_step(&pool, &state);
        raw_clone_once(round);
    }
    return NULL;
}

static void clone_raw_from_threads(void)
{
    pthread_t threads[2];
    unsigned n = storm_size(20, 60, 1000);
    churn_start(&pool, 2, 65536);
    for (int i = 0; i < 2; i++)
        STORM_REQUIRE(pthread_create(&threads[i], NULL, clone_in_thread, &n) == 0, "no thread");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    churn_stop(&pool);
    churn_empty(&pool);
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"vfork_and_exec", vfork_and_exec, 60},
        {"spawn", spawn, 60},
        {"clone_raw", clone_raw, 60},
        {"clone_raw_from_threads", clone_raw_from_threads, 60},
        {"clone_with_shared_memory", clone_with_shared_memory, 60},
        {"clone_with_private_memory", clone_with_private_memory, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
