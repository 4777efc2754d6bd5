/* exec.c: many small processes, one after another and side by side. */
#include "churn.h"
#include "storm.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIDE_BY_SIDE 8

static struct churn_pool pool = {.size_max = 8192};

/* A small program: some allocation, output, exit. */
static void small_process_part(void)
{
    uint64_t state = storm_seed((uint64_t)getpid());
    for (int i = 0; i < 300; i++)
        churn_step(&pool, &state);
    churn_empty(&pool);
}

static pid_t start_small(void)
{
    char **argv = storm_argv(".small_process_part");
    pid_t pid = fork();
    if (pid == 0) {
        storm_child_begins();
        execv(argv[0], argv);
        _exit(9);
    }
    return pid;
}

static void storm(void)
{
    pid_t running[SIDE_BY_SIDE] = {0};
    unsigned n = storm_size(100, 500, 5000);
    for (unsigned i = 0; i < n + SIDE_BY_SIDE; i++) {
        if (running[i % SIDE_BY_SIDE])
            storm_child_ends(running[i % SIDE_BY_SIDE], "a small process");
        running[i % SIDE_BY_SIDE] = i < n ? start_small() : 0;
    }
}

/* Replaces itself over and over; the descriptors it has stay as they are. */
static void chain_part(void)
{
    char *left = getenv("STORM_LEFT");
    int n = left ? atoi(left) : 0;
    small_process_part();
    int next_fd = dup(0);
    STORM_REQUIRE(next_fd <= 4, "descriptor %d: something was left open", next_fd);
    close(next_fd);
    if (n == 0)
        return;
    char text[16];
    snprintf(text, sizeof text, "%d", n - 1);
    setenv("STORM_LEFT", text, 1);
    char **argv = storm_argv(".chain_part");
    execv(argv[0], argv);
    _exit(9);
}

static void chain(void)
{
    char text[16];
    snprintf(text, sizeof text, "%u", storm_size(50, 300, 5000));
    setenv("STORM_LEFT", text, 1);
    for (int fd = 3; fd < 64; fd++) /* what the runner of the tests left open */
        close(fd);
    char **argv = storm_argv(".chain_part");
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(9);
    }
    storm_child_ends(pid, "a chain of exec");
}

/* Pipelines of a shell: short-lived programs that are not ours. */
static void pipelines(void)
{
    for (unsigned i = 0; i < storm_size(5, 20, 300); i++) {
        int status = system("seq 2000 | sort -rn | head -n 1 | grep -qx 2000");
        STORM_REQUIRE(status == 0, "the pipeline ended with %d", status);
    }
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"storm", storm, 60},         {".small_process_part", small_process_part, 20},
        {"chain", chain, 60},         {".chain_part", chain_part, 60},
        {"pipelines", pipelines, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
