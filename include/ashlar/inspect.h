/* inspect.h: every block of a heap, and whether the heap holds together.
 *
 * Exact for named heaps, and for everything while no other thread runs. Blocks in pages of other
 * running threads are reported as ASHLAR_BLOCK_UNKNOWN.
 *
 * Threads  Any. The visitor may allocate and free.
 */
#ifndef ASHLAR_INSPECT_H
#define ASHLAR_INSPECT_H

#include "../ashlar.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ashlar_block_state {
    ASHLAR_BLOCK_LIVE,
    ASHLAR_BLOCK_FREE,
    ASHLAR_BLOCK_UNKNOWN,
};

/* Returns false to end the walk. bytes is what the block has, not what was asked for. */
typedef bool ashlar_heap_visit(void *arg, void *block, size_t bytes, enum ashlar_block_state state);

/* Visits every block of a named heap; heap NULL: of all heaps. false: the visitor ended it. */
bool ashlar_heap_walk(struct ashlar_heap *heap, ashlar_heap_visit *visit,
                      void *arg) ASHLAR_NOEXCEPT;

/* Called for each fault: the page that has it and a sentence. */
typedef void ashlar_fault(void *arg, const void *page, const char *why);

/* Checks the invariants of every page that can be known exactly. report may be NULL. Returns the
 * number of faults, 0 for a sound heap. */
size_t ashlar_verify(ashlar_fault *report, void *arg) ASHLAR_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
