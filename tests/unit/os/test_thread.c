/* test_thread.c: CPUs, ids, and waiting for a word. */
#include "os/os.h"
#include "child.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

/* Longer than any wait here may take, and not so long that a hang goes unseen. */
#define DEADLINE_MS 20000

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Pins the thread to each CPU it may use: 0 when ash_os_cpu names it every time. */
static int follow_every_cpu(void)
{
    cpu_set_t allowed;
    int ret = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof one, &one) != 0)
            return 2;
        errno = 4711;
        if (ash_os_cpu() != (unsigned)cpu || errno != 4711)
            ret = 3;
    }
    sched_setaffinity(0, sizeof allowed, &allowed);
    return ret;
}

static void cpu_is_the_one_the_thread_is_pinned_to(void **state)
{
    (void)state;
    assert_int_equal(follow_every_cpu(), 0);
}

/* Runs this program again, told not to register rseq. */
static int start_without_rseq(void)
{
    setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    execl("/proc/self/exe", "test_thread", "cpu", (char *)NULL);
    return 1;
}

static void cpu_is_found_without_rseq(void **state)
{
    (void)state;
    skip_if_emulated();
    child_must_pass(start_without_rseq);
}

static void cpu_count_is_that_of_the_affinity(void **state)
{
    (void)state;
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    errno = 4711;
    assert_int_equal(ash_os_cpu_count(), CPU_COUNT(&allowed));
    assert_int_equal(errno, 4711);
}

static void *note_id(void *arg)
{
    *(uint32_t *)arg = ash_os_thread_id();
    return NULL;
}

static void ids_are_the_kernels(void **state)
{
    (void)state;
    assert_int_equal(ash_os_process_id(), getpid());
    assert_int_equal(ash_os_thread_id(), syscall(SYS_gettid));
    uint32_t id = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, note_id, &id), 0);
    pthread_join(thread, NULL);
    assert_true(id != 0 && id != ash_os_thread_id());
}

static void wait_returns_at_once_when_the_word_differs(void **state)
{
    (void)state;
    _Atomic uint32_t word = 1;
    uint64_t before = clock_ms();
    errno = 4711;
    ash_os_wait(&word, 0, DEADLINE_MS);
    assert_int_equal(errno, 4711);
    assert_true(clock_ms() - before < DEADLINE_MS / 2);
}

static void wait_ends_after_its_time(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0;
    uint64_t before = clock_ms();
    ash_os_wait(&word, 0, 5);
    ash_os_wait(&word, 0, 1);
    assert_true(clock_ms() - before < DEADLINE_MS);
    assert_int_equal(word, 0);
}

struct sleeper {
    _Atomic uint32_t word;
    _Atomic uint64_t took_ms;
    _Atomic bool is_awake;
};

static void *sleep_on_the_word(void *arg)
{
    struct sleeper *sleeper = arg;
    uint64_t before = clock_ms();
    while (atomic_load(&sleeper->word) == 0)
        ash_os_wait(&sleeper->word, 0, DEADLINE_MS);
    atomic_store(&sleeper->took_ms, clock_ms() - before);
    atomic_store(&sleeper->is_awake, true);
    return NULL;
}

static void wake_ends_a_wait(void **state)
{
    (void)state;
    struct sleeper sleeper = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_on_the_word, &sleeper), 0);
    for (int i = 0; i < 100; i++)
        ash_os_yield();
    atomic_store(&sleeper.word, 1);
    while (!atomic_load(&sleeper.is_awake)) {
        ash_os_wake(&sleeper.word, 1);
        ash_os_yield();
    }
    pthread_join(thread, NULL);
    assert_true(sleeper.took_ms < DEADLINE_MS);
}

static void *wait_while_cancelled(void *arg)
{
    _Atomic uint32_t word = 0;
    pthread_cancel(pthread_self());
    ash_os_wait(&word, 0, 1);
    ash_os_yield();
    (void)ash_os_cpu();
    atomic_store((_Atomic bool *)arg, true);
    pthread_testcancel();
    return NULL;
}

static void no_call_is_a_cancellation_point(void **state)
{
    (void)state;
    _Atomic bool came_through = false;
    pthread_t thread;
    void *ret = NULL;
    assert_int_equal(pthread_create(&thread, NULL, wait_while_cancelled, &came_through), 0);
    pthread_join(thread, &ret);
    assert_true(came_through);
    assert_ptr_equal(ret, PTHREAD_CANCELED);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "cpu") == 0)
        return follow_every_cpu();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_is_the_one_the_thread_is_pinned_to),
        cmocka_unit_test(cpu_is_found_without_rseq),
        cmocka_unit_test(cpu_count_is_that_of_the_affinity),
        cmocka_unit_test(ids_are_the_kernels),
        cmocka_unit_test(wait_returns_at_once_when_the_word_differs),
        cmocka_unit_test(wait_ends_after_its_time),
        cmocka_unit_test(wake_ends_a_wait),
        cmocka_unit_test(no_call_is_a_cancellation_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
