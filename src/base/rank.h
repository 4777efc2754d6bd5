/* rank.h: the order in which locks may be taken, top to bottom.
 *
 * A thread takes a lock only while every lock it holds has a lower rank, so no circle of
 * waiters can form. Debug builds check it at every take (os/lock.c).
 *
 *   ASH_RANK_OPTION    api: the option table while it is parsed
 *   ASH_RANK_NAMED     heap: one named heap
 *   ASH_RANK_ORPHANS   heap: the list of orphans and the registry of heaps
 *   ASH_RANK_STARTER   heap: one starter heap, with its pages
 *   ASH_RANK_HUGE      space: unmapping the metas of a huge object, and reading another thread's
 *   ASH_RANK_REGION    space: adding a region, opening more of one
 *
 * Threads   Constant.
 */
#ifndef ASH_BASE_RANK_H
#define ASH_BASE_RANK_H

enum ash_rank {
    ASH_RANK_OPTION = 1,
    ASH_RANK_NAMED,
    ASH_RANK_ORPHANS,
    ASH_RANK_STARTER,
    ASH_RANK_HUGE,
    ASH_RANK_REGION,
};

#endif
