/* pattern.h: contents that tell whose they are.
 *
 * The byte at offset o of a block is a function of the block's seed and o. Small blocks are written
 * wholly, larger ones on a lattice that grows coarser with the offset, and at both ends, so that a
 * 64 MiB block costs about a thousand OS pages. Because the lattice depends on the offset alone,
 * what is written stays checkable after a realloc has moved or resized the block.
 *
 * Threads   No state.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_FINE ((size_t)1024) /* every byte below */
#define PATTERN_NOWHERE ((size_t)-1)

/* Writes the pattern into [from, size) and into the last 16 bytes. */
void pattern_write(unsigned char *p, size_t from, size_t size, uint64_t seed);
/* First offset below n at which the pattern that was written to [0, size) is damaged, or NOWHERE.
 * size NOWHERE: it was written beyond n, nobody knows how far. */
size_t pattern_damage(const unsigned char *p, size_t n, size_t size, uint64_t seed);
/* First offset that is not zero: all bytes of small blocks, each 512th (from 1 MiB on 4096th) word
 * of others, which is where patterns stand. */
size_t pattern_nonzero(const unsigned char *p, size_t size);

#endif
