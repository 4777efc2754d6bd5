/* crc.h: CRC-32C (Castagnoli), the checksum of our files.
 *
 * By the processor's own instruction where x86-64 has it, else by a table of 256.
 *
 * Threads   Any; no state.
 * Source    Castagnoli, Braeuer, Herrmann, IEEE Trans. Comm. 41, 1993: the polynomial.
 */
#ifndef ASH_WIRE_CRC_H
#define ASH_WIRE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` is the checksum of, followed by n bytes. Start with 0. */
uint32_t ash_crc(uint32_t crc, const void *bytes, size_t n);
/* The same without the processor's help, for tests. */
uint32_t ash_crc_by_table(uint32_t crc, const void *bytes, size_t n);

#endif
