/* channel.h: what a contender's process tells the one that asked: records on a pipe, and a word
 * in shared memory that says which entry it is at, also when it can no longer speak.
 */
#ifndef ASH_LAB_CHANNEL_H
#define ASH_LAB_CHANNEL_H

#include "lab/memory.h"
#include "lab/metric.h"
#include "lab/pins.h"
#include "lab/survey.h"
#include <stdatomic.h>

enum ash_lab_record_kind {
    ASH_LAB_HELLO,   /* struct ash_lab_hello */
    ASH_LAB_SAMPLE,  /* struct ash_lab_sample */
    ASH_LAB_RECT,    /* struct ash_lab_rect */
    ASH_LAB_STEP,    /* struct ash_lab_step_head, its runs, its words */
    ASH_LAB_PINNED,  /* struct ash_lab_pins, sorted */
    ASH_LAB_PICTURE, /* struct ash_lab_picture */
    ASH_LAB_FAULT,   /* struct ash_lab_fault */
    ASH_LAB_END,     /* struct ash_lab_end */
    ASH_LAB_RECORD_KINDS
};

struct ash_lab_record {
    uint32_t kind, n; /* n bytes follow */
};

struct ash_lab_hello {
    char about[200];
    uint32_t flags, state_size;
    uint64_t bound; /* LC11, of the trace's maxima */
};

/* A block's life in address × time. */
struct ash_lab_rect {
    uint64_t addr, size, born, died, number; /* entries; died 0: alive at the end */
    uint32_t stack, thread;
};

struct ash_lab_run {
    uint64_t addr;
    uint64_t size_kind; /* size << 8 | kind */
};

struct ash_lab_step_head {
    struct ash_lab_entry entry;
    uint64_t entry_i, addr;
    uint32_t n_runs, n_words;
};

enum ash_lab_fault_kind {
    ASH_LAB_FAULT_NONE,
    ASH_LAB_FAULT_CANNOT, /* open refused, or it could not be started */
    ASH_LAB_FAULT_BROKEN, /* overlap, misalignment, lost content, usable, each, check, sum */
    ASH_LAB_FAULT_CRASHED,
    ASH_LAB_FAULT_HANGS,
    ASH_LAB_FAULT_TRACE,   /* the trace could not be read to its end */
    ASH_LAB_FAULT_STOPPED, /* by the user */
};

struct ash_lab_fault {
    uint32_t kind;
    uint64_t entry;
    char words[320];
};

struct ash_lab_end {
    uint64_t n_entries, n_refused; /* births and growths refused */
    uint64_t n_resized, n_copied;  /* reallocs without and with a copy */
    uint64_t minor_faults, cpu_ns;
    uint64_t lines_touched, pages_touched; /* LA5 spread: summed over n_spreads windows */
    uint64_t n_spreads;
    struct ash_lab_memory_count memory;
    struct {
        uint64_t n, asked, usable;
    } sizes[ASH_LAB_SIZES]; /* over all births */
};

struct ash_lab_progress {
    _Atomic uint64_t entry;

    _Atomic uint64_t size; /* of the call that is under way, for the words of a crash */
    _Atomic uint32_t op;
};

/* Writes a record. false: nobody listens any more. */
bool ash_lab_tell(int fd, enum ash_lab_record_kind kind, const void *bytes, size_t n);

/* Bytes that have come, until records are whole. */
struct ash_lab_inbox {
    uint8_t *bytes;
    size_t n, room;
};

typedef void ash_lab_hear(void *arg, const struct ash_lab_record *record, const void *bytes);
/* Reads what is there and hands out whole records. 1 more may come, 0 end, -1 nonsense came or no
 * memory. */
int ash_lab_listen(struct ash_lab_inbox *inbox, int fd, ash_lab_hear *hear, void *arg);
void ash_lab_inbox_end(struct ash_lab_inbox *inbox);

#endif
