/* cfi.c: reads .eh_frame_hdr and runs the program of one function; see cfi.h. */
#include "probe/cfi.h"
#include <string.h>

#define FDES_MAX (1u << 24)   /* of a module */
#define LENGTH_MAX (1u << 20) /* of an entry */
#define STEPS_MAX 100000u     /* instructions of a program */
#define STATES_MAX 8u         /* remembered at a time */

/* Registers have numbers by architecture: its DWARF mapping. */
#if defined(__x86_64__)
enum { REG_FP = 6, REG_SP = 7, REG_RA = 16 };
#else
enum { REG_FP = 29, REG_SP = 31, REG_RA = 30 };
#endif

enum { PE_ABSPTR = 0x00, PE_UDATA4 = 0x03, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c, PE_PCREL = 0x10 };
enum { TABLE_ENCODING = 0x3b }; /* relative to the table, 4 bytes signed: what linkers write */

enum rule { RULE_SAME, RULE_OFFSET, RULE_UNDEFINED, RULE_OTHER };

struct state {
    enum ash_cfi_kind kind;
    uint64_t cfa_reg;
    int64_t cfa_offset;
    enum rule fp, ra;
    int64_t fp_offset, ra_offset;
};

struct cursor {
    const uint8_t *at, *end;
    bool is_bad;
};

struct cie {
    int64_t data_align;
    uint64_t code_align, ra_reg;
    uint8_t pointer_encoding;
    bool has_augmentation, is_signal;
    struct cursor program;
};

/* ---- numbers ---- */

static uint64_t fixed(struct cursor *cursor, unsigned n)
{
    uint64_t x = 0;
    if ((size_t)(cursor->end - cursor->at) < n) {
        cursor->is_bad = true;
        cursor->at = cursor->end;
        return 0;
    }
    memcpy(&x, cursor->at, n);
    cursor->at += n;
    return x;
}

static uint64_t leb(struct cursor *cursor, bool is_signed)
{
    uint64_t x = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = (uint8_t)fixed(cursor, 1);
        if (shift < 64)
            x |= (uint64_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    if (is_signed && (byte & 64) && shift < 64)
        x |= ~(uint64_t)0 << shift;
    return x;
}

static uint64_t uleb(struct cursor *cursor)
{
    return leb(cursor, false);
}

static int64_t sleb(struct cursor *cursor)
{
    return (int64_t)leb(cursor, true);
}

static uintptr_t pointer(struct cursor *cursor, uint8_t encoding)
{
    uintptr_t base = encoding & 0x70 ? (uintptr_t)cursor->at : 0, x;
    switch (encoding & 0x0f) {
    case PE_ABSPTR:
    case PE_SDATA8:
        x = fixed(cursor, 8);
        break;
    case PE_UDATA4:
        x = fixed(cursor, 4);
        break;
    case PE_SDATA4:
        x = (uintptr_t)(int64_t)(int32_t)fixed(cursor, 4);
        break;
    default:
        cursor->is_bad = true;
        return 0;
    }
    if (encoding & ~(PE_PCREL | 0x0f))
        cursor->is_bad = true;
    return base + x;
}

/* ---- tables ---- */

/* The FDE that begins last at or before pc, by the sorted table. */
static const uint8_t *find_fde(const uint8_t *hdr, uintptr_t pc)
{
    if (hdr[0] != 1 || hdr[2] != PE_UDATA4 || hdr[3] != TABLE_ENCODING)
        return NULL;
    uint8_t size = (hdr[1] & 0x0f) == PE_SDATA8 || (hdr[1] & 0x0f) == PE_ABSPTR ? 8 : 4;
    const uint8_t *at = hdr + 4 + size;
    uint32_t n;
    memcpy(&n, at, sizeof(n));
    if (n == 0 || n > FDES_MAX)
        return NULL;
    const int32_t *rows = (const int32_t *)(const void *)(at + 4);
    int64_t wanted = (int64_t)(pc - (uintptr_t)hdr);
    if (rows[0] > wanted)
        return NULL;
    uint32_t low = 0, high = n;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (rows[2 * middle] <= wanted)
            low = middle;
        else
            high = middle;
    }
    return hdr + rows[2 * low + 1];
}

static bool entry(const uint8_t *at, struct cursor *ret_cursor)
{
    uint32_t length;
    memcpy(&length, at, sizeof(length));
    *ret_cursor = (struct cursor){at + 4, at + 4 + length, false};
    return length >= 4 && length <= LENGTH_MAX;
}

static bool read_augmentation(struct cursor *cursor, const char *letters, struct cie *cie)
{
    uint64_t n = uleb(cursor);
    if (n > (uint64_t)(cursor->end - cursor->at))
        return false;
    const uint8_t *end = cursor->at + n;
    for (; *letters && !cursor->is_bad; letters++) {
        if (*letters == 'R')
            cie->pointer_encoding = (uint8_t)fixed(cursor, 1);
        else if (*letters == 'P')
            (void)pointer(cursor, (uint8_t)(fixed(cursor, 1) & 0x1f));
        else if (*letters == 'L')
            (void)fixed(cursor, 1);
        else if (*letters == 'S')
            cie->is_signal = true;
        else if (*letters != 'B')
            break;
    }
    cie->has_augmentation = true;
    cursor->at = end;
    return true;
}

static bool read_cie(const uint8_t *at, struct cie *ret_cie)
{
    struct cursor cursor;
    if (!entry(at, &cursor) || fixed(&cursor, 4) != 0)
        return false;
    uint8_t version = (uint8_t)fixed(&cursor, 1);
    const char *letters = (const char *)cursor.at;
    cursor.at += strnlen(letters, 8) + 1;
    *ret_cie = (struct cie){.pointer_encoding = PE_ABSPTR};
    ret_cie->code_align = uleb(&cursor);
    ret_cie->data_align = sleb(&cursor);
    ret_cie->ra_reg = version == 1 ? fixed(&cursor, 1) : uleb(&cursor);
    if (letters[0] == 'z' && !read_augmentation(&cursor, letters + 1, ret_cie))
        return false;
    ret_cie->program = cursor;
    return !cursor.is_bad && ret_cie->ra_reg == REG_RA && (version == 1 || version == 3);
}

/* ---- programs ---- */

static void set_rule(struct state *state, uint64_t reg, enum rule rule, int64_t offset)
{
    if (reg == REG_FP) {
        state->fp = rule;
        state->fp_offset = offset;
    } else if (reg == REG_RA) {
        state->ra = rule;
        state->ra_offset = offset;
    }
}

static void restore(struct state *state, const struct state *initial, uint64_t reg)
{
    if (reg == REG_FP)
        set_rule(state, reg, initial->fp, initial->fp_offset);
    else
        set_rule(state, reg, initial->ra, initial->ra_offset);
}

/* The two expressions that linkers and compilers use for a frame's begin; else the walk ends. */
static void cfa_expression(struct state *state, struct cursor *cursor)
{
    uint64_t n = uleb(cursor);
    if (n > (uint64_t)(cursor->end - cursor->at)) {
        cursor->is_bad = true;
        return;
    }
    struct cursor inside = {cursor->at, cursor->at + n, false};
    cursor->at += n;
    uint64_t op = fixed(&inside, 1);
    int64_t offset = sleb(&inside);
    uint64_t next = fixed(&inside, 1);
    state->cfa_offset = offset;
    state->kind = ASH_CFI_STOP;
    if (op == 0x70 + REG_FP && next == 0x06 && inside.at == inside.end) /* breg, deref */
        state->kind = ASH_CFI_DEREF;
    else if (REG_RA == 16 && op == 0x70 + REG_SP && offset == 8 && next == 0x80)
        state->kind = ASH_CFI_PLT; /* sp + 8 + ((pc & 15) >= 11) * 8 */
}

static void skip_block(struct cursor *cursor)
{
    uint64_t n = uleb(cursor);
    if (n > (uint64_t)(cursor->end - cursor->at))
        cursor->is_bad = true;
    else
        cursor->at += n;
}

static void define_cfa(struct state *state, uint64_t reg, int64_t offset)
{
    state->kind = ASH_CFI_PLAIN;
    state->cfa_reg = reg;
    state->cfa_offset = offset;
}

struct run {
    struct cursor cursor;
    const struct cie *cie;
    struct state state, initial, kept[STATES_MAX];
    unsigned n_kept;
    uintptr_t at, pc;
};

/* Those that change where the next instruction is. false: it is another one. */
static bool advance(struct run *run, uint8_t op)
{
    uint64_t step;
    if (op >> 6 == 1)
        step = op & 63;
    else if (op >= 0x02 && op <= 0x04)
        step = fixed(&run->cursor, 1u << (op - 2));
    else
        return false;
    run->at += step * run->cie->code_align;
    return true;
}

/* tidy: function-length: one case per instruction, read top to bottom. */
static void step(struct run *run, uint8_t op)
{
    struct state *state = &run->state;
    struct cursor *cursor = &run->cursor;
    int64_t align = run->cie->data_align;
    uint64_t reg;
    if (op >> 6 == 2) {
        set_rule(state, op & 63, RULE_OFFSET, (int64_t)uleb(cursor) * align);
        return;
    }
    if (op >> 6 == 3) {
        restore(state, &run->initial, op & 63);
        return;
    }
    switch (op) {
    case 0x00: /* nop */
    case 0x2d: /* AArch64: the return address is signed from here on, or no more */
        break;
    case 0x01: /* set_loc */
        run->at = pointer(cursor, run->cie->pointer_encoding);
        break;
    case 0x05: /* offset_extended */
        reg = uleb(cursor);
        set_rule(state, reg, RULE_OFFSET, (int64_t)uleb(cursor) * align);
        break;
    case 0x06: /* restore_extended */
        restore(state, &run->initial, uleb(cursor));
        break;
    case 0x07: /* undefined */
        set_rule(state, uleb(cursor), RULE_UNDEFINED, 0);
        break;
    case 0x08: /* same_value */
        set_rule(state, uleb(cursor), RULE_SAME, 0);
        break;
    case 0x09: /* register */
        reg = uleb(cursor);
        (void)uleb(cursor);
        set_rule(state, reg, RULE_OTHER, 0);
        break;
    case 0x0a: /* remember_state */
        if (run->n_kept < STATES_MAX)
            run->kept[run->n_kept++] = *state;
        else
            cursor->is_bad = true;
        break;
    case 0x0b: /* restore_state */
        if (run->n_kept > 0)
            *state = run->kept[--run->n_kept];
        else
            cursor->is_bad = true;
        break;
    case 0x0c: /* def_cfa */
        reg = uleb(cursor);
        define_cfa(state, reg, (int64_t)uleb(cursor));
        break;
    case 0x0d: /* def_cfa_register */
        define_cfa(state, uleb(cursor), state->cfa_offset);
        break;
    case 0x0e: /* def_cfa_offset */
        state->cfa_offset = (int64_t)uleb(cursor);
        break;
    case 0x0f: /* def_cfa_expression */
        cfa_expression(state, cursor);
        break;
    case 0x10: /* expression */
    case 0x16: /* val_expression */
        set_rule(state, uleb(cursor), RULE_OTHER, 0);
        skip_block(cursor);
        break;
    case 0x11: /* offset_extended_sf */
        reg = uleb(cursor);
        set_rule(state, reg, RULE_OFFSET, sleb(cursor) * align);
        break;
    case 0x12: /* def_cfa_sf */
        reg = uleb(cursor);
        define_cfa(state, reg, sleb(cursor) * align);
        break;
    case 0x13: /* def_cfa_offset_sf */
        state->cfa_offset = sleb(cursor) * align;
        break;
    case 0x14: /* val_offset */
    case 0x15: /* val_offset_sf */
        reg = uleb(cursor);
        (void)uleb(cursor);
        set_rule(state, reg, RULE_OTHER, 0);
        break;
    case 0x2e: /* GNU_args_size */
        (void)uleb(cursor);
        break;
    default:
        cursor->is_bad = true;
        break;
    }
}

static void run_program(struct run *run)
{
    for (unsigned i = 0; run->cursor.at < run->cursor.end && !run->cursor.is_bad; i++) {
        uint8_t op = (uint8_t)fixed(&run->cursor, 1);
        if (!advance(run, op))
            step(run, op);
        if (run->at > run->pc) /* what follows is for later instructions */
            break;
        if (i > STEPS_MAX)
            run->cursor.is_bad = true;
    }
}

/* ---- rows ---- */

static bool words_of(int64_t offset, int64_t *ret_words)
{
    *ret_words = offset / 8;
    return offset % 8 == 0 && *ret_words >= -32768 && *ret_words < 32768;
}

static struct ash_cfi_row row_of(const struct state *state)
{
    struct ash_cfi_row row = {.kind = ASH_CFI_STOP};
    int64_t fp_words = 0, ra_words = 0;
    if (state->ra == RULE_UNDEFINED)
        return (struct ash_cfi_row){.kind = ASH_CFI_LAST};
    bool is_known =
        state->kind != ASH_CFI_PLAIN || state->cfa_reg == REG_SP || state->cfa_reg == REG_FP;
    if (!is_known || state->ra == RULE_OTHER || state->fp == RULE_OTHER ||
        state->cfa_offset < -ASH_CFI_BIAS || state->cfa_offset >= ASH_CFI_BIAS)
        return row;
    if ((state->fp == RULE_OFFSET && !words_of(state->fp_offset, &fp_words)) ||
        (state->ra == RULE_OFFSET && !words_of(state->ra_offset, &ra_words)))
        return row;
    row.kind = state->kind & 7;
    row.cfa_is_fp = state->cfa_reg == REG_FP;
    row.fp_saved = state->fp == RULE_OFFSET;
    row.ra_saved = state->ra == RULE_OFFSET;
    row.cfa_biased = (uint64_t)(state->cfa_offset + ASH_CFI_BIAS) & ((1u << 26) - 1);
    row.fp_words = (int16_t)fp_words;
    row.ra_words = (int16_t)ra_words;
    return row;
}

struct ash_cfi_row ash_cfi_find(const uint8_t *eh_frame_hdr, uintptr_t pc)
{
    const struct ash_cfi_row stop = {.kind = ASH_CFI_STOP};
    const uint8_t *fde = find_fde(eh_frame_hdr, pc);
    struct cursor cursor;
    struct cie cie;
    if (!fde || !entry(fde, &cursor))
        return stop;
    const uint8_t *at = cursor.at;
    uint64_t back = fixed(&cursor, 4);
    if (back == 0 || !read_cie(at - back, &cie))
        return stop;
    uintptr_t start = pointer(&cursor, cie.pointer_encoding);
    uintptr_t length = pointer(&cursor, cie.pointer_encoding & 0x0f);
    if (cursor.is_bad || pc < start || pc - start >= length)
        return stop;
    if (cie.is_signal)
        return (struct ash_cfi_row){.kind = ASH_CFI_SIGNAL};
    if (cie.has_augmentation)
        skip_block(&cursor);
    struct run run = {.cursor = cie.program, .cie = &cie, .at = start, .pc = pc};
    run_program(&run);
    if (run.cursor.is_bad)
        return stop;
    run.initial = run.state;
    run.cursor = cursor;
    run_program(&run);
    return run.cursor.is_bad ? stop : row_of(&run.state);
}
