/* watch.c: a thread begins and ends to be watched; see watch.h. */
#include "heap/watch.h"
#include "heap/threads.h"

void ash_watch_begin(struct ash_tls *tls)
{
    tls->watch = ASH_WATCH_PAUSED;
    ash_thread_idle(); /* W1: what was in bins goes back */
    ash_thread_need_exit(tls);
}

void ash_watch_end(struct ash_tls *tls)
{
    struct ash_heap *heap = ash_watch_home(tls);
    tls->self = heap;
    ASH_COMPILER_BARRIER();
    tls->watch = ASH_WATCH_OVER;
}
