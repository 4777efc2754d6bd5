/* failing.c: each system call of the library fails once, and kinds of them fail often; the
 * subject (subject.c) must see ENOMEM or nothing of it. Each time the library's own counter
 * proves that a call was refused. (F12, F13, F14) */
#include "storm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTH_MAX 500

/* The number behind "name": in a small JSON file; -1 when it is not there. */
static long number_in(const char *path, const char *name)
{
    char text[8192], key[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    snprintf(key, sizeof key, "\"%s\":", name);
    char *at = strstr(text, key);
    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* Runs the subject with these options; it must end well and something must have failed. */
static void run_subject(const char *options, const char *refusals_max)
{
    char folder[] = "/tmp/ashlar-failing-XXXXXX", path[64], more[256];
    STORM_REQUIRE(mkdtemp(folder), "mkdtemp: %s", strerror(errno));
    snprintf(path, sizeof path, "%s/stats.json", folder);
    snprintf(more, sizeof more, "%s,stats=%s", options, path);
    char *all = storm_options(more);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("ASHLAR", all, 1);
        execl(SUBJECT, SUBJECT, refusals_max, (char *)NULL);
        _exit(9);
    }
    storm_child_ends(pid, options);
    long n_injected = number_in(path, "fail_injected_count");
    unlink(path);
    rmdir(folder);
    free(all);
    STORM_REQUIRE(n_injected >= 1, "%s: nothing was refused (%ld)", options, n_injected);
}

static void run_nth(unsigned nth)
{
    char options[64];
    snprintf(options, sizeof options, "fail_nth=%u", nth);
    run_subject(options, "1");
}

static void each_call_once(void)
{
    if (storm_is_long()) {
        for (unsigned nth = 1; nth <= NTH_MAX; nth++)
            run_nth(nth);
        return;
    }
    /* the first ones are all different; later ones are drawn, others each time */
    unsigned n_first = storm_size(8, 20, 0), n_drawn = storm_size(8, 40, 0);
    uint64_t state = storm_seed(1);
    for (unsigned nth = 1; nth <= n_first; nth++)
        run_nth(nth);
    for (unsigned i = 0; i < n_drawn; i++)
        run_nth(n_first + 1 + (unsigned)(storm_random(&state) % (NTH_MAX - n_first)));
    run_nth(NTH_MAX);
}

static void one_in_so_many(void)
{
    static const unsigned rates[] = {2, 3, 7, 20, 100};
    uint64_t state = storm_seed(2);
    for (unsigned round = 0; round < storm_size(1, 2, 50); round++)
        for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
            char options[96];
            snprintf(options, sizeof options, "fail_rate=%u,seed=%u", rates[i],
                     (unsigned)(storm_random(&state) % 1000000));
            run_subject(options, "any");
        }
}

/* Memory that cannot be given back is not missing anywhere. */
static void releases_never_refuse_a_request(void)
{
    run_subject("fail_call=munmap", "0"); /* without a rate: all of them */
    run_subject("fail_call=madvise", "0");
    run_subject("fail_call=mremap", "0");
    run_subject("fail_call=munmap,fail_rate=2,seed=7", "0");
    run_subject("fail_call=madvise,fail_rate=2,seed=7", "0");
}

static void no_memory_at_all(void)
{
    run_subject("fail_call=mmap", "any");
    run_subject("fail_call=mmap,fail_rate=2,seed=5", "any");
    const char *options = getenv("ASHLAR");
    if (options && strstr(options, "region=sparse"))
        return; /* sparse windows are mapped as they are used: there is no mprotect */
    run_subject("fail_call=mprotect", "any");
    run_subject("fail_call=mprotect,fail_rate=2,seed=5", "any");
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"each_call_once", each_call_once, 180},
        {"one_in_so_many", one_in_so_many, 90},
        {"releases_never_refuse_a_request", releases_never_refuse_a_request, 90},
        {"no_memory_at_all", no_memory_at_all, 90},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
