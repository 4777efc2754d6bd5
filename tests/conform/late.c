/* late.c: frees after main: atexit, destructors, libraries' .fini, threads that go on (F9).
 *
 * What must not happen happens after main, so each case is a process of its own that ends by
 * exit; whatever goes wrong there changes its exit status.
 */
#include "conform.h"
#include <pthread.h>
#include <sys/wait.h>

enum { N_BLOCKS = 300 };
static void *blocks[N_BLOCKS];
static bool is_child;

static void take_blocks(void)
{
    for (unsigned i = 0; i < N_BLOCKS; i++)
        conform_fill(blocks[i] = malloc(i * i), i * i, i);
}

/* Frees all, and uses what it frees. A fault found here cannot be told otherwise. */
static void use_blocks(void)
{
    for (unsigned i = 0; i < N_BLOCKS; i++) {
        if (!blocks[i])
            continue;
        if (conform_lost(blocks[i], i * i, i * i, i) >= 0)
            _exit(9);
        blocks[i] = realloc(blocks[i], i * i + 500);
        if (!blocks[i] || conform_lost(blocks[i], i * i, 0, i) >= 0)
            _exit(9);
        free(blocks[i]);
        blocks[i] = NULL;
        free(calloc(1, i * 30 + 1));
    }
}

/* Runs after the destructors of every library that this program needs. */
__attribute__((destructor(101))) static void destruct_last(void)
{
    if (is_child) {
        use_blocks();
        free(malloc(70000));
    }
}

static void check_child(void (*part)(void))
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        is_child = true;
        part();
        exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
}

static void free_in_atexit(void)
{
    take_blocks();
    atexit(use_blocks);
}

static void atexit_frees(void)
{
    check_child(free_in_atexit);
}

static void free_in_fini(void)
{
    take_blocks();
}

static void destructors_free(void)
{
    check_child(free_in_fini);
}

static void *block_of_a_thread(void *unused)
{
    (void)unused;
    take_blocks();
    return NULL;
}

static void leave_blocks_of_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, block_of_a_thread, NULL) == 0)
        pthread_join(thread, NULL);
    atexit(use_blocks);
}

static void atexit_frees_blocks_of_an_ended_thread(void)
{
    check_child(leave_blocks_of_a_thread);
}

static _Atomic unsigned n_turns;

static void *churn(void *unused)
{
    (void)unused;
    for (unsigned i = 0;; i++) {
        free(malloc(i % 9000));
        n_turns++;
    }
    return NULL;
}

static void leave_threads_behind(void)
{
    for (unsigned i = 0; i < 2; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, churn, NULL) != 0)
            _exit(8);
        pthread_detach(thread);
    }
    while (n_turns < 1000)
        ;
    take_blocks();
    atexit(use_blocks);
}

static void detached_threads_go_on_during_exit(void)
{
    for (unsigned i = 0; i < 10; i++)
        check_child(leave_threads_behind);
}

static void *exit_here(void *unused)
{
    (void)unused;
    exit(0);
}

static void exit_from_a_thread(void)
{
    take_blocks();
    atexit(use_blocks);
    pthread_t thread;
    if (pthread_create(&thread, NULL, exit_here, NULL) == 0)
        pthread_join(thread, NULL);
    _exit(8);
}

static void exit_by_another_thread(void)
{
    check_child(exit_from_a_thread);
}

static void *outlive_main(void *unused)
{
    for (unsigned i = 0; i < 20000; i++)
        free(malloc(i % 5000));
    use_blocks();
    return unused;
}

static void end_the_first_thread(void)
{
    take_blocks();
    pthread_t thread;
    if (pthread_create(&thread, NULL, outlive_main, NULL) != 0)
        _exit(8);
    pthread_exit(NULL);
}

static void the_first_thread_ends_before_others(void)
{
    check_child(end_the_first_thread);
}

static const struct conform_case cases[] = {
    {"an atexit function frees", atexit_frees},
    {"the last destructor frees", destructors_free},
    {"an atexit function frees blocks of an ended thread", atexit_frees_blocks_of_an_ended_thread},
    {"detached threads allocate during exit", detached_threads_go_on_during_exit},
    {"exit is called by another thread", exit_by_another_thread},
    {"the first thread ends before the others", the_first_thread_ends_before_others},
};

CONFORM_MAIN(cases)
