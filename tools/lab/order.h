/* order.h: the windows of an .ashtrace file as one stream of events, in the order of time.
 *
 *   thread 1  [w0][w3]…  ─┐
 *   thread 2  [w1][w2]…  ─┼─ by tick, deaths first ──▶ event, thread
 *   thread 3  [w4]…      ─┘
 *
 * A free is stamped before it is made and a birth after, so a birth comes behind the death that
 * made room for it; but a tick is 128 steps of the counter, and within one a death may stand in
 * another thread's stream behind an event that waits. So a birth on a live address looks for the
 * death of that address: first at the heads of the other streams, then by waiting some ticks for
 * it. One that is found is moved up (reordered); one that is not is missing from the trace
 * (missed), and the birth is given out all the same.
 *
 * Memory: one window for each thread that is alive at the moment, a word or two for each live
 * block, and a row for each window of the file.
 *
 * What is damaged is passed by and counted: wire/trace.h, T1 to T3.
 */
#ifndef ASH_LAB_ORDER_H
#define ASH_LAB_ORDER_H

#include "wire/trace.h"

struct ash_order;

struct ash_order_count {
    uint64_t n_events;  /* given out; stacks and the begin and end of threads count too */
    uint64_t n_dropped; /* by the recorder, as it says itself */
    uint64_t n_reordered, n_missed;
    uint64_t n_stored, n_bytes; /* events in the file, and what they take; known after open */
    uint32_t n_threads, n_windows, n_open, n_bad; /* windows; open: not closed by their thread */
    bool is_ended;                                /* the program ended in order */
};

/* A module of the program: code that stack frames lie in. */
struct ash_order_module {
    uint64_t start, end, offset;
    uint8_t id_n, id[20]; /* the linker's build id */
    char path[256];
};

/* Reads n bytes of the file at a place; how many there are. */
typedef size_t ash_order_read(void *arg, uint64_t at, void *ret_bytes, size_t n);

/* NULL: *ret_fault says why, GOOD: no memory. file_bytes bounds the search for windows. */
struct ash_order *ash_order_open(ash_order_read *read, void *arg, uint64_t file_bytes,
                                 enum ash_trace_fault *ret_fault);
/* 1 an event and its thread, 0 the end, -1 no memory. Its frames last until the next call. */
int ash_order_next(struct ash_order *order, struct ash_trace_event *ret_event,
                   uint32_t *ret_thread);
const struct ash_trace_header *ash_order_header(const struct ash_order *order);
const struct ash_order_count *ash_order_count(const struct ash_order *order);
/* Modules, in the order of the file; a later one stands for an earlier one of the same place. */
const struct ash_order_module *ash_order_modules(const struct ash_order *order, size_t *ret_n);
/* Nanoseconds since the file's first tick. */
uint64_t ash_order_ns(const struct ash_order *order, uint64_t tick);
void ash_order_close(struct ash_order *order);

#endif
