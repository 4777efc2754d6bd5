/* cfi.h: one row of call frame information, from a module's .eh_frame.
 *
 * Threads   Any; the tables are read only.
 */
#ifndef ASH_PROBE_CFI_H
#define ASH_PROBE_CFI_H

#include "base/base.h"
#include <assert.h>

#define ASH_CFI_BIAS (1 << 25)

enum ash_cfi_kind {
    ASH_CFI_STOP = 0, /* not to be followed */
    ASH_CFI_PLAIN,    /* the frame begins at register + cfa_offset */
    ASH_CFI_DEREF,    /* at what lies at frame pointer + cfa_offset: a realigned stack */
    ASH_CFI_PLT,      /* a stub of the linker, pushes one word on its way */
    ASH_CFI_SIGNAL,   /* the kernel's frame around a handler */
    ASH_CFI_LAST,     /* nobody called this */
};

/* 64 bits, so that one store publishes it. Offsets of saved words are in words, from the frame's
 * begin. */
struct ash_cfi_row {
    uint64_t kind : 3, cfa_is_fp : 1, fp_saved : 1, ra_saved : 1;
    uint64_t cfa_biased : 26; /* cfa_offset + ASH_CFI_BIAS */
    int64_t fp_words : 16, ra_words : 16;
};
static_assert(sizeof(struct ash_cfi_row) == 8, "a row is one word");

/* The row for the instruction at pc, by the table of its module. STOP where there is none. */
struct ash_cfi_row ash_cfi_find(const uint8_t *eh_frame_hdr, uintptr_t pc);

#endif
