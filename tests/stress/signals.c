/* signals.c: handlers that do not allocate, at 1 kHz in every thread, over churn. (F6) */
#include "churn.h"
#include "storm.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define N_THREADS 4
#define HANDLER_ERRNO 4711

static struct churn_pool pool = {.size_max = 65536};
static _Atomic unsigned n_signals;
static _Thread_local unsigned n_steps_wanted;

static void count_signal(int sig)
{
    (void)sig;
    atomic_fetch_add_explicit(&n_signals, 1, memory_order_relaxed);
}

/* A timer of 1 kHz for the calling thread alone. */
static timer_t start_timer(int sig)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    STORM_REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    struct itimerspec often = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    STORM_REQUIRE(timer_settime(timer, 0, &often, NULL) == 0, "timer_settime");
    return timer;
}

static void *churn_under_timer(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    timer_t timer = start_timer(SIGUSR1);
    for (n_steps_wanted = storm_size(50000, 200000, 5000000); n_steps_wanted > 0; n_steps_wanted--)
        churn_step(&pool, &state);
    timer_delete(timer);
    return NULL;
}

static void in_every_thread(void)
{
    struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART: EINTR is seen */
    sigaction(SIGUSR1, &action, NULL);
    pthread_t threads[N_THREADS];
    for (uintptr_t i = 0; i < N_THREADS; i++)
        STORM_REQUIRE(pthread_create(&threads[i], NULL, churn_under_timer, (void *)i) == 0,
                      "no thread");
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    storm_say("%u signals over %llu steps", n_signals, (unsigned long long)pool.n_steps);
    STORM_REQUIRE(n_signals > 0, "no signal came");
    churn_empty(&pool);
}

/* free keeps errno and malloc's success does, also when a handler came in between that keeps
 * it as well. */
static void errno_stays(void)
{
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGUSR1, &action, NULL);
    timer_t timer = start_timer(SIGUSR1);
    uint64_t state = storm_seed(5);
    for (unsigned i = 0; i < storm_size(20000, 100000, 2000000); i++) {
        /* now and then a size whose release asks the kernel */
        size_t n = i % 50 ? storm_pick_size(&state, 4 << 20) : ((size_t)8 << 20) << i % 4;
        errno = HANDLER_ERRNO;
        char *p = malloc(n);
        STORM_REQUIRE(p && errno == HANDLER_ERRNO, "malloc(%zu) set errno to %d", n, errno);
        p[0] = 1;
        free(p);
        STORM_REQUIRE(errno == HANDLER_ERRNO, "free set errno to %d", errno);
    }
    timer_delete(timer);
}

/* ---- out of a handler that interrupted other code ---- */

static sigjmp_buf back;
static volatile sig_atomic_t in_malloc, n_jumps;

static void jump_out(int sig)
{
    (void)sig;
    if (in_malloc)
        return;
    n_jumps++;
    siglongjmp(back, 1);
}

static void jumps_out_of_other_code(void)
{
    static struct churn_block *held[256];
    static uint64_t state;
    static volatile uint64_t sum;
    state = storm_seed(6);
    in_malloc = 1;
    struct sigaction action = {.sa_handler = jump_out};
    sigaction(SIGUSR1, &action, NULL);
    timer_t timer = start_timer(SIGUSR1);
    int wanted = (int)storm_size(100, 500, 20000);
    sigsetjmp(back, 1);
    while (n_jumps < wanted) {
        in_malloc = 1;
        for (int i = 0; i < 50; i++) {
            unsigned slot = (unsigned)(storm_random(&state) % 256);
            churn_drop(held[slot]);
            held[slot] = NULL;
            held[slot] = churn_make(&state, storm_pick_size(&state, 8192));
        }
        in_malloc = 0;
        for (int i = 0; i < 20000; i++)
            sum = sum + (uint64_t)i;
    }
    in_malloc = 1;
    timer_delete(timer);
    for (int i = 0; i < 256; i++)
        churn_drop(held[i]);
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"in_every_thread", in_every_thread, 60},
        {"errno_stays", errno_stays, 60},
        {"jumps_out_of_other_code", jumps_out_of_other_code, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
