/* checked.h: every entry point of the subject, called and judged.
 *
 * A call here does what the plain call does, and then looks at everything that can be seen from
 * outside: address and alignment, overlap with other live blocks, contents, zeros, usable size,
 * errno. The first difference ends the program with a line that names it.
 *
 * Threads   A block belongs to one thread at a time; handing it over is the caller's business.
 */
#ifndef CHECKED_H
#define CHECKED_H

#include "subject.h"

enum origin { FROM_MALLOC, FROM_ALIGNED_ALLOC, FROM_OTHER };

struct block {
    unsigned char *p; /* null: no block */
    size_t size;      /* as asked for */
    size_t usable;
    uint64_t seed; /* of its contents */
    uint32_t align;
    uint32_t owner; /* the caller's word: which life of which thread asked for it */
    enum origin origin;
};

/* What an allocation asks for; the fields that a call does not have are ignored. */
struct request {
    size_t size;
    size_t align; /* a power of two, at least 8 */
    uint64_t seed;
    uint32_t owner;
};

/* Each returns false when there is no memory, which is an answer; anything wrong is not. */
bool checked_malloc(struct block *block, const struct request *request);
bool checked_calloc(struct block *block, const struct request *request);
bool checked_aligned(struct block *block, const struct request *request, unsigned which);
bool checked_heap_alloc(struct block *block, const struct request *request, void *heap);
/* A null block is allocated, size 0 frees. The block is unchanged when there is no memory. */
bool checked_realloc(struct block *block, size_t size, uint32_t owner, bool as_array);
/* which: free, free_sized or free_aligned_sized, where they may be used. */
void checked_free(struct block *block, unsigned which);
void checked_heap_free(struct block *block, void *heap);
/* The heap frees it itself: only look and forget. */
void checked_forget(struct block *block);
/* Contents and usable size of a live block. */
void checked_look(const struct block *block);
/* Requests that must be refused; `keep` is a live block that they must leave alone. */
void checked_refusals(const struct block *keep, uint64_t random);

/* Prints the sentence and where we are (checked_where), then ends with status 1, or aborts if that
 * is set: fuzzers keep what made the program abort. */
_Noreturn void checked_fail(const char *sentence, ...) __attribute__((format(printf, 1, 2)));
extern bool checked_aborts;
/* Set per thread: what to print with a failure, e.g. seed, thread and operation. */
extern _Thread_local char checked_where[128];

#endif
