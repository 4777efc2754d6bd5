/* inspect.c: the calls of include/ashlar/inspect.h over heap/walk. */
#include "ashlar/inspect.h"
#include "api/init.h"
#include "heap/heap.h"

static_assert((int)ASHLAR_BLOCK_LIVE == (int)ASH_BLOCK_LIVE, "one numbering");
static_assert((int)ASHLAR_BLOCK_UNKNOWN == (int)ASH_BLOCK_UNKNOWN, "one numbering");

struct visit {
    ashlar_heap_visit *visit;
    void *arg;
};

static bool forward(void *arg, void *block, size_t bytes, enum ash_block_state state)
{
    const struct visit *to = arg;
    return to->visit(to->arg, block, bytes, (enum ashlar_block_state)state);
}

bool ashlar_heap_walk(struct ashlar_heap *heap, ashlar_heap_visit *visit, void *arg)
{
    struct visit to = {visit, arg};
    return ash_walk((struct ash_heap *)heap, forward, &to);
}

size_t ashlar_verify(ashlar_fault *report, void *arg)
{
    return ash_verify_all(report, arg);
}
