/* conform.h: a table of named cases and its runner.
 *
 * A case is a sentence of malloc(3), C11, C23, POSIX or of the promises in docs/promises.md
 * (F1 to F30). The same programs run on the C library's own malloc and on Ashlar: what holds
 * on both is the standard, what is skipped on the former is promised by Ashlar only.
 *
 * Cases run in their order in one process. The first CHECK that fails ends its case. Nothing
 * here allocates, so that a case sees the heap as the cases before it left it.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conform_case {
    const char *name;
    void (*run)(void);
};

enum conform_end { CONFORM_OK, CONFORM_NOT_OK, CONFORM_SKIPPED };

static enum conform_end conform_end;
static char conform_why[512];

/* How the running case ended; the first word counts. */
__attribute__((format(printf, 2, 3), unused)) static void conform_set_end(enum conform_end end,
                                                                          const char *format, ...)
{
    if (conform_end != CONFORM_OK)
        return;
    conform_end = end;
    __builtin_va_list args;
    __builtin_va_start(args, format);
    vsnprintf(conform_why, sizeof conform_why, format, args);
    __builtin_va_end(args);
}

/* Ends the case (or a void helper of it) as failed when the condition does not hold. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            conform_set_end(CONFORM_NOT_OK, "line %d: %s", __LINE__, #condition);                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* As CHECK, and says with what values. */
#define CHECK_THAT(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            char conform_facts[256];                                                               \
            snprintf(conform_facts, sizeof conform_facts, __VA_ARGS__);                            \
            conform_set_end(CONFORM_NOT_OK, "line %d: %s (%s)", __LINE__, #condition,              \
                            conform_facts);                                                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define SKIP(why)                                                                                  \
    do {                                                                                           \
        conform_set_end(CONFORM_SKIPPED, "%s", why);                                               \
        return;                                                                                    \
    } while (0)

/* For cases that glibc 2.36, where the tests run too, does not pass. */
#define ONLY_ON_ASHLAR()                                                                           \
    do {                                                                                           \
        if (!conform_on_ashlar())                                                                  \
            SKIP("promised by Ashlar only");                                                       \
    } while (0)

/* Is malloc Ashlar's in this process? */
__attribute__((unused)) static bool conform_on_ashlar(void)
{
    return dlsym(RTLD_DEFAULT, "ashlar_stats") != NULL;
}

/* A value that the compiler cannot know: it must call what is called with it. */
__attribute__((unused)) static size_t conform_opaque(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* The byte at a place of a block that was filled with a seed. */
__attribute__((unused)) static unsigned char conform_byte(size_t i, unsigned seed)
{
    return (unsigned char)((i * 0x9E3779B1u >> 7) + seed * 31 + 1);
}

/* The place that is looked at after i: every byte up to 256 KiB, then one in 16 KiB, then one in
 * 1 MiB, so that large blocks stay cheap. */
__attribute__((unused)) static size_t conform_next(size_t i)
{
    size_t kib = i >> 10;
    return i + (kib < 256 ? 1 : kib < 16 << 10 ? 16 << 10 : 1 << 20);
}

/* Fills a block, its last byte too. */
__attribute__((unused)) static void conform_fill(void *p, size_t bytes, unsigned seed)
{
    unsigned char *bytes_of = (unsigned char *)p;
    for (size_t i = 0; i < bytes; i = conform_next(i))
        bytes_of[i] = conform_byte(i, seed);
    if (bytes)
        bytes_of[bytes - 1] = conform_byte(bytes - 1, seed);
}

/* The first place among the first `bytes` of a block of `filled` that lost its byte, or -1. */
__attribute__((unused)) static long conform_lost(const void *p, size_t bytes, size_t filled,
                                                 unsigned seed)
{
    const unsigned char *bytes_of = (const unsigned char *)p;
    for (size_t i = 0; i < bytes; i = conform_next(i))
        if (bytes_of[i] != conform_byte(i, seed))
            return (long)i;
    if (bytes && bytes == filled && bytes_of[bytes - 1] != conform_byte(bytes - 1, seed))
        return (long)(bytes - 1);
    return -1;
}

/* The first byte that is not zero, or -1. */
__attribute__((unused)) static long conform_stale(const void *p, size_t bytes)
{
    const unsigned char *bytes_of = (const unsigned char *)p;
    for (size_t i = 0; i < bytes; i++)
        if (bytes_of[i] != 0)
            return (long)i;
    return -1;
}

__attribute__((unused)) static bool conform_is_aligned(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

/* Runs all cases. Returns the exit status of the program. */
__attribute__((unused)) static int conform_run(const struct conform_case *cases, size_t n_cases)
{
    static const char *const heads[] = {"ok", "not ok", "skip"};
    unsigned n_ended[3] = {0, 0, 0};
    for (size_t i = 0; i < n_cases; i++) {
        conform_end = CONFORM_OK;
        conform_why[0] = 0;
        cases[i].run();
        n_ended[conform_end]++;
        dprintf(STDOUT_FILENO, "%s %s%s%s\n", heads[conform_end], cases[i].name,
                conform_end == CONFORM_OK ? "" : ": ", conform_why);
    }
    dprintf(STDOUT_FILENO, "%u passed, %u failed, %u skipped\n", n_ended[CONFORM_OK],
            n_ended[CONFORM_NOT_OK], n_ended[CONFORM_SKIPPED]);
    return n_ended[CONFORM_NOT_OK] ? 1 : 0;
}

#define CONFORM_MAIN(cases)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return conform_run(cases, sizeof(cases) / sizeof((cases)[0]));                             \
    }

#endif
