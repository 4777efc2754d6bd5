/* small_stack.c: every function on a thread with a stack of 16 KiB, and on an alternate one. */
#include "entry.h"
#include <limits.h>
#include <pthread.h>
#include <ucontext.h>

static const char *failed;

static void *use_every_function(void *unused)
{
    static const size_t sizes[] = {0, 1, 1000, 30000, 70000, 5 << 20, 600 << 20};
    for (size_t e = 0; e < N_ENTRIES; e++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            void *p = entries[e].get(sizes[i]);
            p = p ? realloc(p, sizes[i] + 4000) : NULL;
            if (!p || malloc_usable_size(p) < sizes[i] + 4000)
                failed = entries[e].name;
            free(p);
        }
    malloc_trim(0);
    if (malloc(conform_opaque(SIZE_MAX)) != NULL)
        failed = "a refused malloc";
    return unused;
}

static void on_the_smallest_thread(void)
{
    /* The smallest that also holds the thread-local variables, glibc's and those of libraries. */
    static const size_t room[] = {16 << 10, 20 << 10, 24 << 10};
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
        pthread_attr_t attr;
        pthread_t thread;
        CHECK(pthread_attr_init(&attr) == 0);
        if (pthread_attr_setstacksize(&attr, room[i]) != 0)
            continue;
        CHECK(pthread_create(&thread, &attr, use_every_function, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_THAT(failed == NULL, "%s", failed);
        pthread_attr_destroy(&attr);
    }
}

static ucontext_t here, there;

static void use_and_return(void)
{
    use_every_function(NULL);
}

static void on_a_coroutine(void)
{
    static char stack[16384] __attribute__((aligned(64)));
    CHECK(getcontext(&there) == 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(&there, use_and_return, 0);
    CHECK(swapcontext(&here, &there) == 0);
    CHECK_THAT(failed == NULL, "%s", failed);
}

static const struct conform_case cases[] = {
    {"on threads with small stacks", on_the_smallest_thread},
    {"on a coroutine's stack of 16 KiB", on_a_coroutine},
};

CONFORM_MAIN(cases)
