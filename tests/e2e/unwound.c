/* unwound.c: preloaded: every 16th malloc of a program is walked by our unwinder and by the C
 * compiler's, and the two lists must be the same, PC by PC.
 *
 * At exit a line goes to the file UNWOUND names: compared, different, frames, ns a frame (warm).
 */
#include "os/os.h"
#include "probe/unwind.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define MAX 400u
#define SOME 16u /* of our frames: as many as the recorder takes at most */

extern void *__libc_malloc(size_t bytes);

struct walk {
    uintptr_t frames[MAX];
    size_t n;
};

static _Atomic unsigned long n_calls, n_compared, n_different, n_frames, n_walked, walk_ns;
static __thread bool is_inside __attribute__((tls_model("initial-exec")));
static __thread struct ash_unwind_stack stack __attribute__((tls_model("initial-exec")));

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;
    if (walk->n == MAX || _Unwind_GetIP(context) == 0)
        return _URC_END_OF_STACK;
    walk->frames[walk->n++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static void say(const struct walk *ours, const struct walk *theirs, size_t own)
{
    if (!getenv("UNWOUND_SAY"))
        return;
    fprintf(stderr, "ours %zu, theirs %zu\n", ours->n, theirs->n - own);
    for (size_t i = 0; i < ours->n || i + own < theirs->n; i++)
        fprintf(stderr, "  %lx %lx\n", i < ours->n ? ours->frames[i] : 0,
                i + own < theirs->n ? theirs->frames[i + own] : 0);
}

static __attribute__((noinline)) void compare(void)
{
    struct walk ours = {.n = 0}, theirs = {.n = 0};
    ours.n = ash_unwind(&stack, ours.frames, MAX); /* not warm yet */
    unsigned long before = ash_os_now_ns();
    for (unsigned i = 0; i < 4; i++)
        ours.n = ash_unwind(&stack, ours.frames, MAX);
    walk_ns += ash_os_now_ns() - before;
    n_walked += 4 * ours.n;
    _Unwind_Backtrace(note, &theirs);
    size_t own = 0; /* this library's frames, which ours leaves out */
    while (own < theirs.n && ours.n > 0 && theirs.frames[own] != ours.frames[0])
        own++;
    bool same = ours.n == theirs.n - own &&
                memcmp(ours.frames, theirs.frames + own, ours.n * sizeof(uintptr_t)) == 0;
    n_compared++;
    n_frames += ours.n;
    if (!same && n_different++ < 3)
        say(&ours, &theirs, own);
}

void *malloc(size_t bytes)
{
    if (!is_inside && ++n_calls % 16 == 0) {
        is_inside = true;
        compare();
        is_inside = false;
    }
    return __libc_malloc(bytes);
}

static void __attribute__((constructor)) start(void)
{
    struct walk walk = {.n = 0};
    is_inside = true;
    _Unwind_Backtrace(note, &walk); /* its first call loads a library */
    is_inside = false;
}

static void __attribute__((destructor)) end(void)
{
    is_inside = true;
    const char *path = getenv("UNWOUND");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (fd >= 0)
        dprintf(fd, "%lu %lu %lu %.1f\n", n_compared, n_different, n_frames,
                n_walked ? (double)walk_ns / (double)n_walked : 0);
}
