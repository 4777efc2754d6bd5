/* source.h: where the entries of a trace come from: one back end for each file format.
 *
 *   FILE ── input ──▶ import_bench, import_rep, import_heaptrack, import_trace ──▶ load ──▶ …
 *
 * A back end reads forward, keeps no more than it needs for the next entry, and names blocks as
 * the file does. Pairing births with deaths is load's work.
 */
#ifndef ASH_LAB_SOURCE_H
#define ASH_LAB_SOURCE_H

#include "lab/input.h"

enum ash_lab_op {
    ASH_LAB_OP_MALLOC,
    ASH_LAB_OP_CALLOC,
    ASH_LAB_OP_ALIGNED,
    ASH_LAB_OP_REALLOC,
    ASH_LAB_OP_FREE,
    ASH_LAB_OP_CAME, /* a thread began */
    ASH_LAB_OP_WENT, /* and ended */
};

struct ash_lab_entry {
    enum ash_lab_op op;
    uint32_t thread;
    uint32_t stack;  /* id of the call stack, 0: not known */
    uint32_t slot;   /* by load: below the greatest number of live blocks, reused after death */
    uint64_t number; /* by load: the block is the number-th birth, from 1; kept by realloc */
    uint64_t ns;     /* since the start; the number of the entry where the file has no clock */
    uint64_t id;     /* the block as the file names it */
    uint64_t old;    /* realloc: its name before */
    uint64_t size, align;
};

struct ash_lab_source {
    const char *format; /* in words */
    bool has_clock, has_threads, has_sites;
    uint32_t n_cpus;    /* 0: not known */
    uint64_t n_dropped; /* entries the file itself says it lacks */
    uint64_t n_bad;     /* pieces of the file that could not be read and were passed over */
    const char *note;   /* what is assumed, or NULL */
    const char *path;   /* as it was opened */
    struct ash_lab_input *input;
    /* 1 an entry, 0 the end, -1 no further: error says why. */
    int (*next)(struct ash_lab_source *source, struct ash_lab_entry *ret_entry);
    void (*close)(struct ash_lab_source *source); /* not the input */
    void *state;
    char error[ASH_LAB_ERROR_MAX];
};

/* Sets error; returns -1. */
int ash_lab_source_fail(struct ash_lab_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each looks at the first bytes; false: not this format, nothing was taken. True with an error set:
 * it is, but cannot be read. */
bool ash_lab_import_trace(struct ash_lab_source *source);
bool ash_lab_import_bench(struct ash_lab_source *source);
bool ash_lab_import_rep(struct ash_lab_source *source);
bool ash_lab_import_heaptrack(struct ash_lab_source *source);

#endif
