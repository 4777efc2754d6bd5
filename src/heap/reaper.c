/* reaper.c: a thread that returns memory of quiet processes; see reaper.h. */
#include "heap/reaper.h"
#include "heap/starter.h"
#include "heap/threads.h"
#include <pthread.h>

static void *reap(void *arg)
{
    _Atomic uint32_t *never = arg;
    for (;;) {
        ash_os_wait(never, 0, 1000);
        ash_thread_check_fork();
        ash_orphans_release();
        ash_starters_release();
        ash_purge_tick(ash_os_now_ms());
    }
    return NULL;
}

int ash_reaper_start(void)
{
    static _Atomic uint32_t started, never;
    uint32_t no = 0;
    if (!atomic_compare_exchange_strong(&started, &no, 1))
        return 0;
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&thread, &attr, reap, &never);
    pthread_attr_destroy(&attr);
    if (err)
        atomic_store(&started, 0);
    return err;
}
