/* fork.c: forks of threaded processes: threads in malloc, in stdio, being born, ending; forks
 * in signal handlers; children that share no handler with us. (F1, F2, F3, F5) */
#include "churn.h"
#include "storm.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_THREADS 6
#define SIZE_MAX_USUAL 65536

static struct churn_pool pool = {.niceness = 10};

static void *child_thread(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 100; i++)
        churn_step(&pool, &state);
    return NULL;
}

/* All that a child may do (F2). */
static void live_as_child(unsigned round)
{
    uint64_t state = storm_seed(1000 + round);
    for (int i = 0; i < 50; i++)
        churn_step(&pool, &state);
    if (round % 4 == 0) { /* the parent's blocks, all of them */
        churn_empty(&pool);
        for (int i = 0; i < 500; i++)
            churn_step(&pool, &state);
    }
    if (round % 4 == 1) {
        pthread_t threads[2];
        for (uintptr_t i = 0; i < 2; i++)
            STORM_REQUIRE(pthread_create(&threads[i], NULL, child_thread, (void *)i) == 0,
                          "a child cannot start a thread");
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        churn_empty(&pool);
    }
    if (round % 16 == 2) {
        execl("/bin/true", "true", (char *)NULL);
        STORM_REQUIRE(false, "exec: %s", strerror(errno));
    }
}

static void fork_and_live(unsigned round, unsigned depth)
{
    pid_t pid = fork();
    if (pid == 0) {
        storm_child_begins();
        if (depth > 0)
            fork_and_live(round + 1, depth - 1);
        live_as_child(round);
        _exit(0);
    }
    storm_child_ends(pid, "fork");
}

static void fork_many(unsigned n_forks, unsigned depth)
{
    for (unsigned round = 0; round < n_forks; round++)
        fork_and_live(round, depth);
}

static void threads_in_malloc(void)
{
    churn_start(&pool, N_THREADS, SIZE_MAX_USUAL);
    fork_many(storm_size(60, 300, 4000), 0);
    churn_stop(&pool);
    churn_empty(&pool);
}

static void children_of_children(void)
{
    churn_start(&pool, N_THREADS, SIZE_MAX_USUAL);
    fork_many(storm_size(10, 40, 300), 4);
    churn_stop(&pool);
    churn_empty(&pool);
}

/* Regions grow and shrink under the forks. */
static void threads_in_large_blocks(void)
{
    churn_start(&pool, 2, 1 << 20);
    uint64_t state = storm_seed(7);
    for (unsigned round = 0; round < storm_size(15, 60, 600); round++) {
        struct churn_block *large = churn_make(&state, (size_t)(8 + round % 56) << 20);
        fork_and_live(round, 0);
        churn_drop(large);
    }
    churn_stop(&pool);
    churn_empty(&pool);
}

/* ---- threads in stdio ---- */

static _Atomic bool stdio_stop;

static void *flush_all(void *arg)
{
    (void)arg;
    while (!atomic_load_explicit(&stdio_stop, memory_order_relaxed))
        fflush(NULL);
    return NULL;
}

static void *open_memory_streams(void *arg)
{
    (void)arg;
    while (!atomic_load_explicit(&stdio_stop, memory_order_relaxed)) {
        char *text = NULL;
        size_t n = 0;
        FILE *stream = open_memstream(&text, &n);
        STORM_REQUIRE(stream, "open_memstream: %s", strerror(errno));
        for (int i = 0; i < 200; i++)
            fprintf(stream, "line %d of a stream that grows\n", i);
        fclose(stream);
        STORM_REQUIRE(n > 200 * 20 && strlen(text) == n, "a stream of %zu bytes", n);
        free(text);
    }
    return NULL;
}

static void *read_lines(void *arg)
{
    (void)arg;
    while (!atomic_load_explicit(&stdio_stop, memory_order_relaxed)) {
        FILE *file = fopen("/proc/self/maps", "re");
        STORM_REQUIRE(file, "fopen: %s", strerror(errno));
        char *line = NULL;
        size_t size = 0;
        while (getline(&line, &size, file) > 0)
            ;
        free(line);
        fclose(file);
    }
    return NULL;
}

static void threads_in_stdio(void)
{
    static void *(*const bodies[])(void *) = {flush_all, open_memory_streams, read_lines,
                                              open_memory_streams};
    pthread_t threads[4];
    churn_start(&pool, 2, SIZE_MAX_USUAL);
    for (int i = 0; i < 4; i++)
        STORM_REQUIRE(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0, "no thread");
    fork_many(storm_size(50, 300, 4000), 0);
    atomic_store_explicit(&stdio_stop, true, memory_order_relaxed);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    churn_stop(&pool);
    churn_empty(&pool);
}

/* ---- births, exits, first allocations ---- */

static void *short_life(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 12; i++) /* more than the credit of a newcomer */
        churn_step(&pool, &state);
    return NULL;
}

static void *bear_threads(void *arg)
{
    (void)arg;
    for (uintptr_t i = 0; !atomic_load_explicit(&stdio_stop, memory_order_relaxed); i++) {
        pthread_t threads[4];
        int n = 0;
        while (n < 4 && pthread_create(&threads[n], NULL, short_life, (void *)(i * 4)) == 0)
            n++;
        while (n > 0)
            pthread_join(threads[--n], NULL);
    }
    return NULL;
}

static void births_and_exits(void)
{
    pthread_t parents[2];
    pool.size_max = SIZE_MAX_USUAL;
    for (int i = 0; i < 2; i++)
        STORM_REQUIRE(pthread_create(&parents[i], NULL, bear_threads, NULL) == 0, "no thread");
    fork_many(storm_size(50, 200, 1000), 0);
    atomic_store_explicit(&stdio_stop, true, memory_order_relaxed);
    for (int i = 0; i < 2; i++)
        pthread_join(parents[i], NULL);
    churn_empty(&pool);
}

/* A fresh process that forks while its threads allocate for the first time. */
static void first_allocations_part(void)
{
    churn_start(&pool, 4, 1024);
    fork_many(3, 0);
    churn_stop(&pool);
    churn_empty(&pool);
}

static void first_allocations(void)
{
    for (unsigned i = 0; i < storm_size(15, 60, 600); i++) {
        char **argv = storm_argv(".first_allocations_part");
        pid_t pid = fork();
        if (pid == 0) {
            storm_child_begins();
            execv(argv[0], argv);
            _exit(9);
        }
        storm_child_ends(pid, "a fresh process");
    }
}

/* ---- forks in a handler ---- */

static volatile sig_atomic_t n_handler_forks, n_handler_forks_wanted;
static volatile sig_atomic_t handler_child, return_into_child;
static timer_t timer;

/* Once more, within a millisecond. Not an interval: a handler takes longer than one, and the
 * interrupted call would never get on. */
static void fire_soon(void)
{
    static uint64_t state;
    struct itimerspec once = {.it_value.tv_nsec = 50000 + (long)(storm_random(&state) % 950000)};
    timer_settime(timer, 0, &once, NULL);
}

/* Forks inside whatever was interrupted, malloc mostly. */
static void fork_in_handler(int sig)
{
    (void)sig;
    int saved_errno = errno;
    pid_t pid = fork();
    if (pid == 0) {
        storm_child_begins();
        if (return_into_child) { /* to the interrupted call, without a malloc before (F3) */
            handler_child = 1;
            errno = saved_errno;
            return;
        }
        for (int i = 0; i < 20; i++) { /* malloc here, and never go back (F3) */
            void *p = malloc(16u << i % 12);
            if (!p)
                _exit(3);
            memset(p, i, 16);
            free(p);
        }
        _exit(0);
    }
    storm_child_ends(pid, "fork in a handler");
    if (++n_handler_forks < n_handler_forks_wanted)
        fire_soon();
    errno = saved_errno;
}

static void fork_in_handlers(bool into_child, unsigned n_threads)
{
    return_into_child = into_child;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* the churning threads are not interrupted */
    churn_start(&pool, n_threads, 4096);
    pool.size_max = 4096;
    struct sigaction action = {.sa_handler = fork_in_handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    STORM_REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    n_handler_forks_wanted = (int)storm_size(50, 300, 5000);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    fire_soon();

    uint64_t state = storm_seed(11);
    while (n_handler_forks < n_handler_forks_wanted && !handler_child)
        churn_step(&pool, &state);
    if (handler_child) {
        /* timers are not inherited; the interrupted step has ended in this process */
        for (int i = 0; i < 200; i++)
            churn_step(&pool, &state);
        churn_empty(&pool);
        _exit(0);
    }
    timer_delete(timer);
    churn_stop(&pool);
    churn_empty(&pool);
}

static void handler_child_allocates(void)
{
    fork_in_handlers(false, 0);
}

static void handler_child_allocates_among_threads(void)
{
    fork_in_handlers(false, 3);
}

static void handler_child_returns(void)
{
    fork_in_handlers(true, 0);
}

static void handler_child_returns_among_threads(void)
{
    fork_in_handlers(true, 3);
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"threads_in_malloc", threads_in_malloc, 90},
        {"children_of_children", children_of_children, 60},
        {"threads_in_large_blocks", threads_in_large_blocks, 60},
        {"threads_in_stdio", threads_in_stdio, 90},
        {"births_and_exits", births_and_exits, 60},
        {"first_allocations", first_allocations, 60},
        {".first_allocations_part", first_allocations_part, 30},
        {"handler_child_allocates", handler_child_allocates, 60},
        {"handler_child_allocates_among_threads", handler_child_allocates_among_threads, 60},
        {"handler_child_returns", handler_child_returns, 60},
        {"handler_child_returns_among_threads", handler_child_returns_among_threads, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
