/* reaper.h: the optional thread that gives back, once a second, what needs no other thread's
 * consent: free slices, and the pages of orphans and starters (ASHLAR=reaper).
 *
 * Threads   Any thread may start it; there is one.
 */
#ifndef ASH_HEAP_REAPER_H
#define ASH_HEAP_REAPER_H

/* 0, also when it runs already, or an errno. */
int ash_reaper_start(void);

#endif
