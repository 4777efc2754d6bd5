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

struct ash_hooks {
    /* A request of this many bytes is refused: no memory. May not allocate. */
    void (*oom)(size_t bytes);
};

extern struct ash_hooks ash_hooks;

#endif
