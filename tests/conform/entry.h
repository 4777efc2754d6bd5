/* entry.h: every function that hands out a block, as one table.
 *
 * `get` asks for at least `bytes` and returns NULL with errno set on failure; posix_memalign's
 * code is stored to errno, so that one test serves all.
 */
#ifndef CONFORM_ENTRY_H
#define CONFORM_ENTRY_H

#include "conform.h"

struct entry {
    const char *name;
    void *(*get)(size_t bytes);
    size_t align; /* what its blocks are aligned to */
};

static void *get_malloc(size_t bytes)
{
    return malloc(bytes);
}

static void *get_calloc(size_t bytes)
{
    return calloc(1, bytes);
}

static void *get_calloc_bytes(size_t bytes)
{
    return calloc(bytes, 1);
}

static void *get_realloc(size_t bytes)
{
    return realloc(NULL, bytes);
}

static void *get_reallocarray(size_t bytes)
{
    return reallocarray(NULL, bytes, 1);
}

static void *get_aligned_alloc(size_t bytes)
{
    return aligned_alloc(64, bytes);
}

static void *get_memalign(size_t bytes)
{
    return memalign(256, bytes);
}

static void *get_posix_memalign(size_t bytes)
{
    void *p = NULL;
    int code = posix_memalign(&p, 4096, bytes);
    if (code == 0)
        return p;
    errno = code;
    return NULL;
}

static void *get_valloc(size_t bytes)
{
    return valloc(bytes);
}

static void *get_pvalloc(size_t bytes)
{
    return pvalloc(bytes);
}

static const struct entry entries[] = {
    {"malloc", get_malloc, 16},
    {"calloc(1, n)", get_calloc, 16},
    {"calloc(n, 1)", get_calloc_bytes, 16},
    {"realloc(NULL, n)", get_realloc, 16},
    {"reallocarray(NULL, n, 1)", get_reallocarray, 16},
    {"aligned_alloc", get_aligned_alloc, 64},
    {"memalign", get_memalign, 256},
    {"posix_memalign", get_posix_memalign, 4096},
    {"valloc", get_valloc, 4096},
    {"pvalloc", get_pvalloc, 4096},
};

#define N_ENTRIES (sizeof entries / sizeof entries[0])

#endif
