/* record.c: the watcher that writes events; see record.h. */
#include "probe/record.h"
#include "base/hooks.h"
#include "base/print.h"
#include "base/rng.h"
#include "heap/fast.h"
#include "heap/heap.h"
#include "os/os.h"
#include "probe/module.h"
#include "probe/stack.h"
#include "probe/unwind.h"
#include "probe/window.h"
#include <errno.h>
#include <string.h>

#define SLOTS_MAX 4096u    /* threads at a time; further ones are not recorded, and counted */
#define FRAMES_MAX 64u     /* of a stack */
#define SAMPLE_BYTES 65536 /* on average from one sampled block to the next */
#define RETRY_EVENTS 4096u /* events that are dropped before a window is asked for again */

/* What the recorder has of a thread. */
struct slot {
    _Atomic uint32_t taken;
    uint32_t thread, sequence, n_dropped, wait;
    struct ash_trace_writer writer;
    struct ash_probe_window window;
    struct ash_unwind_stack stack;
    int64_t until_sample; /* bytes */
    uint64_t rng;
} __attribute__((aligned(64)));

static struct slot slots[SLOTS_MAX];
static _Atomic uint32_t slot_hint, n_threads;
static _Atomic uint64_t n_lost; /* dropped events that a frame has counted */
static _Atomic bool is_over;
static uint32_t generation; /* of forks, when the file was opened */
static struct ash_record_wish wish;
static char wish_file[ASH_PROBE_PATH_MAX];

static uint64_t tick_now(void)
{
    return ash_os_counter() >> ASH_TRACE_TICK_SHIFT;
}

static uint64_t tick_after(void)
{
    return ash_os_counter_after() >> ASH_TRACE_TICK_SHIFT;
}

/* ---- windows ---- */

static void close_window(struct slot *slot)
{
    if (slot->window.bytes)
        ash_probe_window_close(&slot->window, slot->writer.at, slot->writer.n_events);
    slot->writer.limit = NULL; /* nothing fits */
}

static bool open_window(struct slot *slot, uint64_t tick)
{
    struct ash_trace_frame frame = {.type = ASH_TRACE_EVENTS,
                                    .thread = slot->thread,
                                    .sequence = slot->sequence,
                                    .n_dropped = slot->n_dropped,
                                    .first_tick = tick};
    if (!ash_probe_window_claim(&slot->window, &frame))
        return false;
    ash_trace_start(&slot->writer, slot->window.bytes + ASH_TRACE_FRAME_BYTES,
                    ASH_TRACE_WINDOW_BYTES - ASH_TRACE_FRAME_BYTES, tick);
    slot->sequence++;
    atomic_fetch_add_explicit(&n_lost, slot->n_dropped, memory_order_relaxed);
    slot->n_dropped = 0;
    return true;
}

static ASH_NOINLINE void put_slowly(struct slot *slot, const struct ash_trace_event *event)
{
    close_window(slot);
    if (slot->wait > 0) {
        slot->wait--;
        slot->n_dropped++;
        return;
    }
    uint64_t began = event->tick - event->ticks;
    if (open_window(slot, began) && ash_trace_put(&slot->writer, event))
        return;
    slot->n_dropped++; /* P1 */
    slot->wait = RETRY_EVENTS;
}

static inline void put(struct slot *slot, const struct ash_trace_event *event)
{
    if (ASH_UNLIKELY(!ash_trace_put(&slot->writer, event)))
        put_slowly(slot, event);
}

static void put_more(struct slot *slot, enum ash_trace_more more, uint64_t size)
{
    put(slot,
        &(struct ash_trace_event){
            .op = ASH_TRACE_EXTENDED, .more = (uint8_t)more, .size = size, .tick = tick_now()});
}

/* ---- stacks ---- */

static void put_module(const struct ash_unwind_module *module)
{
    struct slot *slot = ash_tls.watcher;
    uint8_t bytes[ASH_MODULE_BYTES_MAX];
    if (slot)
        put(slot, &(struct ash_trace_event){.op = ASH_TRACE_EXTENDED,
                                            .more = ASH_TRACE_MODULE,
                                            .size = ash_module_write(module, bytes),
                                            .bytes = bytes,
                                            .tick = tick_now()});
}

/* Is it this block's turn? Each byte has the same chance, as far as blocks are smaller than the
 * distance of samples. */
static bool is_sampled(struct slot *slot, uint64_t bytes)
{
    if (wish.stacks == ASH_RECORD_ALL)
        return true;
    slot->until_sample -= bytes < SAMPLE_BYTES ? (int64_t)bytes : SAMPLE_BYTES;
    if (slot->until_sample > 0)
        return false;
    slot->until_sample = (int64_t)(ash_rng_next(&slot->rng) % (2 * SAMPLE_BYTES));
    return true;
}

static ASH_NOINLINE uint32_t stack_of(struct slot *slot, uint64_t bytes)
{
    uintptr_t frames[FRAMES_MAX];
    bool is_new;
    if (!is_sampled(slot, bytes))
        return 0;
    size_t n = ash_unwind(&slot->stack, frames, FRAMES_MAX);
    uint32_t stack = ash_stack_intern(frames, n, &is_new);
    if (is_new)
        put(slot, &(struct ash_trace_event){.op = ASH_TRACE_EXTENDED,
                                            .more = ASH_TRACE_STACK,
                                            .stack = stack,
                                            .size = n,
                                            .frames = frames,
                                            .tick = tick_now()});
    return stack;
}

/* ---- threads ---- */

static struct slot *take_slot(void)
{
    uint32_t from = atomic_fetch_add_explicit(&slot_hint, 1, memory_order_relaxed);
    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *slot = &slots[(from + i) % SLOTS_MAX];
        uint32_t no = 0;
        /* acquire; pairs with the release in drop_slot */
        if (atomic_load_explicit(&slot->taken, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong_explicit(&slot->taken, &no, 1, memory_order_acquire,
                                                    memory_order_relaxed))
            return slot;
    }
    return NULL;
}

static void begin_thread(struct slot *slot)
{
    slot->thread = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) + 1;
    slot->sequence = slot->n_dropped = slot->wait = 0;
    slot->window.bytes = NULL;
    slot->stack = (struct ash_unwind_stack){0};
    slot->until_sample = 0;
    slot->rng = slot->thread;
    slot->writer =
        (struct ash_trace_writer){.at = (uint8_t *)slot, .stacks = wish.stacks != ASH_RECORD_NONE};
    put_more(slot, ASH_TRACE_THREAD_BEGIN, ash_os_thread_id());
}

/* The thread leaves, or records no more. */
static void end_thread(struct ash_tls *tls)
{
    struct slot *slot = tls->watcher;
    ash_watch_end(tls);
    tls->watcher = NULL;
    if (!slot)
        return;
    put_more(slot, ASH_TRACE_THREAD_END, 0);
    close_window(slot);
    atomic_fetch_add_explicit(&n_lost, slot->n_dropped, memory_order_relaxed);
    slot->n_dropped = 0;
    /* release; pairs with the acquire in take_slot */
    atomic_store_explicit(&slot->taken, 0, memory_order_release);
}

/* ---- forks ---- */

/* FILE with the pid for %p; for a child also where there is no %p. */
static void name_file(struct ash_line *line, bool is_child)
{
    static const char end[] = ".ashtrace";
    size_t n = strlen(wish_file), stem = n;
    if (n > sizeof(end) && strcmp(wish_file + n - sizeof(end) + 1, end) == 0)
        stem = n - sizeof(end) + 1;
    bool has_pid = false;
    ash_line_init(line);
    for (size_t i = 0; i < n; i++) {
        if (i == stem && is_child && !has_pid)
            ash_line_fmt(line, ".%u", ash_os_process_id());
        if (wish_file[i] == '%' && wish_file[i + 1] == 'p') {
            ash_line_u64(line, ash_os_process_id());
            has_pid = true;
            i++;
        } else {
            ash_line_char(line, wish_file[i]);
        }
    }
    if (stem == n && is_child && !has_pid)
        ash_line_fmt(line, ".%u", ash_os_process_id());
}

static int open_file(bool is_child, uint32_t parent)
{
    struct ash_line path;
    name_file(&path, is_child);
    uint32_t flags = is_child ? ASH_TRACE_CHILD : 0;
    if (wish.stacks != ASH_RECORD_NONE)
        flags |= ASH_TRACE_STACKS;
    if (wish.stacks == ASH_RECORD_SAMPLED)
        flags |= ASH_TRACE_SAMPLED;
    return ash_probe_file_open(path.text, flags, parent);
}

/* The first call in the child of a fork (P2). The other threads, and their windows, are the
 * parent's. */
static ASH_COLD void start_child(struct ash_tls *tls)
{
    uint32_t parent = wish.pid;
    generation = atomic_load_explicit(&ash_fork_generation, memory_order_relaxed);
    wish.pid = ash_os_process_id();
    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        if (!atomic_load_explicit(&slots[i].taken, memory_order_relaxed))
            continue;
        ash_probe_window_forget(&slots[i].window);
        slots[i].writer.limit = NULL; /* nothing fits */
        slots[i].writer.limit = NULL; /* nothing fits */
        if (&slots[i] != tls->watcher)
            atomic_store_explicit(&slots[i].taken, 0, memory_order_relaxed);
    }
    ash_probe_file_forget();
    if (wish.forks && wish.stacks != ASH_RECORD_NONE) {
        ash_unwind_forget_modules();
        ash_stack_forget();
    }
    atomic_store_explicit(&n_threads, 0, memory_order_relaxed);
    atomic_store_explicit(&n_lost, 0, memory_order_relaxed);
    if (!wish.forks || open_file(true, parent) != 0) {
        atomic_store_explicit(&is_over, true, memory_order_relaxed);
        return;
    }
    struct slot *slot = tls->watcher;
    if (!slot)
        return;
    begin_thread(slot);
    put_more(slot, ASH_TRACE_FORK, parent);
}

/* ---- each call ---- */

static bool has_forked(void)
{
    ash_thread_check_fork();
    return ASH_UNLIKELY(atomic_load_explicit(&ash_fork_generation, memory_order_relaxed) !=
                        generation);
}

static ASH_NOINLINE struct slot *enter_first(struct ash_tls *tls)
{
    if (tls->watch == ASH_WATCH_FRESH && tls->state != ASH_TLS_EXITED &&
        !atomic_load_explicit(&is_over, memory_order_relaxed)) {
        struct slot *slot = take_slot();
        if (slot) {
            ash_watch_begin(tls);
            tls->watcher = slot;
            begin_thread(slot);
            return slot;
        }
        atomic_fetch_add_explicit(&n_lost, 1, memory_order_relaxed);
    }
    ash_watch_end(tls);
    return NULL;
}

/* The thread is paused, and its slot given; or it is not recorded, and the slot NULL. */
ASH_INLINE struct slot *enter(struct ash_tls *tls)
{
    if (ASH_LIKELY(tls->watch == ASH_WATCH_ON))
        ash_watch_pause(tls);
    if (has_forked())
        start_child(tls);
    if (ASH_UNLIKELY(tls->watch != ASH_WATCH_PAUSED))
        return enter_first(tls);
    if (ASH_UNLIKELY(atomic_load_explicit(&is_over, memory_order_relaxed))) {
        end_thread(tls);
        return NULL;
    }
    return tls->watcher;
}

ASH_INLINE void put_birth(struct ash_tls *tls, struct slot *slot, struct ash_trace_event *event,
                          void *p)
{
    if (wish.stacks != ASH_RECORD_NONE && p)
        event->stack = stack_of(slot, event->size);
    event->tick = tick_after();
    if (ASH_UNLIKELY(!p)) {
        event->align_log2 = event->op;
        event->op = ASH_TRACE_EXTENDED;
        event->more = ASH_TRACE_FAILED;
        event->ticks = 0;
    }
    event->addr = (uintptr_t)p;
    put(slot, event);
    ash_watch_resume(tls);
}

static void *recorded_alloc(size_t bytes)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    void *p = ash_fast_malloc(bytes);
    if (slot) {
        struct ash_trace_event event = {.op = ASH_TRACE_MALLOC, .size = bytes};
        put_birth(tls, slot, &event, p);
    }
    return p;
}

static void *recorded_zeroed(size_t count, size_t bytes)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    void *p = ash_alloc_zeroed(count, bytes);
    if (slot) {
        struct ash_trace_event event = {.op = ASH_TRACE_CALLOC};
        if (__builtin_mul_overflow(count, bytes, &event.size))
            event.size = SIZE_MAX;
        put_birth(tls, slot, &event, p);
    }
    return p;
}

static uint8_t log2_of(size_t align)
{
    return align ? (uint8_t)(63 - __builtin_clzll(align)) : 0;
}

static void *recorded_aligned(size_t align, size_t bytes)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    void *p = ash_alloc_aligned(align, bytes);
    if (slot) {
        struct ash_trace_event event = {
            .op = ASH_TRACE_ALIGNED, .size = bytes, .align_log2 = log2_of(align)};
        put_birth(tls, slot, &event, p);
    }
    return p;
}

static void put_death(struct slot *slot, const struct ash_trace_event *event)
{
    struct ash_trace_event stamped = *event;
    stamped.tick = tick_now();
    put(slot, &stamped);
}

static void *recorded_resize(void *p, size_t bytes)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    struct ash_trace_event event = {.op = ASH_TRACE_REALLOC, .size = bytes, .old = (uintptr_t)p};
    uint64_t began = tick_now();
    if (slot && bytes == 0) { /* it is a free */
        event = (struct ash_trace_event){.op = ASH_TRACE_FREE, .addr = (uintptr_t)p};
        put_death(slot, &event);
    }
    void *to = ash_realloc(p, bytes);
    if (slot && bytes == 0) {
        ash_watch_resume(tls);
    } else if (slot) {
        event.ticks = tick_after() - began;
        put_birth(tls, slot, &event, to);
    }
    return to;
}

static void recorded_free(void *p)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    struct ash_trace_event event = {.op = ASH_TRACE_FREE, .addr = (uintptr_t)p};
    if (slot)
        put_death(slot, &event);
    ash_fast_free(p);
    if (slot)
        ash_watch_resume(tls);
}

static void recorded_free_sized(void *p, size_t bytes, size_t align)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    struct ash_trace_event event = {.op = ASH_TRACE_FREE_SIZED,
                                    .addr = (uintptr_t)p,
                                    .size = bytes,
                                    .align_log2 = log2_of(align)};
    if (slot)
        put_death(slot, &event);
    ash_free_sized(p, bytes, align);
    if (slot)
        ash_watch_resume(tls);
}

static size_t recorded_usable(void *p)
{
    struct ash_tls *tls = &ash_tls;
    struct slot *slot = enter(tls);
    size_t bytes = ash_usable_bytes(p);
    if (slot) {
        struct ash_trace_event event = {
            .op = ASH_TRACE_EXTENDED, .more = ASH_TRACE_USABLE, .addr = (uintptr_t)p};
        put_death(slot, &event);
        ash_watch_resume(tls);
    }
    return bytes;
}

static void recorded_exit(void)
{
    struct ash_tls *tls = &ash_tls;
    if (enter(tls))
        end_thread(tls);
}

/* ---- start and end ---- */

int ash_record_start(const struct ash_record_wish *wanted)
{
    static const struct ash_watcher watcher = {
        .alloc = recorded_alloc,
        .zeroed = recorded_zeroed,
        .aligned = recorded_aligned,
        .resize = recorded_resize,
        .free = recorded_free,
        .free_sized = recorded_free_sized,
        .usable = recorded_usable,
        .thread_exit = recorded_exit,
    };
    size_t n = strlen(wanted->file);
    if (n >= sizeof(wish_file) - 32)
        return -ENAMETOOLONG;
    memcpy(wish_file, wanted->file, n + 1);
    wish = *wanted;
    uint32_t pid = ash_os_process_id();
    bool is_child = wish.pid != 0 && wish.pid != pid;
    if (is_child && !wish.forks)
        return 0;
    int bad = open_file(is_child, is_child ? wish.pid : 0);
    if (bad)
        return bad;
    wish.pid = pid;
    generation = atomic_load_explicit(&ash_fork_generation, memory_order_relaxed);
    if (wish.stacks != ASH_RECORD_NONE)
        (void)ash_stack_start(); /* without it every stack is 0 */
    ash_unwind_seen = put_module;
    ash_hooks.watcher = &watcher;
    return 0;
}

void ash_record_finish(void)
{
    struct ash_tls *tls = &ash_tls;
    if (!ash_hooks.watcher || tls->watch == ASH_WATCH_PAUSED)
        return;
    if (enter(tls))
        end_thread(tls);
    if (atomic_load_explicit(&is_over, memory_order_relaxed))
        return;
    uint64_t lost = atomic_load_explicit(&n_lost, memory_order_relaxed);
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (atomic_load_explicit(&slots[i].taken, memory_order_relaxed))
            lost += slots[i].n_dropped;
    ash_probe_file_finish(lost);
}
