/* pack.h: a trace in the order of time, packed: what an .ashtrace file becomes for keeping.
 *
 *   │ header 64, COMPACT │ pack │ pack │ … │ modules │ index │ end │   one behind another
 *
 * A pack is a zstd frame of up to 256 KiB of events (wire/trace.h) of all threads, an event THREAD
 * before each change of thread. Blocks have numbers in the order of their births in place of
 * addresses (number × 16; a block that moves gets a new one): the number of a new block is the last
 * one plus 1, so it packs to nothing. The index has a row for each pack: place in the file, first
 * tick, events, live bytes and live blocks before it. The end keeps all counters of the order.
 *
 * Each pack is read by itself, and believed only with its checksum; a damaged one is passed by and
 * counted. Packing what is packed gives the same bytes.
 */
#ifndef ASH_LAB_PACK_H
#define ASH_LAB_PACK_H

#include "lab/order.h"
#include <stdio.h>

/* Writes the whole order as a compact file. false: *ret_why is a sentence. */
bool ash_pack_write(struct ash_order *order, FILE *out, const char **ret_why);

/* ---- reading, for order.c ---- */

struct ash_pack;

struct ash_pack_source {
    ash_order_read *read;
    void *arg;
    uint64_t file_bytes;
    const struct ash_trace_header *header;
    void (*add_modules)(void *arg, const uint8_t *rows, size_t n);
    void *arg_modules;
};

/* Looks at all frames: what they count goes into *count. NULL: no memory. */
struct ash_pack *ash_pack_open(const struct ash_pack_source *source, struct ash_order_count *count);
/* As ash_order_next. */
int ash_pack_next(struct ash_pack *pack, struct ash_trace_event *ret_event, uint32_t *ret_thread);
void ash_pack_close(struct ash_pack *pack);

#endif
