/* group.h: which group a new run of slices comes from.
 *
 * A page lies in one group (S5): in the one whose longest free run is the shortest that
 * suffices, then at the lowest address: full groups get fuller, empty ones stay whole (for a
 * huge page, or to go back). The same rule that Temeraire uses for its fillers (Hunter et al.,
 * OSDI 2021).
 *
 * A large object may cross groups. Of all free runs of a region that hold it, the one is taken
 * where the fewest slices were never touched, for those cost faults and new memory; then the
 * one that leaves least over (best fit); then the lowest. The slices are claimed group by
 * group, and given back if a later one is lost.
 *
 * Invariants S4, S5, S6, S10 of space.h.
 *
 * Threads   No lock on any path but growth.
 */
#ifndef ASH_SPACE_GROUP_H
#define ASH_SPACE_GROUP_H

#include "space/region.h"

struct ash_run {
    uintptr_t addr;
    unsigned n_slices;
    bool zero; /* every byte reads zero (S6) */
};

/* Objects up to this many slices live in regions; longer ones have mappings of their own. */
#define ASH_RUN_MAX (ASH_REGION_SLICES / 2)

/* Claims n_slices in a row, the first at a multiple of align_slices (a power of two), over
 * borders of groups. false: no memory, or the limit is reached; nothing changed. */
bool ash_run_claim(unsigned n_slices, unsigned align_slices, struct ash_run *ret_run);
/* The same for at most a group's slices, all in one group. */
bool ash_run_claim_in_group(unsigned n_slices, struct ash_run *ret_run);
/* Claims exactly the n_slices that follow end. */
bool ash_run_extend(uintptr_t end, unsigned n_slices, bool *ret_zero);
/* Gives slices back. Kind and owner of their metas are cleared before (S4). */
void ash_run_return(uintptr_t addr, unsigned n_slices);

#endif
