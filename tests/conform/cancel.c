/* cancel.c: malloc and free are no cancellation points (F7). */
#include "entry.h"
#include <pthread.h>
#include <semaphore.h>

static _Atomic bool cancelled;
static const char *broken;
static _Atomic bool reached_the_end;

/* A request to cancel is pending; only a cancellation point may act on it. */
static void *allocate_while_cancelled(void *unused)
{
    (void)unused;
    while (!cancelled)
        ;
    static const size_t sizes[] = {1, 100, 5000, 70000, 3 << 20, 600 << 20};
    for (unsigned round = 0; round < 50; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (size_t e = 0; e < N_ENTRIES; e++) {
                void *p = entries[e].get(sizes[i]);
                p = realloc(p, sizes[i] * 2 + 1);
                if (!p)
                    broken = "refused";
                free(p);
            }
    malloc_trim(0);
    mallinfo2();
    reached_the_end = true;
    pthread_testcancel();
    broken = "survived a cancellation point";
    return NULL;
}

static void no_function_is_a_cancellation_point(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, allocate_while_cancelled, NULL) == 0);
    CHECK(pthread_cancel(thread) == 0);
    cancelled = true;
    void *result;
    CHECK(pthread_join(thread, &result) == 0);
    CHECK_THAT(broken == NULL, "%s", broken);
    CHECK(reached_the_end);
    CHECK(result == PTHREAD_CANCELED);
}

static void release(void *block)
{
    free(block);
}

static sem_t posts;

/* Churns between cancellation points until one ends it. */
static void *churn(void *seed_of)
{
    volatile unsigned seed = (unsigned)(uintptr_t)seed_of;
    sem_post(&posts);
    for (;;) {
        seed = seed * 1103515245 + 12345;
        void *p = malloc(seed >> 8 & 0x3fff);
        pthread_cleanup_push(release, p);
        pthread_testcancel();
        void *q = calloc(1, seed >> 12 & 0xfff);
        free(q);
        pthread_cleanup_pop(1);
    }
    return NULL;
}

static void cancelled_threads_leave_a_sound_heap(void)
{
    enum { ROUNDS = 40, N = 3 };
    CHECK(sem_init(&posts, 0, 0) == 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_t threads[N];
        for (uintptr_t i = 0; i < N; i++)
            CHECK(pthread_create(&threads[i], NULL, churn, (void *)(round * N + i)) == 0);
        for (unsigned i = 0; i < N; i++)
            sem_wait(&posts);
        for (unsigned i = 0; i < N; i++) {
            void *result;
            CHECK(pthread_cancel(threads[i]) == 0 && pthread_join(threads[i], &result) == 0);
            CHECK(result == PTHREAD_CANCELED);
        }
        void *p = malloc(1000);
        CHECK(p != NULL);
        free(p);
    }
}

static const struct conform_case cases[] = {
    {"no function of the family is a cancellation point", no_function_is_a_cancellation_point},
    {"120 threads cancelled at random leave a sound heap", cancelled_threads_leave_a_sound_heap},
};

CONFORM_MAIN(cases)
