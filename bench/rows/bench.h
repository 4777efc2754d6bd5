/* bench.h: what the rows' programs share: arguments, random numbers, threads, resident size.
 *
 * Every program does a fixed amount of work that its arguments state, so that CPU time is cost per
 * operation whatever the number of threads. Random numbers depend on the arguments alone.
 */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_THREADS_MAX = 512 };

/* Argument number i as a number, 0 < n. */
static inline long bench_arg(int argc, char **argv, int i)
{
    long n = i < argc ? strtol(argv[i], NULL, 10) : 0;
    if (n <= 0) {
        fprintf(stderr, "%s: argument %d must be a number above 0\n", argv[0], i);
        exit(2);
    }
    return n;
}

static inline void *bench_need(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(3);
    }
    return p;
}

static inline void bench_check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "wrong: %s\n", what);
        exit(4);
    }
}

/* xorshift64* (Vigna, An Experimental Exploration of Marsaglia's xorshift Generators, 2016) */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

/* A state from a small number; never 0. */
static inline uint64_t bench_seed(uint64_t n)
{
    uint64_t state = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    bench_random(&state);
    return state;
}

/* Uniform in [low, high]. */
static inline size_t bench_between(uint64_t *state, size_t low, size_t high)
{
    return low + (size_t)((bench_random(state) >> 32) * (uint64_t)(high - low + 1) >> 32);
}

/* Starts n threads with their numbers as argument, and waits for all. */
static inline void bench_threads(long n, void *(*body)(void *))
{
    static pthread_t threads[BENCH_THREADS_MAX];
    bench_check(n <= BENCH_THREADS_MAX, "so many threads");
    for (long i = 0; i < n; i++)
        bench_check(pthread_create(&threads[i], NULL, body, (void *)i) == 0, "pthread_create");
    for (long i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static inline void bench_nap(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

/* `Rss` of this process in KiB. Allocates nothing: it is called between measured states. */
static inline long bench_rss_kib(void)
{
    char text[2048];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY);
    bench_check(fd >= 0, "smaps_rollup can be read");
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    const char *found = strstr(text, "\nRss:");
    bench_check(found != NULL, "smaps_rollup says Rss");
    return strtol(found + 5, NULL, 10);
}

#endif
