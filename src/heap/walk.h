/* walk.h: every block of a heap, or of all heaps, and whether everything holds together.
 *
 * A page's blocks are known exactly while its holder cannot change them: pages of the
 * calling thread, of orphans, starters and named heaps. Pages of other running threads are
 * reported as UNKNOWN. So a walk is exact for named heaps and when no other thread runs.
 *
 * Threads   Any. The visitor may allocate; what it allocates may or may not be visited.
 */
#ifndef ASH_HEAP_WALK_H
#define ASH_HEAP_WALK_H

#include "heap/bins.h"

enum ash_block_state { ASH_BLOCK_LIVE, ASH_BLOCK_FREE, ASH_BLOCK_UNKNOWN };

/* Returns false to end the walk. */
typedef bool ash_walk_visit(void *arg, void *block, size_t bytes, enum ash_block_state state);

/* heap NULL: all heaps and objects. false: the visitor ended it. */
bool ash_walk(struct ash_heap *heap, ash_walk_visit *visit, void *arg);

/* Called for each fault with its page and a sentence. */
typedef void ash_verify_fault(void *arg, const void *page, const char *why);
/* Checks every page that can be known exactly. Number of faults. */
size_t ash_verify_all(ash_verify_fault *fault, void *arg);

#endif
