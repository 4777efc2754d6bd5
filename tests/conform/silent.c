/* silent.c: without options the library opens no descriptor, starts no thread, installs no
 * handler, changes no mask, and prints nothing (F6, F26). */
#include "entry.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

static unsigned entries_of(const char *folder)
{
    DIR *opened = opendir(folder);
    unsigned n = 0;
    while (opened && readdir(opened))
        n++;
    if (opened)
        closedir(opened);
    return n;
}

static void churn(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        void *p = entries[i % N_ENTRIES].get(i % 50 * 997 * (i % 40));
        free(realloc(p, i % 3000 + 1));
    }
}

static void *churn_in_a_thread(void *unused)
{
    churn();
    return unused;
}

static int errors_fd;

static void no_descriptor_is_opened(void)
{
    /* ., .., 0 to 2, opendir's own, and where our stderr goes */
    unsigned n = entries_of("/proc/self/fd");
    churn();
    CHECK_THAT(entries_of("/proc/self/fd") == n, "%u, then %u", n, entries_of("/proc/self/fd"));
    int next = dup(STDOUT_FILENO);
    CHECK_THAT(next == errors_fd + 1, "the next descriptor is %d", next);
    close(next);
}

static void no_thread_is_started(void)
{
    churn();
    CHECK_THAT(entries_of("/proc/self/task") == 3, "%u", entries_of("/proc/self/task") - 2);
}

static void no_handler_and_no_mask(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, churn_in_a_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    for (int signal_i = 1; signal_i < 65; signal_i++) {
        struct sigaction action;
        if (sigaction(signal_i, NULL, &action) != 0)
            continue;
        CHECK_THAT(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN, "signal %d",
                   signal_i);
    }
    sigset_t mask;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int signal_i = 1; signal_i < 65; signal_i++)
        CHECK_THAT(sigismember(&mask, signal_i) != 1, "signal %d", signal_i);
}

static void nothing_is_printed(void)
{
    static void *held[100];
    for (unsigned i = 0; i < 100; i++)
        held[i] = malloc(conform_opaque((size_t)1 << 60)); /* refused, and silently so */
    for (unsigned i = 0; i < 100; i++)
        CHECK(held[i] == NULL);
    struct stat status;
    CHECK(fstat(STDERR_FILENO, &status) == 0);
    CHECK_THAT(status.st_size == 0, "%ld bytes on stderr", (long)status.st_size);
}

static const struct conform_case cases[] = {
    {"no descriptor is opened", no_descriptor_is_opened},
    {"no thread is started", no_thread_is_started},
    {"no handler is installed, no mask changed", no_handler_and_no_mask},
    {"nothing is printed, not even when memory is refused", nothing_is_printed},
};

int main(void)
{
    FILE *file = tmpfile(); /* catches stderr */
    if (!file)
        return 2;
    errors_fd = fileno(file);
    dup2(errors_fd, STDERR_FILENO);
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
