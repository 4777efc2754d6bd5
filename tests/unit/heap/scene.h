/* scene.h: words for tests of the heap: blocks, the pages under them, and other threads. */
#ifndef ASH_TEST_SCENE_H
#define ASH_TEST_SCENE_H

#include "apart.h"
#include "heap/fast.h"
#include "heap/heap.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

static inline void *get(size_t bytes)
{
    void *p = ash_fast_malloc(bytes);
    assert_non_null(p);
    return p;
}

static inline void get_many(void **blocks, unsigned n, size_t bytes)
{
    for (unsigned i = 0; i < n; i++)
        blocks[i] = get(bytes);
}

static inline void put_many(void **blocks, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ash_fast_free(blocks[i]);
}

static inline struct ash_meta *page_of(const void *p)
{
    return ash_page_find((uintptr_t)p).head;
}

static inline struct ash_heap *owner_of(const void *p)
{
    return (struct ash_heap *)page_of(p)->owner;
}

/* This thread's heap, in which nothing ages for the next second. */
static inline struct ash_heap *my_heap(void)
{
    if (ash_tls.self == &ash_heap_none) {
        memset(ash_tls.credit, UINT8_MAX, sizeof ash_tls.credit);
        ash_fast_free(get(16));
    }
    ash_tls.self->scan_ms = (uint32_t)ash_os_now_ms();
    return ash_tls.self;
}

static inline void say_fault(void *arg, const void *page, const char *why)
{
    (void)arg;
    print_error("page %p: %s\n", page, why);
}

static inline void all_must_be_sound(void)
{
    assert_int_equal(ash_verify_all(say_fault, NULL), 0);
}

static inline bool all_bytes_are(const void *p, unsigned char byte, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

/* Runs part in a thread to its end, exit of the thread included. */
static inline void in_thread(void *(*part)(void *), void *arg)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, part, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Blocks that another thread frees or keeps. */
struct blocks {
    void **at;
    unsigned n;
    size_t bytes;
};

static inline void *free_them(void *arg)
{
    const struct blocks *blocks = arg;
    put_many(blocks->at, blocks->n);
    return NULL;
}

/* Allocates them from a heap of the thread's own. */
static inline void *alloc_them(void *arg)
{
    const struct blocks *blocks = arg;
    my_heap();
    for (unsigned i = 0; i < blocks->n; i++)
        blocks->at[i] = ash_fast_malloc(blocks->bytes);
    return NULL;
}

static inline void free_in_thread(void **at, unsigned n)
{
    struct blocks blocks = {at, n, 0};
    in_thread(free_them, &blocks);
}

static inline void alloc_in_thread(void **at, unsigned n, size_t bytes)
{
    struct blocks blocks = {at, n, bytes};
    in_thread(alloc_them, &blocks);
}

/* A thread that keeps its heap, with blocks of it, until it is told to go. */
struct guest {
    void **at;
    unsigned n;
    size_t bytes;
    struct ash_heap *heap;
    pthread_t thread;
    _Atomic uint32_t ready, go;
};

static inline void *guest_stay(void *arg)
{
    struct guest *guest = arg;
    guest->heap = my_heap();
    for (unsigned i = 0; i < guest->n; i++)
        guest->at[i] = ash_fast_malloc(guest->bytes);
    guest->ready = 1;
    ash_os_wake(&guest->ready, 1);
    while (!guest->go)
        ash_os_wait(&guest->go, 0, 1000);
    ash_fast_free(ash_fast_malloc(50000)); /* a slow path */
    return NULL;
}

static inline void guest_start(struct guest *guest)
{
    assert_int_equal(pthread_create(&guest->thread, NULL, guest_stay, guest), 0);
    while (!guest->ready)
        ash_os_wait(&guest->ready, 0, 1000);
}

static inline void guest_end(struct guest *guest)
{
    guest->go = 1;
    ash_os_wake(&guest->go, 1);
    assert_int_equal(pthread_join(guest->thread, NULL), 0);
}

static inline void refuse_all_memory(void)
{
    ash_os_fail_set(0, 1, ASH_FAIL_ALL, 0);
}

static inline void refuse_nothing(void)
{
    ash_os_fail_set(0, 0, 0, 0);
}

/* Runs every test by itself, on a library that was started as its constructor does it. */
static inline int scene_run(const struct CMUnitTest *tests, size_t n, int argc, char **argv)
{
    ash_threads_init();
    return apart_run(tests, n, argc, argv);
}

#endif
