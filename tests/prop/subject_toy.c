/* subject_toy.c: the C library behind a wrapper that has one bug, to prove that the test fails.
 *
 * Each bug shows once in some thousand calls, as real ones do. must_fail.sh runs them all.
 */
#include "subject.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum bug {
    ALIGNMENT,
    CALLOC_STALE,
    ERRNO,
    LOST_BYTE,
    OVERLAP,
    REFUSAL,
    SCRIBBLE,
    USABLE,
    WALK_LOSS,
    WALK_GHOST
};

static const char *const bug_names[] = {"alignment", "calloc_stale", "errno",    "lost_byte",
                                        "overlap",   "refusal",      "scribble", "usable",
                                        "walk_loss", "walk_ghost"};

static enum bug chosen;
static atomic_ulong n_calls;

bool toy_choose(const char *bug)
{
    if (!bug)
        return true;
    for (unsigned i = 0; i < sizeof bug_names / sizeof bug_names[0]; i++)
        if (!strcmp(bug, bug_names[i])) {
            chosen = (enum bug)i;
            return true;
        }
    return false;
}

/* Is it time for the bug to show? */
static bool strikes(enum bug bug)
{
    return chosen == bug && atomic_fetch_add(&n_calls, 1) % 4000 == 3999;
}

/* ---- a walk: every live block in an open-addressed table ---- */

#define N_LIVE (1u << 18)
#define GRAVE ((void *)1)
static void *live[N_LIVE];
static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned place_of(const void *p)
{
    return (unsigned)((uintptr_t)p / 16 * 2654435761u) % N_LIVE;
}

static void enter(void *p)
{
    if (!p || strikes(WALK_LOSS))
        return;
    pthread_mutex_lock(&live_lock);
    unsigned i = place_of(p);
    while (live[i] && live[i] != GRAVE)
        i = (i + 1) % N_LIVE;
    live[i] = p;
    pthread_mutex_unlock(&live_lock);
}

static void leave(void *p)
{
    if (!p || strikes(WALK_GHOST))
        return;
    pthread_mutex_lock(&live_lock);
    for (unsigned i = place_of(p); live[i]; i = (i + 1) % N_LIVE)
        if (live[i] == p) {
            live[i] = GRAVE;
            break;
        }
    pthread_mutex_unlock(&live_lock);
}

static size_t toy_usable(void *p)
{
    size_t usable = malloc_usable_size(p);
    return strikes(USABLE) && usable ? usable - 24 : usable;
}

static bool toy_walk(void *heap, walk_function *each, void *context)
{
    (void)heap;
    for (unsigned i = 0; i < N_LIVE; i++)
        if (live[i] && live[i] != GRAVE) {
            struct walked walked = {live[i], 0, true};
            /* What a ghost points to is gone: its size is not asked for. */
            walked.usable = chosen == WALK_GHOST ? 0 : malloc_usable_size(live[i]);
            if (!each(context, &walked))
                return false;
        }
    return true;
}

/* ---- the calls ---- */

static void *toy_malloc(size_t size)
{
    static _Atomic(void *) last;
    if (size > PTRDIFF_MAX && chosen == REFUSAL)
        return malloc(16);
    if (strikes(OVERLAP) && size <= 64 && last)
        return last;
    void *p = malloc(size);
    if (last && strikes(SCRIBBLE)) /* in the middle, which a freed block does not need */
        ((char *)last)[40] ^= 1;
    if (size >= 64 && size < 256)
        last = p;
    enter(p);
    return p;
}

static void *toy_calloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p && n * size > 100 && strikes(CALLOC_STALE))
        ((char *)p)[96] = 1;
    enter(p);
    return p;
}

static void *toy_realloc(void *old, size_t size)
{
    size_t kept = old ? malloc_usable_size(old) : 0;
    if (size <= PTRDIFF_MAX)
        leave(old);
    void *p = realloc(old, size);
    if (p && kept > 8 && size > 8 && strikes(LOST_BYTE))
        ((char *)p)[7] ^= 1;
    enter(p);
    return p;
}

static void *toy_reallocarray(void *old, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return toy_realloc(old, total);
}

static void toy_free(void *p)
{
    leave(p);
    free(p);
    if (strikes(ERRNO))
        errno = EINVAL;
}

static void toy_free_sized(void *p, size_t size)
{
    (void)size;
    toy_free(p);
}

static void toy_free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    toy_free(p);
}

static void *toy_aligned_alloc(size_t align, size_t size)
{
    /* each time: a plain block is aligned by chance, mostly */
    void *p = chosen == ALIGNMENT ? malloc(size) : aligned_alloc(align, size);
    enter(p);
    return p;
}

static int toy_posix_memalign(void **ret_p, size_t align, size_t size)
{
    int code = posix_memalign(ret_p, align, size);
    if (code == 0)
        enter(*ret_p);
    return code;
}

static void *toy_memalign(size_t align, size_t size)
{
    void *p = memalign(align, size);
    enter(p);
    return p;
}

const struct subject subject = {
    .name = "toy",
    .malloc = toy_malloc,
    .calloc = toy_calloc,
    .realloc = toy_realloc,
    .reallocarray = toy_reallocarray,
    .free = toy_free,
    .free_sized = toy_free_sized,
    .free_aligned_sized = toy_free_aligned_sized,
    .aligned_alloc = toy_aligned_alloc,
    .posix_memalign = toy_posix_memalign,
    .memalign = toy_memalign,
    .usable_size = toy_usable,
    .walk = toy_walk,
};
