/* malloc.c: the C names. malloc and free are the inline fast paths and nothing else; every
 * corner is as glibc's (docs/promises.md, F17 to F21). */
/* tidy: twin: tests/conform has a case for each; the embedded library has no such names. */
/* tidy: name: the C library's names are the point. */
#include "api/init.h"
#include "ashlar.h"
#include "heap/fast.h"
#include "heap/heap.h"
#include <malloc.h>
#include <stdlib.h>

const char ash_malloc_linked;

void *malloc(size_t bytes)
{
    return ash_fast_malloc(bytes);
}

void free(void *p)
{
    ash_fast_free(p);
}

void cfree(void *p)
{
    ash_fast_free(p);
}

void *calloc(size_t count, size_t bytes)
{
    return ash_alloc_zeroed(count, bytes);
}

void *realloc(void *p, size_t bytes)
{
    return ash_realloc(p, bytes);
}

void *reallocarray(void *p, size_t count, size_t bytes)
{
    return ashlar_reallocarray(p, count, bytes);
}

void free_sized(void *p, size_t bytes)
{
    ash_free_sized(p, bytes, 0);
}

void free_aligned_sized(void *p, size_t align, size_t bytes)
{
    ash_free_sized(p, bytes, align);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return ashlar_aligned_alloc(align, bytes);
}

int posix_memalign(void **ret_p, size_t align, size_t bytes)
{
    return ashlar_posix_memalign(ret_p, align, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    return ashlar_memalign(align, bytes);
}

void *valloc(size_t bytes)
{
    return ash_alloc_aligned(ash_os_page_bytes(), bytes);
}

void *pvalloc(size_t bytes)
{
    size_t page = ash_os_page_bytes();
    if (bytes > PTRDIFF_MAX - page)
        return ash_alloc_fail(bytes);
    return ash_alloc_aligned(page, ash_align_up(bytes ? bytes : 1, page));
}

size_t malloc_usable_size(void *p)
{
    return ash_usable_bytes(p);
}

int malloc_trim(size_t pad)
{
    (void)pad;
    return ash_threads_trim() != 0;
}

/* The names under which glibc's own functions stay reachable for wrappers that define malloc. A
 * wrapper that wraps only some of them must get all blocks from one heap. */
void *__libc_malloc(size_t bytes)
{
    return ash_fast_malloc(bytes);
}

void __libc_free(void *p)
{
    ash_fast_free(p);
}

void *__libc_calloc(size_t count, size_t bytes)
{
    return ash_alloc_zeroed(count, bytes);
}

void *__libc_realloc(void *p, size_t bytes)
{
    return ash_realloc(p, bytes);
}

void *__libc_memalign(size_t align, size_t bytes)
{
    return ashlar_memalign(align, bytes);
}

void *__libc_valloc(size_t bytes)
{
    return valloc(bytes);
}

void *__libc_pvalloc(size_t bytes)
{
    return pvalloc(bytes);
}
