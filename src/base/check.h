/* check.h: four words for what must hold (style.md: assertions).
 *
 *   static_assert        sizes, layout, tables                     no build
 *   ASH_CHECK(cond)      our promise at a boundary, slow paths     F01 line, abort
 *   ASH_DEBUG(cond)      every invariant, debug variant only       the same
 *   ash_misuse_*         mistakes of the program (heap/misuse.h)   E-line, abort
 *
 * Threads   ash_fatal may be called from anywhere, also inside malloc: it allocates
 *           nothing, takes no lock and ends the process.
 */
#ifndef ASH_BASE_CHECK_H
#define ASH_BASE_CHECK_H

#include "base/base.h"
#include <assert.h>

/* Writes one F01 line to stderr and aborts. `what` is the text of the broken promise. */
ASH_COLD _Noreturn void ash_fatal(const char *what, const char *file, int line);

#define ASH_CHECK(cond)                                                                            \
    do {                                                                                           \
        if (ASH_UNLIKELY(!(cond)))                                                                 \
            ash_fatal(#cond, __FILE__, __LINE__);                                                  \
    } while (0)

#ifdef ASH_DEBUG_BUILD
#define ASH_DEBUG(cond) ASH_CHECK(cond)
#else
#define ASH_DEBUG(cond) ((void)sizeof(cond))
#endif

#endif
