/* free.h: the slow path of free, and lookups that must not fault.
 *
 * The fast path hands over here when the region byte is not REGION, when the owner is not
 * this thread's heap, and when a page wants attention.
 *
 * Threads   Any. errno is never touched (F20).
 */
#ifndef ASH_HEAP_FREE_H
#define ASH_HEAP_FREE_H

#include "heap/bins.h"

/* p is NULL, a huge object, not ours, or its slice's owner is a tag or another heap. */
void ash_free_slow(void *p) __attribute__((noinline)) ASH_HIDDEN;
/* p was freed into a page of this thread, whose attn reached zero. */
void ash_free_attention(void *p) __attribute__((noinline)) ASH_HIDDEN;
/* free_sized and free_aligned_sized: like free, but a size or alignment that cannot be the
 * block's is misuse (E06, E07). align 0: not stated. */
void ash_free_sized(void *p, size_t bytes, size_t align);
/* Bytes that the block of p has; 0 for NULL. A pointer that is no block is misuse (E05). */
size_t ash_usable_bytes(void *p);

#endif
