/* bins.c: the thread's own state; see bins.h. */
#include "heap/bins.h"

struct ash_heap ash_heap_none;
struct ash_heap ash_heap_watched = {.busy = 1}; /* W2 */

__thread struct ash_tls ash_tls
    __attribute__((tls_model("initial-exec"))) = {.self = &ash_heap_none};
