/* unwind.h: the callers of a call, from the tables that compilers write for exceptions.
 *
 *   pc ──▶ cache of rows ──miss──▶ module (_dl_find_object) ──▶ .eh_frame_hdr ──▶ its program, run
 *           │                                                   to pc: one row of 64 bits
 *           ▼
 *   row: where the caller's frame is, where its pc and frame pointer were saved
 *
 * Debian's libraries keep no frame pointers, and the C library's own unwinder takes 400 ns a frame
 * and a lock. A row is looked up in a few loads; 65,536 rows are kept for all threads, each in two
 * words that only agree when they are of one row, so no lock is needed.
 *
 * U1  Nothing here allocates, takes a lock, or calls what may. Any handler may call it.
 * U2  Memory is read only inside the mapping of the stack that the caller runs on, and frames only
 *     go upwards in it; so a wrong row leads to a short or wrong list, never to a fault.
 * U3  What a row cannot say (an expression that is neither the signal frame's, nor a PLT's, nor a
 *     realigned stack's) ends the walk.
 *
 * A module that another replaced at the same addresses after dlclose may be walked by stale rows.
 * Without _dl_find_object (glibc before 2.35) there are no callers at all.
 *
 * Threads   Any.
 * Source    DWARF 4, 6.4; the LSB's .eh_frame and .eh_frame_hdr. A cache of rows by pc, and not of
 *           tables by module, after libunwind's trace cache.
 */
#ifndef ASH_PROBE_UNWIND_H
#define ASH_PROBE_UNWIND_H

#include "base/base.h"

struct ash_unwind_module {
    uintptr_t start, end;
    const char *path; /* "" is the program itself */
};

/* The stack a thread runs on, kept between calls; zero at first. */
struct ash_unwind_stack {
    uintptr_t low, end;
    uint32_t n_lookups; /* coroutines change stacks: after some thousand they are not looked up */
};

/* Return addresses from the caller's on, the innermost first, without those inside this library.
 * How many of the n. */
size_t ash_unwind(struct ash_unwind_stack *stack, uintptr_t *ret_frames, size_t n);
/* Called once for each module that a frame lies in, by the thread that meets it first. */
extern void (*ash_unwind_seen)(const struct ash_unwind_module *module);
/* In the child of a fork that has a file of its own: modules are new again. */
void ash_unwind_forget_modules(void);

#endif
