/* trace.h: the bytes of an .ashtrace file: what a program asked of its heap, in order.
 *
 *   file   │ header 64 │ end frame? … │ window t1 #0 │ window t2 #0 │ window t1 #1 │ …
 *   window │ frame 40  │ event event event …… 0 0 0 0           a zero byte ends it
 *
 * All numbers are little endian. Windows have one size and begin at multiples of it behind the
 * first OS page (header: page_bytes, window_bytes). A thread writes into its own window only, the
 * tag of an event last, so that a thread which is killed leaves whole events. A window that its
 * thread closed has a length, a count and a checksum; one that was open at the end has neither, and
 * is read up to the first zero byte.
 *
 *   header  0 "ASHTRACE"  8 u16 version  10 u16 header bytes  12 u24 flags  15 u8 tick shift
 *          16 u32 pid  20 u32 parent  24 u32 page bytes  28 u32 window bytes
 *          32 u64 steps of the counter in a second (refined while the program runs, so it stands
 *          outside the checksum)  40 u64 first tick  48 u64 wall clock ns  56 u32 CPUs  60 u32 crc
 *   frame   0 "AshW"  4 u8 type  5 u8 flags  6 u16 0  8 u32 thread  12 u32 sequence in the thread
 *          16 u32 length, ~0 while open  20 u32 events  24 u64 first tick
 *          32 u32 dropped before  36 u32 crc of the other 36 bytes and of `length` bytes behind
 *   event   tag = op | ticks since the last event << 3; 31 ticks: a varint of the rest follows
 *       1 malloc, 2 calloc   size, address                    [stack]
 *       3 free               address
 *       4 realloc            ticks until its end, size, old address, new address   [stack]
 *       5 aligned            u8 log2 of the alignment, size, address               [stack]
 *       6 sized free         size, u8 log2 of the alignment or 0, address
 *       7 extended           u8 which (enum ash_trace_more), its operands
 *
 * A number is a varint of 7 bits a byte, lowest first. An address, in units of 16 bytes, is the
 * zigzag of its difference from one that both sides know. For a new block that is the last new
 * block of its size: place (size + 15) / 16 % 64 of a table. For an old one it is one of four, the
 * number of which is in the lowest two bits: the last addresses of the four last 64 KiB
 * neighbourhoods, new or old, the last used first. All start at 0 in each window, so that each is
 * read by itself. [stack]: a varint after each birth if the header's flag says so, 0 is none.
 *
 * Measured, bytes for an address: against the last event's 2.1 to 2.6 (new) and 2.2 to 3.0 (old);
 * so 1.0 to 1.2 and 1.0 to 1.4 (python3, sqlite3), 3.2 where perl frees a hash in its own order.
 *
 * T1  A reader trusts nothing: every length, offset and varint is bounded by what was read. Any
 *     file, cut anywhere or with any byte changed, gives events and counts, never a crash.
 * T2  A closed window is believed only if its checksum is right; else it is counted as bad.
 * T3  Reading goes on at the next frame; unknown types and extended events are passed by.
 *
 * Threads   No state; each struct belongs to its user.
 * Source    Operation, core and stack in one log as Apple's malloc_replay has them.
 */
#ifndef ASH_WIRE_TRACE_H
#define ASH_WIRE_TRACE_H

#include "base/base.h"

#define ASH_TRACE_VERSION 1u
#define ASH_TRACE_HEADER_BYTES 64u
#define ASH_TRACE_FRAME_BYTES 40u
#define ASH_TRACE_WINDOW_BYTES 65536u
#define ASH_TRACE_EVENT_MAX 72u   /* no event of one stack frame or fewer is longer */
#define ASH_TRACE_TICK_SHIFT 7u   /* a tick is 128 steps of the counter */
#define ASH_TRACE_FRAMES_MAX 256u /* of a stack */
#define ASH_TRACE_OPEN UINT32_MAX

enum ash_trace_flag {
    ASH_TRACE_STACKS = 1,  /* births carry a stack id */
    ASH_TRACE_COMPACT = 2, /* one ordered stream, packed; no windows */
    ASH_TRACE_WINDOWS = 4,
    ASH_TRACE_CHILD = 8,     /* of a fork */
    ASH_TRACE_CLOCK = 16,    /* the counter is a clock, its steps are ns */
    ASH_TRACE_BUFFERED = 32, /* windows were written at their end: no fallocate here */
    ASH_TRACE_SAMPLED = 64,  /* of the births, some carry a stack */
};

struct ash_trace_header {
    uint32_t version, flags, tick_shift;
    uint32_t pid, parent, page_bytes, window_bytes, n_cpus;
    uint64_t steps_per_second, first_tick, wall_ns;
};

enum ash_trace_type {
    ASH_TRACE_EVENTS = 1,
    ASH_TRACE_MAPS = 2,  /* modules: varint start, end, offset; u8 length of a build id, the id;
                           varint length of a path, the path */
    ASH_TRACE_END = 3,   /* the program ended in order: varint windows, varint events dropped */
    ASH_TRACE_INDEX = 5, /* compacted: a row for each pack (tools/lab/pack.h) */
    ASH_TRACE_PACK = 4,  /* compacted: zstd of an index or of events (tools/lab) */
};

struct ash_trace_frame {
    uint8_t type, flags;
    uint32_t thread, sequence, length, n_events, n_dropped;
    uint64_t first_tick;
};

enum ash_trace_op {
    ASH_TRACE_NONE = 0,
    ASH_TRACE_MALLOC = 1,
    ASH_TRACE_CALLOC,
    ASH_TRACE_FREE,
    ASH_TRACE_REALLOC,
    ASH_TRACE_ALIGNED,
    ASH_TRACE_FREE_SIZED,
    ASH_TRACE_EXTENDED,
};

enum ash_trace_more {
    ASH_TRACE_THREAD_BEGIN = 1, /* size: the system's id of the thread */
    ASH_TRACE_THREAD_END,
    ASH_TRACE_FORK,    /* size: pid of the child, or of the parent in a child's file */
    ASH_TRACE_MARK,    /* size: id */
    ASH_TRACE_FAILED,  /* a refused call; align_log2: its op, size */
    ASH_TRACE_USABLE,  /* malloc_usable_size; addr */
    ASH_TRACE_DROPPED, /* size: events lost here */
    ASH_TRACE_STACK,   /* stack: id, size: n_frames, frames as differences, zigzag */
    ASH_TRACE_THREAD,  /* compacted: the events that follow are of thread size */
    ASH_TRACE_MORE_COUNT,
    ASH_TRACE_MODULE = 64, /* from here on: size bytes; a row as of MAPS */
};

struct ash_trace_event {
    uint8_t op, more; /* enum ash_trace_op; enum ash_trace_more where it is EXTENDED */
    uint8_t align_log2;
    uint32_t stack;
    uint64_t tick;  /* when it was over; of a free, when it began */
    uint64_t ticks; /* realloc: how long before that it began */
    uint64_t size, addr, old;
    const uint64_t *frames; /* STACK: size of them; the reader's own memory */
    const uint8_t *bytes;   /* MODULE: size of them; in the window */
};

/* ---- writing ---- */

/* The addresses that the next is told from, >> 4. */
struct ash_trace_near {
    uint64_t by_size[64];
    uint64_t recent[4];
};

struct ash_trace_writer {
    uint8_t *at;    /* where the next tag goes; zero from here to the end of the window */
    uint8_t *limit; /* an event of ASH_TRACE_EVENT_MAX fits if at <= limit */
    uint64_t tick;
    uint32_t n_events;
    bool stacks;
    bool
        serial; /* new addresses count up: they are told from the last new one, whatever its size */
    struct ash_trace_near near;
};

/* Starts a window: bytes is what follows the frame. */
void ash_trace_start(struct ash_trace_writer *writer, uint8_t *bytes, size_t n, uint64_t tick);
/* Adds an event, its tag last (release). false: there is no room, nothing was written. A tick
 * before the last event's counts as the last event's. */
bool ash_trace_put(struct ash_trace_writer *writer, const struct ash_trace_event *event);

void ash_trace_header_put(const struct ash_trace_header *header,
                          uint8_t bytes[ASH_TRACE_HEADER_BYTES]);
/* With the checksum over `length` bytes of payload; an open frame has none. */
void ash_trace_frame_put(const struct ash_trace_frame *frame, const uint8_t *payload,
                         uint8_t bytes[ASH_TRACE_FRAME_BYTES]);
/* Turns an open frame that lies in front of its payload into a closed one, the length last. */
void ash_trace_frame_close(const struct ash_trace_frame *frame, uint8_t *bytes);
uint8_t *ash_trace_varint_put(uint8_t *at, uint64_t x);

/* ---- reading ---- */

enum ash_trace_fault {
    ASH_TRACE_GOOD = 0,
    ASH_TRACE_SHORT,    /* fewer bytes than a header */
    ASH_TRACE_NO_TRACE, /* another magic */
    ASH_TRACE_NEWER,    /* a version we do not know */
    ASH_TRACE_DAMAGED,  /* the checksum, or fields that cannot be */
};

enum ash_trace_fault ash_trace_header_get(const uint8_t *bytes, size_t n,
                                          struct ash_trace_header *ret_header);
/* A sentence for each. */
const char *ash_trace_fault_words(enum ash_trace_fault fault);
/* Looks at a frame with its payload, of which n bytes are there in all. DAMAGED: the checksum of a
 * closed frame, a length that leaves its window. */
enum ash_trace_fault ash_trace_frame_get(const uint8_t *bytes, size_t n, size_t window_bytes,
                                         struct ash_trace_frame *ret_frame);
/* At or behind `at`, where a frame may begin: its magic is looked for. n: none. */
size_t ash_trace_frame_find(const uint8_t *bytes, size_t n, size_t at);

struct ash_trace_reader {
    const uint8_t *at, *end;
    uint64_t tick;
    bool stacks, is_open, serial;
    struct ash_trace_near near;
    uint64_t frames[ASH_TRACE_FRAMES_MAX];
};

/* Reads the events of a frame; bytes: what follows it, n: as far as it was read. */
void ash_trace_reader_start(struct ash_trace_reader *reader, const struct ash_trace_frame *frame,
                            const uint8_t *bytes, size_t n, bool stacks);
/* 1 an event, 0 the end of the window, -1 damaged: nothing further of this window. */
int ash_trace_get(struct ash_trace_reader *reader, struct ash_trace_event *ret_event);
/* false: it does not end before `end`, or does not fit. */
bool ash_trace_varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_x);

#endif
