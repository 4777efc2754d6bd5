/* handler_frees.cpp: a new-handler that makes room: new tries again and succeeds (F15). */
#include "conform.h"
#include <new>
#include <sys/resource.h>

static void *reserve;
static struct rlimit before;
static unsigned n_calls;

static void give_reserve(void)
{
    n_calls++;
    if (!reserve)
        throw std::bad_alloc();
    free(reserve);
    reserve = nullptr;
}

static void raise_limit(void)
{
    n_calls++;
    setrlimit(RLIMIT_DATA, &before);
}

/* Writable memory only up to what there is, and a little. */
static void limit_to_now(size_t more_bytes)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long n_pages = 0;
    if (file && fscanf(file, "%*u %*u %*u %*u %*u %lu", &n_pages) != 1)
        n_pages = 0;
    if (file)
        fclose(file);
    getrlimit(RLIMIT_DATA, &before);
    struct rlimit limit = before;
    limit.rlim_cur = n_pages * 4096 + more_bytes;
    setrlimit(RLIMIT_DATA, &limit);
}

static void a_handler_that_frees(void)
{
    const size_t bytes = (size_t)200 << 20;
    reserve = malloc(bytes);
    CHECK(reserve != nullptr);
    limit_to_now((size_t)100 << 20);
    n_calls = 0;
    std::set_new_handler(give_reserve);
    void *p = nullptr;
    try {
        p = operator new(conform_opaque(bytes));
    } catch (const std::bad_alloc &) {
        p = nullptr;
    }
    std::set_new_handler(nullptr);
    setrlimit(RLIMIT_DATA, &before);
    CHECK_THAT(p != nullptr && n_calls == 1, "%u calls", n_calls);
    operator delete(p);
}

static void a_handler_that_lifts_the_cause(void)
{
    limit_to_now((size_t)64 << 20);
    n_calls = 0;
    std::set_new_handler(raise_limit);
    void *p = operator new(conform_opaque((size_t)300 << 20), std::nothrow);
    std::set_new_handler(nullptr);
    setrlimit(RLIMIT_DATA, &before);
    CHECK_THAT(p != nullptr && n_calls == 1, "%u calls", n_calls);
    operator delete(p);
}

static const conform_case cases[] = {
    {"a new-handler that frees its reserve", a_handler_that_frees},
    {"a new-handler that lifts the cause", a_handler_that_lifts_the_cause},
};

CONFORM_MAIN(cases)
