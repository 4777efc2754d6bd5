/* leftover.h: address ranges that the kernel would not take back when asked.
 *
 * munmap may be refused: cutting a mapping in two needs memory, and the number of mappings has
 * a bound. The memory of such a range goes back at once by the other way (S8), if that is not
 * refused as well, and the range itself is tried again later (F14).
 *
 *     list ─▶ ┌────────┬──────────── ─ ─ ┐ ─▶ ┌────────┬── ─ ─ ┐
 *             │ next…  │ reads zero      │    │ next…  │       │
 *             └────────┴──────────── ─ ─ ┘    └────────┴── ─ ─ ┘
 *
 * A range on the list is mapped, can be written, and is used by nobody: its first bytes are
 * the link. Memory that is still in ranges of the list is counted as committed.
 *
 * Threads   Any. The list is pushed to and taken whole by one word, so nothing waits; what a
 *           fork cuts off between the two is lost address space.
 */
#ifndef ASH_SPACE_LEFTOVER_H
#define ASH_SPACE_LEFTOVER_H

#include "base/base.h"

/* Unmaps a range that can be written, now or later. */
void ash_leftover_unmap(uintptr_t addr, size_t bytes);
/* Tries every range of the list once more. */
void ash_leftover_retry(void);

#endif
