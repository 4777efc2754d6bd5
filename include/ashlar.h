/* ashlar.h: malloc-shaped calls, heaps of your own, statistics.
 *
 * Linked or preloaded, the library replaces malloc and free; the calls here do the same under
 * names of their own, and more. In the embedded library (libashlar-embed.a) they are all there
 * is: the program's malloc stays what it is.
 *
 * Units    Sizes are bytes.
 * Errors   A refused request returns NULL and sets errno to ENOMEM (EINVAL for an alignment that
 *          is none). A call that succeeds leaves errno alone; freeing never touches it. A pointer
 *          that no heap gave out ends the program with one line (`ashlar help E03`).
 * Threads  Every function may be called from any thread at any time unless it says otherwise; no
 *          function is a cancellation point. None may be called from a signal handler that
 *          interrupted another one.
 * Fork     A child may call everything, whatever other threads of its parent were doing.
 *
 * C11 and C++.
 */
#ifndef ASHLAR_H
#define ASHLAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define ASHLAR_NOEXCEPT noexcept
#else
#define ASHLAR_NOEXCEPT
#endif

#define ASHLAR_VERSION "0.1.0"

/* The version of the library that runs, "major.minor.patch". */
const char *ashlar_version(void) ASHLAR_NOEXCEPT;

/* ---- as malloc(3) ---- */

/* At least bytes bytes, aligned to 16, also for sizes below 16. 0 bytes: a unique pointer. */
void *ashlar_malloc(size_t bytes) ASHLAR_NOEXCEPT;
/* count * bytes bytes, all zero; ENOMEM when the product wraps. */
void *ashlar_calloc(size_t count, size_t bytes) ASHLAR_NOEXCEPT;
/* Changes a block's size; the old pointer is invalid after success, intact after failure.
 * p NULL: malloc. bytes 0: frees p and returns NULL. */
void *ashlar_realloc(void *p, size_t bytes) ASHLAR_NOEXCEPT;
void *ashlar_reallocarray(void *p, size_t count, size_t bytes) ASHLAR_NOEXCEPT;
/* NULL: nothing. From any thread. */
void ashlar_free(void *p) ASHLAR_NOEXCEPT;
/* C23: like free; a size or alignment that cannot be the block's is reported (E06, E07). */
void ashlar_free_sized(void *p, size_t bytes) ASHLAR_NOEXCEPT;
void ashlar_free_aligned_sized(void *p, size_t align, size_t bytes) ASHLAR_NOEXCEPT;
/* align: a power of two up to 512 MiB; otherwise EINVAL, above that ENOMEM. */
void *ashlar_aligned_alloc(size_t align, size_t bytes) ASHLAR_NOEXCEPT;
/* Rounds align up to the next power of two. */
void *ashlar_memalign(size_t align, size_t bytes) ASHLAR_NOEXCEPT;
/* 0, EINVAL or ENOMEM; *ret_p is written on success only and errno never. */
int ashlar_posix_memalign(void **ret_p, size_t align, size_t bytes) ASHLAR_NOEXCEPT;
/* Bytes the block has, at least what was asked for, all of them yours. NULL: 0. */
size_t ashlar_usable_size(void *p) ASHLAR_NOEXCEPT;

/* ---- heaps of your own ---- */

/* A heap whose blocks can be freed all at once. Blocks may also be freed one by one, with
 * ashlar_heap_free or free. realloc of one may move it to the ordinary heap. */
struct ashlar_heap;

/* NULL, ENOMEM: no memory. To be destroyed by ashlar_heap_destroy. */
struct ashlar_heap *ashlar_heap_new(void) ASHLAR_NOEXCEPT;
/* As malloc and aligned_alloc. In the child of a fork that caught another thread inside this very
 * heap it refuses (ENOMEM). */
void *ashlar_heap_alloc(struct ashlar_heap *heap, size_t bytes) ASHLAR_NOEXCEPT;
void *ashlar_heap_aligned_alloc(struct ashlar_heap *heap, size_t align,
                                size_t bytes) ASHLAR_NOEXCEPT;
void ashlar_heap_free(struct ashlar_heap *heap, void *p) ASHLAR_NOEXCEPT;
/* Frees every block of the heap. Nobody may use one afterwards or meanwhile. */
void ashlar_heap_free_all(struct ashlar_heap *heap) ASHLAR_NOEXCEPT;
/* The same, and the heap itself. NULL: nothing. */
void ashlar_heap_destroy(struct ashlar_heap *heap) ASHLAR_NOEXCEPT;

/* ---- statistics ---- */

/* Counts are since start, the rest is now. Exact while no other thread allocates. Fields are only
 * ever added at the end. */
struct ashlar_stats {
    uint64_t malloc_count;      /* blocks handed out */
    uint64_t free_count;        /* blocks given back */
    uint64_t remote_free_count; /* of these, freed by another thread and sent home */
    uint64_t fail_count;        /* requests refused */
    uint64_t misuse_count;      /* mistakes seen (misuse=report) */
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t mapped_bytes;    /* address space */
    uint64_t committed_bytes; /* of it, what may be resident */
    uint64_t peak_committed_bytes;
    uint64_t dirty_bytes;  /* of committed, free and kept for reuse */
    uint64_t purged_bytes; /* ever given back to the system */
    uint64_t limit_bytes;  /* 0: none */
};

/* Fills the first `bytes` bytes (sizeof the struct the caller knows). Returns the size that this
 * library has. */
size_t ashlar_stats(struct ashlar_stats *ret_stats, size_t bytes) ASHLAR_NOEXCEPT;

/* ---- returning memory ---- */

/* Gives everything back that can be: free slices, ended threads' and this thread's memory at once,
 * other threads' at their next slow path. Returns the bytes given back now. */
size_t ashlar_trim(void) ASHLAR_NOEXCEPT;
/* This thread will be quiet: gives back what only it can give. */
void ashlar_idle(void) ASHLAR_NOEXCEPT;
/* Refuses to commit more than bytes (ENOMEM). 0: no limit. Returns the previous limit. */
uint64_t ashlar_limit(uint64_t bytes) ASHLAR_NOEXCEPT;
/* Starts the thread that returns the memory of quiet processes; once. 0 or an errno value. */
int ashlar_start_reaper(void) ASHLAR_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
