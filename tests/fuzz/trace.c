/* trace.c: any bytes as a trace: header, frames, events; the reader must end and stay inside.
 *
 * What it reads it must be able to write again, and read as the same. The first byte says whether
 * what follows is a whole file, or the events of a frame without their frame.
 */
#include "fuzz.h"
#include "wire/trace.h"
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Writes an event alone into a window and reads it. */
static void write_again(const struct ash_trace_event *event, bool stacks)
{
    static uint8_t window[1u << 17];
    memset(window, 0, sizeof window);
    struct ash_trace_writer writer = {.stacks = stacks};
    struct ash_trace_frame frame = {.length = ASH_TRACE_OPEN,
                                    .first_tick = event->tick - event->ticks};
    ash_trace_start(&writer, window, sizeof window, frame.first_tick);
    must(ash_trace_put(&writer, event));
    struct ash_trace_reader reader;
    struct ash_trace_event again;
    ash_trace_reader_start(&reader, &frame, window, sizeof window, stacks);
    must(ash_trace_get(&reader, &again) == 1);
    must(again.op == event->op && again.more == event->more && again.tick == event->tick);
    must(again.size == event->size && again.addr == event->addr && again.old == event->old);
    must(event->more < ASH_TRACE_MODULE || memcmp(again.bytes, event->bytes, again.size) == 0);
    must(again.stack == event->stack && again.align_log2 == event->align_log2);
    must(ash_trace_get(&reader, &again) == 0);
}

static void read_events(const struct ash_trace_frame *frame, const uint8_t *bytes, size_t n,
                        bool stacks)
{
    struct ash_trace_reader reader;
    ash_trace_reader_start(&reader, frame, bytes, n, stacks);
    struct ash_trace_event event;
    size_t n_events = 0;
    int got;
    while ((got = ash_trace_get(&reader, &event)) == 1) {
        must(++n_events <= n);
        write_again(&event, stacks);
    }
    must(got == 0 || got == -1);
    must(ash_trace_get(&reader, &event) <= 0);
}

static void read_file(const uint8_t *bytes, size_t n)
{
    struct ash_trace_header header = {.window_bytes = ASH_TRACE_WINDOW_BYTES};
    must(ash_trace_fault_words(ash_trace_header_get(bytes, n, &header)) != NULL);
    size_t at = ash_trace_frame_find(bytes, n, 0);
    while (at < n) {
        struct ash_trace_frame frame;
        if (ash_trace_frame_get(bytes + at, n - at, header.window_bytes, &frame) == ASH_TRACE_GOOD)
            read_events(&frame, bytes + at + ASH_TRACE_FRAME_BYTES, n - at - ASH_TRACE_FRAME_BYTES,
                        header.flags & ASH_TRACE_STACKS);
        at = ash_trace_frame_find(bytes, n, at + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    /* Exactly as long as it is, so that one byte too far is seen. */
    uint8_t *copy = malloc(n);
    if (!copy)
        return 0;
    memcpy(copy, bytes + 1, n - 1);
    struct ash_trace_frame frame = {.type = ASH_TRACE_EVENTS, .first_tick = 5};
    frame.length = bytes[0] & 2 ? ASH_TRACE_OPEN : (uint32_t)(n - 1);
    if (bytes[0] & 1)
        read_file(copy, n - 1);
    else
        read_events(&frame, copy, n - 1, bytes[0] & 4);
    free(copy);
    return 0;
}
