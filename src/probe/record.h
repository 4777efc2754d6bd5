/* record.h: each call of the malloc family becomes an event in a file that outlives the process.
 *
 *   heap, slow path ──hook──▶ record ──▶ the thread's window ──▶ FILE
 *
 * All threads are watched (heap/watch.h) from their first call on. A free is stamped before it is
 * made, a birth after; so an address is never born before its stamped death, whichever threads they
 * are of.
 *
 * P1  No call of the program fails, waits or allocates for us. What finds no room is counted: in
 *     the next frame of the thread, and at the end. The bytes: wire/trace.h.
 * P2  A child of a fork writes nothing into its parent's file. With `forks` it has one of its own.
 * P3  A thread's window is its own: no lock on the way of an event.
 *
 * Not seen: calls in handlers of signals that interrupt a recorded call, calls of a thread after
 * its last round of destructors, blocks of named heaps. On aarch64 a size up to 1024 is its
 * class's.
 *
 * Threads   start: while the program has one thread. The rest: any.
 */
#ifndef ASH_PROBE_RECORD_H
#define ASH_PROBE_RECORD_H

#include "base/base.h"

enum ash_record_stacks { ASH_RECORD_NONE, ASH_RECORD_SAMPLED, ASH_RECORD_ALL };

struct ash_record_wish {
    const char *file; /* %p is the pid */
    uint32_t pid;     /* the one process that writes to file itself; 0: any */
    bool forks;       /* others write to a file of their own, with the pid in its name */
    enum ash_record_stacks stacks;
};

/* Begins to record, if this process is meant. 0 or -errno: the file cannot be written. */
int ash_record_start(const struct ash_record_wish *wish);
/* The program ends in order: closes the calling thread's window. */
void ash_record_finish(void);

#endif
