/* unwind.c: walks up the stack by cached rows; see unwind.h. */
#include "probe/unwind.h"
#include "os/os.h"
#include "probe/cfi.h"
#include <string.h>

#define ROWS_SHIFT 16u
#define MODULES_MAX 1024u
#define LOOKUPS_MAX 4096u
#define STACK_GROWTH ((uintptr_t)64 << 20) /* how far below its mapping the first stack may grow */

/* Declared here, for older headers lack it. */
struct dl_found {
    unsigned long long flags;
    void *map_start, *map_end;
    struct link_name *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};
/* The head of the C library's struct link_map. */
struct link_name {
    uintptr_t addr;
    const char *name;
};
extern int _dl_find_object(void *pc, struct dl_found *ret_found)
    __attribute__((weak, visibility("default")));

/* pc ^ row and row: two words of different rows do not agree. */
struct cell {
    _Atomic uint64_t mixed, row;
};
static struct cell cells[1u << ROWS_SHIFT];

static _Atomic uintptr_t modules[MODULES_MAX]; /* starts of those that were seen */
static _Atomic uintptr_t own_start, own_end;   /* this library; end 0: not yet known */

void (*ash_unwind_seen)(const struct ash_unwind_module *module);

/* ---- modules ---- */

static void note_module(const struct dl_found *found)
{
    uintptr_t start = (uintptr_t)found->map_start;
    for (unsigned i = 0; i < MODULES_MAX; i++) {
        uintptr_t seen = atomic_load_explicit(&modules[i], memory_order_relaxed);
        if (seen == start)
            return;
        if (seen != 0)
            continue;
        if (!atomic_compare_exchange_strong_explicit(&modules[i], &seen, start,
                                                     memory_order_relaxed, memory_order_relaxed)) {
            if (seen == start)
                return;
            continue;
        }
        struct ash_unwind_module module = {start, (uintptr_t)found->map_end,
                                           found->link_map ? found->link_map->name : ""};
        if (ash_unwind_seen)
            ash_unwind_seen(&module);
        return;
    }
}

void ash_unwind_forget_modules(void)
{
    for (unsigned i = 0; i < MODULES_MAX; i++)
        atomic_store_explicit(&modules[i], 0, memory_order_relaxed);
    /* rows are kept; so are those that would tell of a module */
    memset(cells, 0, sizeof(cells));
}

static void find_own(void)
{
    struct dl_found found;
    if (atomic_load_explicit(&own_end, memory_order_relaxed) || !_dl_find_object ||
        _dl_find_object((void *)(uintptr_t)&find_own, &found) != 0)
        return;
    bool is_program = !found.link_map || !found.link_map->name || !found.link_map->name[0];
    if (!is_program) /* linked into the program, ours are among its frames */
        atomic_store_explicit(&own_start, (uintptr_t)found.map_start, memory_order_relaxed);
    atomic_store_explicit(&own_end, is_program ? 1 : (uintptr_t)found.map_end,
                          memory_order_relaxed);
}

/* ---- rows ---- */

static ASH_NOINLINE struct ash_cfi_row find_row(uintptr_t pc)
{
    struct dl_found found;
    if (!_dl_find_object || _dl_find_object((void *)pc, &found) != 0 || !found.eh_frame)
        return (struct ash_cfi_row){.kind = ASH_CFI_STOP};
    note_module(&found);
    return ash_cfi_find(found.eh_frame, pc);
}

static inline struct ash_cfi_row row_for(uintptr_t pc)
{
    struct cell *cell = &cells[pc * 0x9e3779b97f4a7c15u >> (64 - ROWS_SHIFT)];
    uint64_t row = atomic_load_explicit(&cell->row, memory_order_relaxed);
    uint64_t mixed = atomic_load_explicit(&cell->mixed, memory_order_relaxed);
    struct ash_cfi_row found;
    if (ASH_LIKELY((mixed ^ row) == pc)) {
        memcpy(&found, &row, sizeof(found));
        return found;
    }
    found = find_row(pc);
    memcpy(&row, &found, sizeof(row));
    atomic_store_explicit(&cell->row, row, memory_order_relaxed);
    atomic_store_explicit(&cell->mixed, row ^ pc, memory_order_relaxed);
    return found;
}

/* ---- the walk ---- */

struct frame {
    uintptr_t pc, sp, fp, ra; /* ra: the register, where there is one */
    bool is_exact;            /* pc is where it goes on, not behind a call */
};

static ASH_NOINLINE bool find_stack(struct ash_unwind_stack *stack, uintptr_t sp)
{
    struct ash_map map;
    if (stack->n_lookups >= LOOKUPS_MAX)
        return false;
    stack->n_lookups++;
    if (!ash_os_map_of(sp, &map) || !map.readable)
        return false;
    bool is_first = strcmp(map.path, "[stack]") == 0;
    stack->low = is_first ? map.start - STACK_GROWTH : map.start;
    stack->end = map.end;
    return true;
}

/* A word of the stack at or above sp. */
static inline bool word_at(const struct ash_unwind_stack *stack, uintptr_t sp, uintptr_t addr,
                           uintptr_t *ret_word)
{
    if (ASH_UNLIKELY(addr < sp || addr > stack->end - sizeof(uintptr_t) || addr % 8 != 0))
        return false;
    *ret_word = *(const uintptr_t *)addr;
    return true;
}

/* What the kernel keeps of a context, by architecture. */
#if defined(__x86_64__)
enum { CONTEXT_FP = 40 + 10 * 8, CONTEXT_SP = 40 + 15 * 8, CONTEXT_PC = 40 + 16 * 8 };

static uintptr_t plain_address(uintptr_t ra)
{
    return ra;
}
#else
/* siginfo, then the context: uc_mcontext at 176, after its fault address the registers */
enum {
    CONTEXT_FP = 128 + 184 + 29 * 8,
    CONTEXT_SP = 128 + 184 + 31 * 8,
    CONTEXT_PC = 128 + 184 + 32 * 8
};

/* Without the signature in its high bits. */
static uintptr_t plain_address(uintptr_t ra)
{
    return ra & (((uintptr_t)1 << 48) - 1);
}
#endif

static bool step_signal(const struct ash_unwind_stack *stack, struct frame *frame)
{
    uintptr_t sp = frame->sp;
    struct frame next = {.is_exact = true};
    if (!word_at(stack, sp, sp + CONTEXT_FP, &next.fp) ||
        !word_at(stack, sp, sp + CONTEXT_SP, &next.sp) ||
        !word_at(stack, sp, sp + CONTEXT_PC, &next.pc) || next.sp < sp || next.sp >= stack->end)
        return false; /* the handler ran on a stack of its own */
    *frame = next;
    return true;
}

/* From a frame to its caller's. */
static inline bool step(const struct ash_unwind_stack *stack, struct frame *frame)
{
    struct ash_cfi_row row = row_for(frame->is_exact ? frame->pc : frame->pc - 1);
    uintptr_t offset = (uintptr_t)row.cfa_biased - ASH_CFI_BIAS;
    uintptr_t cfa = (row.cfa_is_fp ? frame->fp : frame->sp) + offset;
    if (ASH_UNLIKELY(row.kind != ASH_CFI_PLAIN)) {
        if (row.kind == ASH_CFI_SIGNAL)
            return step_signal(stack, frame);
        if (row.kind == ASH_CFI_PLT)
            cfa = frame->sp + 8 + ((frame->pc & 15) >= 11 ? 8 : 0);
        else if (row.kind != ASH_CFI_DEREF || !word_at(stack, frame->sp, frame->fp + offset, &cfa))
            return false;
    }
    uintptr_t ra = frame->ra, fp = frame->fp;
    if (cfa < frame->sp || cfa > stack->end || (cfa == frame->sp && !frame->is_exact))
        return false; /* U2 */
    if (row.ra_saved &&
        !word_at(stack, frame->sp, cfa + (uintptr_t)((int64_t)row.ra_words * 8), &ra))
        return false;
    if (row.fp_saved &&
        !word_at(stack, frame->sp, cfa + (uintptr_t)((int64_t)row.fp_words * 8), &fp))
        return false;
    *frame = (struct frame){plain_address(ra), cfa, fp, 0, false};
    return frame->pc != 0;
}

/* The registers of this very instruction, by architecture. */
#if defined(__x86_64__)
ASH_INLINE struct frame frame_here(void)
{
    struct frame frame = {.is_exact = true};
    __asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
                     : "=&r"(frame.pc), "=&r"(frame.sp), "=&r"(frame.fp));
    return frame;
}
#else
ASH_INLINE struct frame frame_here(void)
{
    struct frame frame = {.is_exact = true};
    __asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29\n\tmov %3, x30"
                     : "=&r"(frame.pc), "=&r"(frame.sp), "=&r"(frame.fp), "=&r"(frame.ra));
    return frame;
}
#endif

ASH_NOINLINE size_t ash_unwind(struct ash_unwind_stack *stack, uintptr_t *ret_frames, size_t n)
{
    struct frame frame = frame_here();
    size_t n_found = 0;
    if (ASH_UNLIKELY(!atomic_load_explicit(&own_end, memory_order_relaxed)))
        find_own();
    if (ASH_UNLIKELY(frame.sp < stack->low || frame.sp >= stack->end) &&
        !find_stack(stack, frame.sp))
        return 0;
    uintptr_t own = atomic_load_explicit(&own_start, memory_order_relaxed);
    uintptr_t end = atomic_load_explicit(&own_end, memory_order_relaxed);
    while (n_found < n && step(stack, &frame)) {
        if (ASH_UNLIKELY(frame.pc - own < end - own) && n_found == 0)
            continue;
        ret_frames[n_found++] = frame.pc;
    }
    return n_found;
}
