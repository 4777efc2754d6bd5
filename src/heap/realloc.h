/* realloc.h: stay, grow into the next slices, move page tables, or copy.
 *
 * A block stays if the class is the same or at least three quarters of it stay used. A
 * large object grows into free slices behind it; one that must move and has 8 MiB or more
 * moves its page-table entries, not its bytes (mremap), and copies the rest.
 *
 * Threads   Any; the block must not be used by another thread meanwhile.
 */
#ifndef ASH_HEAP_REALLOC_H
#define ASH_HEAP_REALLOC_H

#include "base/base.h"

/* As realloc(3) in glibc: p NULL is malloc; bytes 0 frees and returns NULL; on failure the
 * old block is intact, errno ENOMEM. */
void *ash_realloc(void *p, size_t bytes);

#endif
