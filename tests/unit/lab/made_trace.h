/* made_trace.h: a trace in memory, written event by event by several threads. */
#ifndef ASH_TEST_MADE_TRACE_H
#define ASH_TEST_MADE_TRACE_H

#include "lab/order.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MADE_WINDOW 4096u
#define MADE_PAGE 512u
#define MADE_THREADS 8u

struct made_trace {
    uint8_t *bytes;
    size_t n;
    struct ash_trace_header header;
    struct {
        struct ash_trace_writer writer;
        size_t at; /* 0: no window */
        struct ash_trace_frame frame;
        uint32_t sequence;
    } threads[MADE_THREADS];
};

static inline void made_start(struct made_trace *made)
{
    memset(made, 0, sizeof *made);
    made->header = (struct ash_trace_header){.version = ASH_TRACE_VERSION,
                                             .flags = ASH_TRACE_WINDOWS | ASH_TRACE_STACKS,
                                             .pid = 42,
                                             .page_bytes = MADE_PAGE,
                                             .window_bytes = MADE_WINDOW,
                                             .steps_per_second = 1000000000};
    made->n = MADE_PAGE;
    made->bytes = calloc(1, made->n);
    ash_trace_header_put(&made->header, made->bytes);
}

static inline void made_close(struct made_trace *made, unsigned thread)
{
    uint8_t *window = made->bytes + made->threads[thread].at;
    if (!made->threads[thread].at)
        return;
    struct ash_trace_frame *frame = &made->threads[thread].frame;
    frame->length = (uint32_t)(made->threads[thread].writer.at - window - ASH_TRACE_FRAME_BYTES);
    frame->n_events = made->threads[thread].writer.n_events;
    ash_trace_frame_close(frame, window);
    made->threads[thread].at = 0;
}

static inline void made_put(struct made_trace *made, unsigned thread,
                            const struct ash_trace_event *event)
{
    while (!made->threads[thread].at || !ash_trace_put(&made->threads[thread].writer, event)) {
        made_close(made, thread);
        size_t at = made->n;
        uintptr_t before = (uintptr_t)made->bytes;
        made->bytes = realloc(made->bytes, made->n += MADE_WINDOW);
        memset(made->bytes + at, 0, MADE_WINDOW);
        for (unsigned i = 0; i < MADE_THREADS; i++) /* open windows have moved */
            if (made->threads[i].at) {
                made->threads[i].writer.at =
                    made->bytes + ((uintptr_t)made->threads[i].writer.at - before);
                made->threads[i].writer.limit =
                    made->bytes + ((uintptr_t)made->threads[i].writer.limit - before);
            }
        made->threads[thread].at = at;
        made->threads[thread].frame =
            (struct ash_trace_frame){.type = ASH_TRACE_EVENTS,
                                     .thread = thread + 1,
                                     .sequence = made->threads[thread].sequence++,
                                     .length = ASH_TRACE_OPEN,
                                     .first_tick = event->tick - event->ticks};
        ash_trace_frame_put(&made->threads[thread].frame, NULL, made->bytes + at);
        made->threads[thread].writer.stacks = true;
        ash_trace_start(&made->threads[thread].writer, made->bytes + at + ASH_TRACE_FRAME_BYTES,
                        MADE_WINDOW - ASH_TRACE_FRAME_BYTES, event->tick - event->ticks);
    }
}

static inline void made_birth(struct made_trace *made, unsigned thread, uint64_t tick,
                              uint64_t addr, uint64_t size)
{
    struct ash_trace_event event = {
        .op = ASH_TRACE_MALLOC, .tick = tick, .addr = addr, .size = size};
    made_put(made, thread, &event);
}

static inline void made_death(struct made_trace *made, unsigned thread, uint64_t tick,
                              uint64_t addr)
{
    struct ash_trace_event event = {.op = ASH_TRACE_FREE, .tick = tick, .addr = addr};
    made_put(made, thread, &event);
}

static inline size_t made_read(void *arg, uint64_t at, void *ret_bytes, size_t n)
{
    const struct made_trace *made = arg;
    if (at >= made->n)
        return 0;
    n = n < made->n - at ? n : (size_t)(made->n - at);
    memcpy(ret_bytes, made->bytes + at, n);
    return n;
}

/* Closes all windows and opens the trace. NULL: its header is not believed. */
static inline struct ash_order *made_open(struct made_trace *made)
{
    enum ash_trace_fault fault;
    for (unsigned i = 0; i < MADE_THREADS; i++)
        made_close(made, i);
    return ash_order_open(made_read, made, made->n, &fault);
}

#endif
