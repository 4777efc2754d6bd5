/* hooks.h: the only way a lower room calls up.
 *
 * The upper room fills a pointer once, while the program has one thread; null means off.
 * Only slow paths look here (H11).
 *
 * Threads   Written at start, read by all.
 */
#ifndef ASH_BASE_HOOKS_H
#define ASH_BASE_HOOKS_H

#include <stddef.h>

/* Gets each call of a watched thread (heap/watch.h), makes the real one, and gives its answer. */
struct ash_watcher {
    void *(*alloc)(size_t bytes);
    void *(*zeroed)(size_t count, size_t bytes);
    void *(*aligned)(size_t align, size_t bytes);
    void *(*resize)(void *p, size_t bytes);
    void (*free)(void *p); /* never NULL */
    void (*free_sized)(void *p, size_t bytes, size_t align);
    size_t (*usable)(void *p);
    void (*thread_exit)(void); /* the calling thread's last round of destructors */
};

struct ash_hooks {
    /* A request of this many bytes is refused: no memory. May not allocate. */
    void (*oom)(size_t bytes);
    const struct ash_watcher *watcher;
};

extern struct ash_hooks ash_hooks;

#endif
