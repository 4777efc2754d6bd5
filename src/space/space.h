/* space.h: address space and its metadata: regions, groups, slices.
 *
 *     region  1 GiB aligned                       group  2 MiB          slice  64 KiB
 *     ┌───────┬──────┬───────┬─────────────┐      ┌──┬──┬──┬─ ─┬──┐
 *     │ metas │groups│ header│  slices …   │      │ 0│ 1│ 2│   │31│     page  1 to 8 slices, cut
 *     └───────┴──────┴───────┴─────────────┘      └──┴──┴──┴─ ─┴──┘           into equal blocks
 *     0    1/512   +1/8 of it  1/8 of the region
 *
 * For any address the metadata is found by arithmetic, with no load and no map:
 *
 *     meta(p) = (p & -REGION) | ((p >> 9) & META_MASK)        128 bytes for each slice
 *
 * The first eighth of a region is never handed out. It holds the metas, the group table and
 * the header; the rest of it is address space for side planes (marks, cards, flags) and
 * costs no memory until it is used.
 *
 * S1   A region base is a multiple of the region size; for every pointer handed out meta(p)
 *      is the formula above. No other map leads from a pointer to metadata.
 * S2   The first eighth of a region is never handed out.
 * S3   A fresh meta reads zero and kind 0 is NONE. No code clears the array.
 * S4   A free bit is set if and only if the slice belongs to no page and no object. It
 *      changes by compare-and-swap only: claim acquires, return releases, after kind and
 *      owner were cleared.
 * S5   A page never crosses a group. Metas 1..n-1 of a page carry INTERIOR and the head
 *      before the first block leaves it.
 * S6   A touched bit that is clear says that the slice reads zero. It is set before
 *      hand-out and cleared only after a successful release.
 * S7   Metadata is type-stable: mapped once, never purged, never reused as anything else.
 *      A stale reader sees a meta, never a fault.
 * S8   Memory is released with MADV_DONTNEED only, so counts and resident size agree.
 * S9   An address is ours only if the region byte says so, then its kind is not NONE, then
 *      its offset is a block. No step faults.
 * S10  Untouched slices inside groups born huge are at most an eighth of the used bytes.
 * S11  Purge claims slices through their free bits like any user: no lock is held across a
 *      release. The only lock of space guards adding and opening regions.
 *
 * Threads   Everything here may be called from any thread. Lock rank: ASH_RANK_REGION.
 * Not here  What a page is made of (heap/page.h); when blocks are free (heap/).
 */
#ifndef ASH_SPACE_SPACE_H
#define ASH_SPACE_SPACE_H

#include "space/group.h"
#include "space/meta.h"
#include "space/purge.h"
#include "space/region.h"
#include "space/slice.h"

#endif
