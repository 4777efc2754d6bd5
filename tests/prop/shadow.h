/* shadow.h: who holds which address: one bit for every 16 bytes.
 *
 * A block is claimed after the allocator gave it out and returned before it is given back, so two
 * blocks that overlap meet in a bit that is set already. A block begins at a multiple of 16, so the
 * last, partly used granule is nobody else's either.
 *
 * Threads   All, at any time. Leaves of the table are mapped on first use and stay.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include <stdbool.h>
#include <stddef.h>

/* false: some of it belongs to another live block. */
bool shadow_claim(const void *p, size_t bytes);
/* false: some of it was not claimed. */
bool shadow_return(const void *p, size_t bytes);
/* Granules claimed in all; for tests that want to end with none. */
size_t shadow_granules(void);

#endif
