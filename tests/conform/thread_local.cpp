/* thread_local.cpp: destructors of thread_local objects allocate and free (F10). */
#include "conform.h"
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

static std::atomic<unsigned> n_destroyed, n_bad;

/* Frees in its destructor what its thread allocated, and allocates there. */
struct keeper {
    std::vector<std::unique_ptr<std::string>> words;

    keeper()
    {
        for (unsigned i = 0; i < 200; i++)
            words.push_back(std::make_unique<std::string>(20 + i * 13, 'w'));
    }

    ~keeper()
    {
        std::string all;
        for (const auto &word : words)
            all += *word;
        if (all.size() != 200 * 20 + 13 * 199 * 200 / 2)
            n_bad++;
        std::vector<std::string> copies(5, all);
        n_destroyed++;
    }
};

static thread_local keeper first;
static thread_local std::unique_ptr<keeper> second;

static void use_them()
{
    if (first.words.size() != 200)
        n_bad++;
    second = std::make_unique<keeper>();
}

static void destructors_of_threads(void)
{
    n_destroyed = 0;
    for (unsigned i = 0; i < 60; i++)
        std::thread(use_them).join();
    CHECK_THAT(n_destroyed == 120 && n_bad == 0, "%u %u", n_destroyed.load(), n_bad.load());
}

static void destructors_of_detached_threads_meanwhile(void)
{
    n_destroyed = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 16; i++)
        threads.emplace_back(use_them);
    for (auto &thread : threads)
        thread.join();
    CHECK_THAT(n_destroyed == 32 && n_bad == 0, "%u %u", n_destroyed.load(), n_bad.load());
}

static const conform_case cases[] = {
    {"destructors of thread_local objects, one thread after another", destructors_of_threads},
    {"destructors of thread_local objects, 16 threads at once",
     destructors_of_detached_threads_meanwhile},
};

int main()
{
    use_them(); /* the main thread's die in exit */
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
