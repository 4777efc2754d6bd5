/* checked.c: every entry point of the subject, called and judged; see checked.h. */
#include "checked.h"
#include "pattern.h"
#include "shadow.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set before each call: a value that no call of ours produces. */
#define ERRNO_MARK 4711
#define OS_PAGE ((size_t)4096)

_Thread_local char checked_where[128];
bool checked_aborts;

_Noreturn void checked_fail(const char *sentence, ...)
{
    char line[512];
    va_list args;
    va_start(args, sentence);
    vsnprintf(line, sizeof line, sentence, args);
    va_end(args);
    fprintf(stderr, "FAILED %s: %s (%s)\n", subject.name, line, checked_where);
    if (checked_aborts)
        abort();
    _exit(1);
}

static void expect_errno(int expected, const char *call)
{
    if (errno != expected)
        checked_fail("errno: %s left %d, expected %d", call, errno, expected);
}

/* false: refused, with the right errno. */
static bool was_served(const void *p, const char *call)
{
    expect_errno(p ? ERRNO_MARK : ENOMEM, call);
    return p != NULL;
}

/* Takes a fresh block into the books: everything but its contents. */
static void admit(struct block *block, const struct request *request, const char *call)
{
    size_t align = request->align > 16 ? request->align : 16;
    if ((uintptr_t)block->p % align != 0)
        checked_fail("alignment: %s gave %p, asked for %zu", call, (void *)block->p, align);
    block->size = request->size;
    block->align = (uint32_t)request->align;
    block->seed = request->seed;
    block->owner = request->owner;
    errno = ERRNO_MARK;
    block->usable = subject.usable_size(block->p);
    expect_errno(ERRNO_MARK, "usable_size");
    if (block->usable < block->size)
        checked_fail("usable size: %s of %zu gave %zu", call, block->size, block->usable);
    if (!shadow_claim(block->p, block->usable))
        checked_fail("overlap: %s of %zu gave %p, part of a live block", call, block->size,
                     (void *)block->p);
}

static bool admit_written(struct block *block, const struct request *request, const char *call)
{
    if (!was_served(block->p, call))
        return false;
    admit(block, request, call);
    pattern_write(block->p, 0, block->usable, block->seed);
    return true;
}

bool checked_malloc(struct block *block, const struct request *request)
{
    struct request plain = *request;
    plain.align = 16;
    errno = ERRNO_MARK;
    block->p = subject.malloc(request->size);
    block->origin = FROM_MALLOC;
    return admit_written(block, &plain, "malloc");
}

bool checked_calloc(struct block *block, const struct request *request)
{
    struct request plain = *request;
    plain.align = 16;
    /* Factors that multiply to the size, or a little above it. */
    size_t unit = request->size > 64 ? 1 + request->seed % 16 : 1;
    plain.size = (request->size + unit - 1) / unit * unit;
    errno = ERRNO_MARK;
    block->p = subject.calloc(plain.size / unit, unit);
    block->origin = FROM_MALLOC;
    if (!was_served(block->p, "calloc"))
        return false;
    admit(block, &plain, "calloc");
    size_t where = pattern_nonzero(block->p, block->size);
    if (where != PATTERN_NOWHERE)
        checked_fail("zero: calloc of %zu gave %p, not zero at %zu", block->size, (void *)block->p,
                     where);
    pattern_write(block->p, 0, block->usable, block->seed);
    return true;
}

static void *call_posix_memalign(const struct request *request)
{
    void *p = (void *)(uintptr_t)0x5a5a;
    int code = subject.posix_memalign(&p, request->align, request->size);
    expect_errno(ERRNO_MARK, "posix_memalign");
    if (code == 0)
        return p;
    if (code != ENOMEM || p != (void *)(uintptr_t)0x5a5a)
        checked_fail("posix_memalign(%zu, %zu) returned %d and touched its argument or refused",
                     request->align, request->size, code);
    errno = ENOMEM;
    return NULL;
}

bool checked_aligned(struct block *block, const struct request *request, unsigned which)
{
    struct request aligned = *request;
    const char *call = "aligned_alloc";
    block->origin = FROM_OTHER;
    errno = ERRNO_MARK;
    if (which % 8 == 0 && subject.valloc) {
        call = "valloc";
        aligned.align = OS_PAGE;
        block->p = subject.valloc(aligned.size);
    } else if (which % 8 == 1 && subject.pvalloc) {
        call = "pvalloc";
        aligned.align = OS_PAGE;
        block->p = subject.pvalloc(aligned.size);
        aligned.size = (aligned.size + OS_PAGE - 1) / OS_PAGE * OS_PAGE;
    } else if (which % 8 < 4) {
        call = "posix_memalign";
        block->p = call_posix_memalign(&aligned);
    } else if (which % 8 < 6) {
        call = "memalign"; /* also of what is no power of two: rounded up */
        size_t odd = aligned.align > 32 && which % 8 == 4 ? aligned.align - 8 : aligned.align;
        block->p = subject.memalign(odd, aligned.size);
    } else {
        block->origin = FROM_ALIGNED_ALLOC;
        block->p = subject.aligned_alloc(aligned.align, aligned.size);
    }
    return admit_written(block, &aligned, call);
}

bool checked_heap_alloc(struct block *block, const struct request *request, void *heap)
{
    struct request plain = *request;
    plain.align = 16;
    errno = ERRNO_MARK;
    block->p = subject.heap_alloc(heap, request->size);
    block->origin = FROM_OTHER;
    return admit_written(block, &plain, "heap_alloc");
}

static void expect_contents(const struct block *block, size_t n, const char *when)
{
    size_t where = pattern_damage(block->p, n, block->usable, block->seed);
    if (where != PATTERN_NOWHERE)
        checked_fail("contents: block %p of %zu (usable %zu) damaged at %zu, seen %s",
                     (void *)block->p, block->size, block->usable, where, when);
}

void checked_look(const struct block *block)
{
    expect_contents(block, block->usable, "in passing");
    errno = ERRNO_MARK;
    size_t usable = subject.usable_size(block->p);
    expect_errno(ERRNO_MARK, "usable_size");
    if (usable != block->usable)
        checked_fail("usable size: block %p had %zu, now %zu", (void *)block->p, block->usable,
                     usable);
}

/* Last look at a block that is about to be given back. */
static void dismiss(const struct block *block)
{
    expect_contents(block, block->usable, "before it was given back");
    if (!shadow_return(block->p, block->usable))
        checked_fail("overlap: block %p of %zu lost its addresses", (void *)block->p, block->size);
}

void checked_free(struct block *block, unsigned which)
{
    dismiss(block);
    errno = ERRNO_MARK;
    if (which % 4 == 0 && block->origin == FROM_MALLOC)
        subject.free_sized(block->p, block->size);
    else if (which % 4 < 2 && block->origin == FROM_ALIGNED_ALLOC)
        subject.free_aligned_sized(block->p, block->align, block->size);
    else
        subject.free(block->p);
    expect_errno(ERRNO_MARK, "free");
    block->p = NULL;
}

void checked_heap_free(struct block *block, void *heap)
{
    dismiss(block);
    errno = ERRNO_MARK;
    subject.heap_free(heap, block->p);
    expect_errno(ERRNO_MARK, "heap_free");
    block->p = NULL;
}

void checked_forget(struct block *block)
{
    dismiss(block);
    block->p = NULL;
}

bool checked_realloc(struct block *block, size_t size, uint32_t owner, bool as_array)
{
    struct block old = *block;
    struct request grown = {.size = size, .align = 16, .seed = old.seed, .owner = owner};
    const char *call = as_array ? "reallocarray" : "realloc";
    if (old.p)
        dismiss(&old);
    size_t unit = as_array && size % 4 == 0 ? 4 : 1;
    errno = ERRNO_MARK;
    void *p =
        as_array ? subject.reallocarray(old.p, size / unit, unit) : subject.realloc(old.p, size);
    if (old.p && size == 0) { /* freed, as glibc does */
        expect_errno(ERRNO_MARK, call);
        if (p)
            checked_fail("%s(p, 0) returned %p", call, p);
        block->p = NULL;
        return true;
    }
    if (!was_served(p, call)) {
        if (old.p && !shadow_claim(old.p, old.usable))
            checked_fail("overlap: refused %s lost the old block %p", call, (void *)old.p);
        if (old.p)
            expect_contents(&old, old.usable, "after a refused realloc");
        return false;
    }
    block->p = p;
    block->origin = FROM_MALLOC;
    admit(block, &grown, call);
    size_t kept = old.p ? (old.size < size ? old.size : size) : 0;
    if (kept > 0) {
        size_t written = kept == old.size ? old.usable : PATTERN_NOWHERE;
        size_t where = pattern_damage(block->p, kept, written, block->seed);
        if (where != PATTERN_NOWHERE)
            checked_fail("contents: %s of %p from %zu to %zu (now %p) lost the byte at %zu", call,
                         (void *)old.p, old.size, size, p, where);
    }
    pattern_write(block->p, kept, block->usable, block->seed);
    return true;
}

static void expect_refused(const void *p, int code, const char *call)
{
    if (p)
        checked_fail("refusal: %s served what nobody can serve", call);
    expect_errno(code, call);
    errno = ERRNO_MARK;
}

void checked_refusals(const struct block *keep, uint64_t random)
{
    size_t huge = (size_t)PTRDIFF_MAX + 1 + (size_t)(random % PTRDIFF_MAX);
    size_t half = (size_t)1 << 33;
    errno = ERRNO_MARK;
    expect_refused(subject.malloc(huge), ENOMEM, "malloc of more than PTRDIFF_MAX");
    expect_refused(subject.calloc(half, half), ENOMEM, "calloc with overflow");
    expect_refused(subject.reallocarray(keep->p, half, half), ENOMEM, "reallocarray with overflow");
    if (keep->p)
        expect_refused(subject.realloc(keep->p, huge), ENOMEM, "realloc beyond PTRDIFF_MAX");
    expect_refused(subject.memalign((size_t)1 << 62, huge), ENOMEM, "memalign that wraps");
    expect_refused(subject.aligned_alloc(64, huge), ENOMEM, "aligned_alloc too large");
    void *p = (void *)keep;
    int code = subject.posix_memalign(&p, 24, 100);
    if (code != EINVAL || p != (void *)keep)
        checked_fail("refusal: posix_memalign with alignment 24 returned %d", code);
    expect_errno(ERRNO_MARK, "posix_memalign");
    subject.free(NULL);
    expect_errno(ERRNO_MARK, "free(NULL)");
    if (subject.usable_size(NULL) != 0)
        checked_fail("usable size of NULL is not 0");
}
