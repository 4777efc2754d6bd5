/* import_trace.c: traces of `ashlar record` (.ashtrace), put into order by order.h.
 *
 * Blocks are named by address, threads by their number in the recording, from 0. What was refused
 * then, sizes that were asked and marks are passed over.
 */
#include "lab/source.h"
#include "lab/trace_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1 << 20 };

struct trace {
    struct ash_trace_file file;
};

static enum ash_lab_op op_of(const struct ash_trace_event *event)
{
    switch (event->op) {
    case ASH_TRACE_CALLOC:
        return ASH_LAB_OP_CALLOC;
    case ASH_TRACE_ALIGNED:
        return event->align_log2 > 4 ? ASH_LAB_OP_ALIGNED : ASH_LAB_OP_MALLOC;
    case ASH_TRACE_REALLOC:
        if (event->addr == 0)
            return ASH_LAB_OP_FREE;
        return event->old ? ASH_LAB_OP_REALLOC : ASH_LAB_OP_MALLOC;
    case ASH_TRACE_FREE:
    case ASH_TRACE_FREE_SIZED:
        return ASH_LAB_OP_FREE;
    default:
        return ASH_LAB_OP_MALLOC;
    }
}

/* false: it asks nothing of the heap. */
static bool to_entry(const struct ash_trace_event *event, struct ash_lab_entry *ret_entry)
{
    *ret_entry = (struct ash_lab_entry){.align = 16};
    if (event->op == ASH_TRACE_EXTENDED) {
        ret_entry->op = event->more == ASH_TRACE_THREAD_END ? ASH_LAB_OP_WENT : ASH_LAB_OP_CAME;
        return event->more == ASH_TRACE_THREAD_BEGIN || event->more == ASH_TRACE_THREAD_END;
    }
    ret_entry->op = op_of(event);
    ret_entry->stack = event->stack;
    ret_entry->size = event->size;
    ret_entry->id = event->addr ? event->addr : event->old;
    ret_entry->old = event->old;
    if (ret_entry->op == ASH_LAB_OP_ALIGNED)
        ret_entry->align = event->align_log2 < 63 ? (uint64_t)1 << event->align_log2 : UINT64_MAX;
    return ret_entry->id != 0;
}

static int next(struct ash_lab_source *source, struct ash_lab_entry *ret_entry)
{
    struct trace *trace = source->state;
    struct ash_order *order = trace->file.order;
    struct ash_trace_event event;
    uint32_t thread;
    for (;;) {
        int got = ash_order_next(order, &event, &thread);
        if (got < 0)
            return ash_lab_source_fail(source, "no memory for the threads of the trace");
        const struct ash_order_count *count = ash_order_count(order);
        source->n_dropped = count->n_dropped;
        source->n_bad = count->n_bad;
        if (got == 0)
            return 0;
        if (!to_entry(&event, ret_entry))
            continue;
        if (thread > THREADS_MAX)
            return ash_lab_source_fail(source, "it names thread %u, more than there can be",
                                       thread);
        ret_entry->thread = thread > 0 ? thread - 1 : 0;
        ret_entry->ns = ash_order_ns(order, event.tick);
        return 1;
    }
}

static void finalise(struct ash_lab_source *source)
{
    struct trace *trace = source->state;
    ash_trace_file_close(&trace->file);
    free(trace);
}

bool ash_lab_import_trace(struct ash_lab_source *source)
{
    const uint8_t *at;
    const char *why;
    size_t n = ash_lab_input_peek(source->input, &at, 8);
    if (n < 8 || memcmp(at, "ASHTRACE", 8) != 0)
        return false;
    struct trace *trace = calloc(1, sizeof(*trace));
    source->format = "ashtrace";
    source->next = next;
    if (!trace || !ash_trace_file_open(source->path, &trace->file, &why)) {
        ash_lab_source_fail(source, "%s", trace ? why : "no memory");
        free(trace);
        return true; /* it is one, but next has nothing to give */
    }
    source->state = trace;
    source->close = finalise;
    const struct ash_trace_header *header = ash_order_header(trace->file.order);
    source->has_clock = source->has_threads = true;
    source->has_sites = (header->flags & ASH_TRACE_STACKS) != 0;
    source->n_cpus = header->n_cpus;
    return true;
}
