/* refused.c: out of memory is NULL and ENOMEM from every function, and passes (F12, F13). */
#include "entry.h"
#include <pthread.h>
#include <sys/resource.h>

/* A list of all blocks held, through their first words. */
static void *held;

static void hold(void *p)
{
    *(void **)p = held;
    held = p;
}

static size_t release_all(void)
{
    size_t n = 0;
    for (void *next; held; held = next, n++) {
        next = *(void **)held;
        free(held);
    }
    return n;
}

static struct rlimit before;

/* What the process may write to from now on: what it has, and so much more. Not RLIMIT_AS:
 * address space that is only reserved is no memory yet. */
static bool limit_to(size_t more_bytes)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long n_pages = 0; /* of data and stack: the sixth number */
    if (!file || fscanf(file, "%*u %*u %*u %*u %*u %lu", &n_pages) != 1)
        return false;
    fclose(file);
    getrlimit(RLIMIT_DATA, &before);
    struct rlimit limit = before;
    limit.rlim_cur = n_pages * (unsigned long)sysconf(_SC_PAGESIZE) + more_bytes;
    return setrlimit(RLIMIT_DATA, &limit) == 0;
}

static void lift(void)
{
    setrlimit(RLIMIT_DATA, &before);
}

/* Fills until NULL. The blocks grow in number only, so that the loop ends. */
static size_t fill(const struct entry *entry, size_t bytes)
{
    size_t n = 0;
    for (void *p; (p = entry->get(bytes)) != NULL; n++)
        hold(p);
    return n;
}

static const size_t block_sizes[] = {64, 4096, 100000, 1 << 20, 6 << 20};

static void every_function_says_enomem(void)
{
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < sizeof block_sizes / sizeof block_sizes[0]; i++) {
            if (e > 0 && i % 2 == 0) /* malloc stands for all sizes */
                continue;
            CHECK(limit_to((size_t)16 << 20));
            errno = 0;
            fill(&entries[e], block_sizes[i]);
            int code = errno;
            lift();
            release_all();
            CHECK_THAT(code == ENOMEM, "%s of %zu: errno %d", entries[e].name, block_sizes[i],
                       code);
        }
}

static void a_refused_realloc_keeps_the_block(void)
{
    unsigned char *p = malloc(70000);
    conform_fill(p, 70000, 4);
    CHECK(limit_to((size_t)32 << 20));
    errno = 0;
    void *q = realloc(p, (size_t)2 << 30);
    int code = errno;
    lift();
    CHECK(q == NULL && code == ENOMEM);
    CHECK(conform_lost(p, 70000, 70000, 4) < 0);
    free(p);
}

static void what_was_freed_meanwhile_is_reusable(void)
{
    const struct entry *entry = &entries[0];
    CHECK(limit_to((size_t)16 << 20));
    size_t first = fill(entry, 4096);
    size_t freed = release_all();
    size_t second = fill(entry, 4096);
    release_all();
    lift();
    CHECK_THAT(first == freed, "%zu %zu", first, freed);
    CHECK_THAT(second >= first - first / 20, "%zu then %zu", first, second);
}

static void all_works_after_the_limit(void)
{
    CHECK(limit_to((size_t)32 << 20));
    fill(&entries[0], 1000);
    lift();
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < sizeof block_sizes / sizeof block_sizes[0]; i++) {
            void *p = entries[e].get(block_sizes[i]);
            CHECK_THAT(p != NULL, "%s of %zu", entries[e].name, block_sizes[i]);
            hold(p);
        }
    release_all();
}

enum { N_THREADS = 8 };
static int thread_errno[N_THREADS];

static void *fill_thread(void *number)
{
    void *own = NULL, *p;
    while ((p = malloc(3000)) != NULL) {
        *(void **)p = own;
        own = p;
    }
    thread_errno[(size_t)number] = errno;
    for (; own; own = p) {
        p = *(void **)own;
        free(own);
    }
    return NULL;
}

static void eight_threads_at_once(void)
{
    pthread_t threads[N_THREADS];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 << 10);
    CHECK(limit_to((size_t)32 << 20));
    size_t started = 0;
    while (started < N_THREADS &&
           pthread_create(&threads[started], &attr, fill_thread, (void *)started) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    lift();
    CHECK_THAT(started == N_THREADS, "%zu started", started);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_THAT(thread_errno[i] == ENOMEM, "thread %zu: errno %d", i, thread_errno[i]);
    void *p = malloc(50 << 20);
    CHECK(p != NULL);
    free(p);
}

static const struct conform_case cases[] = {
    {"under a limit every function ends in NULL and ENOMEM", every_function_says_enomem},
    {"a refused realloc keeps the block", a_refused_realloc_keeps_the_block},
    {"what was freed meanwhile can be had again", what_was_freed_meanwhile_is_reusable},
    {"all works again when the limit is lifted", all_works_after_the_limit},
    {"eight threads reach the limit at once", eight_threads_at_once},
};

/* Under RLIMIT_AS from the start of the process. */
static void fills_the_address_space(void)
{
    for (size_t i = 0; i < sizeof block_sizes / sizeof block_sizes[0]; i++) {
        errno = 0;
        size_t first = fill(&entries[0], block_sizes[i]);
        CHECK_THAT(errno == ENOMEM, "blocks of %zu: errno %d", block_sizes[i], errno);
        CHECK_THAT(first * block_sizes[i] >= (size_t)64 << 20, "%zu blocks of %zu", first,
                   block_sizes[i]);
        release_all();
        size_t second = fill(&entries[0], block_sizes[i]);
        release_all();
        CHECK_THAT(second >= first - first / 10, "blocks of %zu: %zu, then %zu", block_sizes[i],
                   first, second);
    }
}

static const struct conform_case limited_cases[] = {
    {"a process started under RLIMIT_AS uses what it may", fills_the_address_space},
    {"a refused realloc keeps the block there", a_refused_realloc_keeps_the_block},
};

int main(int argc, char **argv)
{
    if (argc > 1)
        return conform_run(limited_cases, sizeof limited_cases / sizeof limited_cases[0]);
    int failed = conform_run(cases, sizeof cases / sizeof cases[0]);
    struct rlimit limit = {(rlim_t)128 << 20, (rlim_t)128 << 20};
    if (failed == 0 && setrlimit(RLIMIT_AS, &limit) == 0)
        execl("/proc/self/exe", argv[0], "limited", NULL);
    return failed ? failed : 2;
}
