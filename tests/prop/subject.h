/* subject.h: the allocator under test, as a table of its entry points.
 *
 * subject_ashlar.c fills it with the ashlar_ names, subject_libc.c with those of the C library (run
 * plain it proves the test, run with LD_PRELOAD it tests the replaced names), subject_toy.c with an
 * allocator that has one bug on purpose. A null entry is one that the subject does not have.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walked {
    void *p;
    size_t usable;
    bool is_known; /* false: the walker cannot tell whether the block is live */
};

typedef bool walk_function(void *context, const struct walked *block);

struct subject {
    const char *name;
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void (*free)(void *);
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*usable_size)(void *);

    void *(*heap_new)(void);
    void *(*heap_alloc)(void *heap, size_t);
    void (*heap_free)(void *heap, void *);
    void (*heap_free_all)(void *heap);
    void (*heap_destroy)(void *heap);

    /* System calls are refused from now on: the nth, and one in rate at random; 0, 0: none. */
    void (*refuse)(uint64_t nth, uint64_t rate, uint64_t seed);
    void (*trim)(void);                       /* gives back what it can */
    void (*idle)(void);                       /* this thread has nothing to do now */
    void (*count)(uint64_t *ret_live_blocks); /* statistics, read while others run */
    bool (*verify)(void);                     /* the subject's own opinion of itself */
    bool (*walk)(void *heap, walk_function *each, void *context); /* heap NULL: everything */
};

extern const struct subject subject;

/* Only subject_toy.c: chooses the bug. false when there is none of that name. */
bool toy_choose(const char *bug);

#endif
