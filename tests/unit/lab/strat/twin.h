/* twin.h: a model and the library it models, given the same calls by one thread.
 *
 * The library must be the malloc of a process that did nothing before, so the test starts its own
 * program anew with the library preloaded; that run compares and tells by its exit status.
 */
#ifndef ASH_TEST_TWIN_H
#define ASH_TEST_TWIN_H

#include "ground.h"
#include "base/rng.h"
#include <malloc.h>
#include <stdio.h>

#define TWIN_BLOCKS 3000
#define TWIN_OPS 30000

struct twin_pair {
    char *real, *model;
};

/* 0: all sizes agree, and as long as `addresses`, where blocks lie to each other. */
static inline int twin_compare(const struct ash_lab_strategy *strategy, unsigned size_log2_max,
                               bool addresses)
{
    static struct twin_pair pairs[TWIN_BLOCKS];
    struct ground ground = {0};
    struct twin_pair first = {NULL, NULL};
    uint64_t rng = size_log2_max;
    ground_open(&ground, strategy);
    for (long i = 0; i < TWIN_OPS; i++) {
        uint64_t x = ash_rng_next(&rng);
        struct twin_pair *pair = &pairs[(x >> 8) % TWIN_BLOCKS];
        if (pair->real) {
            strategy->free(ground.self, pair->model);
            free(pair->real);
            *pair = (struct twin_pair){NULL, NULL};
            continue;
        }
        /* from 9 bytes on: the model has no class of 8 */
        size_t size = (x >> 32) % ((size_t)1 << (x >> 20) % (size_log2_max + 1)) + 9;
        pair->model = strategy->alloc(ground.self, size, 16);
        pair->real = malloc(size);
        if (!pair->model || !pair->real ||
            malloc_usable_size(pair->real) != strategy->usable(ground.self, pair->model))
            return 1;
        first = first.real ? first : *pair;
        if (addresses && pair->real - first.real != pair->model - first.model)
            return 2;
    }
    return 0;
}

/* Starts this program with the library and these arguments; skips where there is none. */
static inline void twin_run(const char *library, const char *size_log2_max, const char *addresses)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    skip_if_emulated();
    char path[256];
    snprintf(path, sizeof path, "/usr/lib/x86_64-linux-gnu/%s", library);
    if (access(path, R_OK) != 0)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        setenv("LD_PRELOAD", path, 1);
        execl("/proc/self/exe", "twin", size_log2_max, addresses, (char *)NULL);
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#endif
