/* subject_libc.c: the names of the C library as the allocator under test. */
#include "subject.h"
#include <malloc.h>
#include <stdlib.h>

/* C23; a C library that lacks them leaves the places empty. */
extern void free_sized(void *p, size_t size) __attribute__((weak));
extern void free_aligned_sized(void *p, size_t align, size_t size) __attribute__((weak));

static void plain_sized(void *p, size_t size)
{
    if (free_sized)
        free_sized(p, size);
    else
        free(p);
}

static void plain_aligned_sized(void *p, size_t align, size_t size)
{
    if (free_aligned_sized)
        free_aligned_sized(p, align, size);
    else
        free(p);
}

static void trim(void)
{
    malloc_trim(0);
}

const struct subject subject = {
    .name = "libc",
    .malloc = malloc,
    .calloc = calloc,
    .realloc = realloc,
    .reallocarray = reallocarray,
    .free = free,
    .free_sized = plain_sized,
    .free_aligned_sized = plain_aligned_sized,
    .aligned_alloc = aligned_alloc,
    .posix_memalign = posix_memalign,
    .memalign = memalign,
    .valloc = valloc,
    .pvalloc = pvalloc,
    .usable_size = malloc_usable_size,
    .trim = trim,
};
