/* order.c: merges the threads' windows by time; see order.h. */
#include "lab/order.h"
#include "lab/addresses.h"
#include "lab/pack.h"
#include <stdlib.h>
#include <string.h>

#define WAIT_TICKS 16u /* 2048 steps: more than two CPUs' counters differ */
#define MODULES_MAX 65536u

/* Where a window of events lies. */
struct place {
    uint32_t thread, sequence;
    uint64_t at, first_tick;
};

/* A thread's windows, and the event of it that comes next. */
struct stream {
    const struct place *next, *end;
    uint8_t *window; /* NULL: not begun, or over */
    uint32_t thread;
    bool is_waiting; /* its event is a birth on a live address */
    bool is_over;
    uint64_t tick; /* of the event; of the next window while there is none */
    struct ash_trace_event event;
    struct ash_trace_reader reader;
};

struct ash_order {
    ash_order_read *read;
    void *arg;
    uint64_t file_bytes;
    struct ash_trace_header header;
    struct ash_order_count count;
    struct place *places;
    size_t n_places, room_places;
    struct stream *streams, **heap; /* heap: streams that do not wait, the earliest on top */
    size_t n_streams, n_heap, n_waiting;
    struct ash_order_module *modules;
    size_t n_modules, room_modules;
    struct ash_addresses live;
    struct ash_pack *pack; /* of a compact file, which is in order already */
    bool is_out_of_memory;
    uint64_t frames[ASH_TRACE_FRAMES_MAX]; /* of the event that was given out */
};

/* ---- the file ---- */

static bool grow(void **rows, size_t *room, size_t n, size_t row_bytes)
{
    if (n < *room)
        return true;
    size_t more = *room ? 2 * *room : 64;
    void *bigger = realloc(*rows, more * row_bytes);
    if (!bigger)
        return false;
    *rows = bigger;
    *room = more;
    return true;
}

static bool text_get(const uint8_t **at, const uint8_t *end, char *ret_text, size_t size)
{
    uint64_t n;
    if (!ash_trace_varint_get(at, end, &n) || n > (uint64_t)(end - *at))
        return false;
    size_t kept = n < size ? (size_t)n : size - 1;
    memcpy(ret_text, *at, kept);
    ret_text[kept] = 0;
    *at += n;
    return true;
}

static bool module_get(const uint8_t **at, const uint8_t *end, struct ash_order_module *module)
{
    memset(module, 0, sizeof(*module));
    if (!ash_trace_varint_get(at, end, &module->start) ||
        !ash_trace_varint_get(at, end, &module->end) ||
        !ash_trace_varint_get(at, end, &module->offset) || *at == end)
        return false;
    uint8_t n = *(*at)++;
    if (n > end - *at)
        return false;
    module->id_n = n <= sizeof(module->id) ? n : (uint8_t)sizeof(module->id);
    memcpy(module->id, *at, module->id_n);
    *at += n;
    return text_get(at, end, module->path, sizeof(module->path));
}

/* Events and bytes of a window: a closed one says it, an open one is read. */
static void count_window(struct ash_order *order, const struct ash_trace_frame *frame,
                         const uint8_t *payload, size_t n)
{
    order->count.n_windows++;
    order->count.n_dropped += frame->n_dropped;
    if (frame->length != ASH_TRACE_OPEN) {
        order->count.n_stored += frame->n_events;
        order->count.n_bytes += frame->length;
        return;
    }
    order->count.n_open++;
    struct ash_trace_reader reader;
    struct ash_trace_event event;
    ash_trace_reader_start(&reader, frame, payload, n, order->header.flags & ASH_TRACE_STACKS);
    while (ash_trace_get(&reader, &event) == 1)
        order->count.n_stored++;
    order->count.n_bytes += (size_t)(reader.at - payload);
}

static void add_modules(struct ash_order *order, const uint8_t *at, const uint8_t *end)
{
    struct ash_order_module module;
    while (at < end && order->n_modules < MODULES_MAX && module_get(&at, end, &module)) {
        if (!grow((void **)&order->modules, &order->room_modules, order->n_modules,
                  sizeof(module))) {
            order->is_out_of_memory = true;
            return;
        }
        order->modules[order->n_modules++] = module;
    }
}

/* A frame that was found at a place; bytes: what is there of its window. */
static void add_frame(struct ash_order *order, uint64_t at, const uint8_t *bytes, size_t n)
{
    struct ash_trace_frame frame;
    if (ash_trace_frame_get(bytes, n, order->header.window_bytes, &frame) != ASH_TRACE_GOOD) {
        order->count.n_bad++;
        return;
    }
    const uint8_t *payload = bytes + ASH_TRACE_FRAME_BYTES, *end = payload + frame.length;
    uint64_t n_windows, n_dropped;
    switch (frame.type) {
    case ASH_TRACE_EVENTS:
        if (!grow((void **)&order->places, &order->room_places, order->n_places,
                  sizeof(*order->places))) {
            order->is_out_of_memory = true;
            return;
        }
        order->places[order->n_places++] =
            (struct place){frame.thread, frame.sequence, at, frame.first_tick};
        count_window(order, &frame, payload, n - ASH_TRACE_FRAME_BYTES);
        break;
    case ASH_TRACE_MAPS:
        if (frame.length != ASH_TRACE_OPEN)
            add_modules(order, payload, end);
        break;
    case ASH_TRACE_END:
        if (frame.length == ASH_TRACE_OPEN || !ash_trace_varint_get(&payload, end, &n_windows) ||
            !ash_trace_varint_get(&payload, end, &n_dropped))
            break;
        order->count.is_ended = true;
        if (n_dropped > order->count.n_dropped)
            order->count.n_dropped = n_dropped;
        break;
    default: /* T3 */
        break;
    }
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* Finds the frames: one behind the header, the others at the starts of windows. */
static bool find_frames(struct ash_order *order)
{
    size_t size = order->header.window_bytes;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return false;
    size_t head = order->header.page_bytes;
    size_t n = order->read(order->arg, 0, bytes, head < size ? head : size);
    if (n > ASH_TRACE_HEADER_BYTES && !is_zero(bytes + ASH_TRACE_HEADER_BYTES, 4))
        add_frame(order, ASH_TRACE_HEADER_BYTES, bytes + ASH_TRACE_HEADER_BYTES,
                  n - ASH_TRACE_HEADER_BYTES);
    for (uint64_t at = head; at < order->file_bytes && !order->is_out_of_memory; at += size) {
        n = order->read(order->arg, at, bytes, size);
        if (n == 0)
            break;
        if (!is_zero(bytes, n)) /* claimed by a thread that died before it wrote the frame */
            add_frame(order, at, bytes, n);
    }
    free(bytes);
    return !order->is_out_of_memory;
}

static int by_thread(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* ---- streams ---- */

static bool is_birth(const struct ash_trace_event *event)
{
    return event->op == ASH_TRACE_MALLOC || event->op == ASH_TRACE_CALLOC ||
           event->op == ASH_TRACE_ALIGNED ||
           (event->op == ASH_TRACE_REALLOC && event->addr != event->old);
}

static bool is_death(const struct ash_trace_event *event)
{
    return event->op == ASH_TRACE_FREE || event->op == ASH_TRACE_FREE_SIZED;
}

static bool is_death_of(const struct ash_trace_event *event, uint64_t addr)
{
    return (is_death(event) && event->addr == addr) ||
           (event->op == ASH_TRACE_REALLOC && event->old == addr);
}

static bool load_window(struct ash_order *order, struct stream *stream)
{
    size_t size = order->header.window_bytes;
    if (!stream->window && !(stream->window = malloc(size))) {
        order->is_out_of_memory = true;
        return false;
    }
    const struct place *place = stream->next++;
    size_t n = order->read(order->arg, place->at, stream->window, size);
    struct ash_trace_frame frame;
    if (ash_trace_frame_get(stream->window, n, size, &frame) != ASH_TRACE_GOOD)
        return false; /* the file changed under us */
    ash_trace_reader_start(&stream->reader, &frame, stream->window + ASH_TRACE_FRAME_BYTES,
                           n - ASH_TRACE_FRAME_BYTES, order->header.flags & ASH_TRACE_STACKS);
    return true;
}

/* Takes the stream's next event. */
static void advance(struct ash_order *order, struct stream *stream)
{
    uint64_t before = stream->tick;
    for (;;) {
        int got = stream->window ? ash_trace_get(&stream->reader, &stream->event) : 0;
        if (got == 1)
            break;
        order->count.n_bad += got < 0;
        if (stream->next == stream->end || order->is_out_of_memory) {
            stream->is_over = true;
            free(stream->window);
            stream->window = NULL;
            return;
        }
        if (!load_window(order, stream) && stream->window)
            stream->reader.at = stream->reader.end = stream->window;
    }
    /* a window's first tick is what its frame says; time does not run backwards in a thread */
    stream->tick = stream->event.tick > before ? stream->event.tick : before;
    stream->event.tick = stream->tick;
}

static bool is_before(const struct stream *a, const struct stream *b)
{
    if (a->tick != b->tick)
        return a->tick < b->tick;
    bool death_a = a->window && is_death(&a->event), death_b = b->window && is_death(&b->event);
    return death_a != death_b ? death_a : a->thread < b->thread;
}

static void sift_down(struct ash_order *order, size_t i)
{
    struct stream *moved = order->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= order->n_heap)
            break;
        if (child + 1 < order->n_heap && is_before(order->heap[child + 1], order->heap[child]))
            child++;
        if (!is_before(order->heap[child], moved))
            break;
        order->heap[i] = order->heap[child];
        i = child;
    }
    order->heap[i] = moved;
}

static void push(struct ash_order *order, struct stream *stream)
{
    size_t i = order->n_heap++;
    for (; i > 0 && is_before(stream, order->heap[(i - 1) / 2]); i = (i - 1) / 2)
        order->heap[i] = order->heap[(i - 1) / 2];
    order->heap[i] = stream;
}

/* The stream at place i of the heap has another event, or none. */
static void settle(struct ash_order *order, size_t i)
{
    struct stream *stream = order->heap[i];
    order->heap[i] = order->heap[--order->n_heap];
    for (size_t j = order->n_heap / 2 + 1; j-- > 0;) /* i may be anywhere: only when reordering */
        if (i != 0 && j < order->n_heap)
            sift_down(order, j);
    if (i == 0 && order->n_heap > 0)
        sift_down(order, 0);
    if (!stream->is_over && !stream->is_waiting)
        push(order, stream);
}

static bool make_streams(struct ash_order *order)
{
    if (order->n_places > 0)
        qsort(order->places, order->n_places, sizeof(struct place), by_thread);
    size_t n = 0;
    for (size_t i = 0; i < order->n_places; i++)
        n += i == 0 || order->places[i].thread != order->places[i - 1].thread;
    order->streams = calloc(n + 1, sizeof(*order->streams));
    order->heap = calloc(n + 1, sizeof(struct stream *));
    if (!order->streams || !order->heap)
        return false;
    for (size_t i = 0; i < order->n_places; i++) {
        const struct place *place = &order->places[i];
        if (i == 0 || place->thread != place[-1].thread)
            order->streams[order->n_streams++] =
                (struct stream){.next = place, .thread = place->thread, .tick = place->first_tick};
        order->streams[order->n_streams - 1].end = place + 1;
    }
    order->count.n_threads = (uint32_t)order->n_streams;
    for (size_t i = 0; i < order->n_streams; i++)
        push(order, &order->streams[i]);
    return true;
}

/* ---- the order ---- */

static bool keep_live(struct ash_order *order, const struct ash_trace_event *event)
{
    if (is_death(event))
        ash_addresses_remove(&order->live, event->addr);
    else if (event->op == ASH_TRACE_REALLOC)
        ash_addresses_remove(&order->live, event->old);
    if (!is_birth(event) && event->op != ASH_TRACE_REALLOC)
        return true;
    return ash_addresses_add(&order->live, event->addr, 0);
}

/* A head among the heap whose event is the death of addr; n_heap: none. */
static size_t find_death(const struct ash_order *order, uint64_t addr)
{
    size_t i = 0;
    while (i < order->n_heap &&
           !(order->heap[i]->window && is_death_of(&order->heap[i]->event, addr)))
        i++;
    return i;
}

/* A head whose event is the birth of addr, in this very tick; n_heap: none. */
static size_t find_birth(const struct ash_order *order, uint64_t addr, uint64_t tick)
{
    size_t i = 0;
    while (i < order->n_heap &&
           !(order->heap[i]->window && order->heap[i]->tick == tick &&
             is_birth(&order->heap[i]->event) && order->heap[i]->event.addr == addr))
        i++;
    return i;
}

/* The waiting stream that was stamped first. */
static struct stream *first_waiting(const struct ash_order *order)
{
    struct stream *first = NULL;
    for (size_t i = 0; i < order->n_streams; i++) {
        struct stream *stream = &order->streams[i];
        if (stream->is_waiting && (!first || stream->tick < first->tick))
            first = stream;
    }
    return first;
}

static void wake(struct ash_order *order, struct stream *stream)
{
    stream->is_waiting = false;
    order->n_waiting--;
    push(order, stream);
}

/* After a death: whoever waited for it goes on. */
static void wake_for(struct ash_order *order, const struct ash_trace_event *event)
{
    for (size_t i = 0; order->n_waiting > 0 && i < order->n_streams; i++) {
        struct stream *stream = &order->streams[i];
        if (stream->is_waiting && is_death_of(event, stream->event.addr)) {
            order->count.n_reordered++;
            wake(order, stream);
        }
    }
}

/* Gives out the event of the stream at place i of the heap. */
static int give(struct ash_order *order, size_t i, struct ash_trace_event *ret_event,
                uint32_t *ret_thread)
{
    struct stream *stream = order->heap[i];
    *ret_event = stream->event;
    *ret_thread = stream->thread;
    if (ret_event->frames) {
        memcpy(order->frames, ret_event->frames, (size_t)ret_event->size * sizeof(uint64_t));
        ret_event->frames = order->frames;
    }
    if (!keep_live(order, ret_event))
        return -1;
    order->count.n_events++;
    if (ret_event->op == ASH_TRACE_EXTENDED && ret_event->more == ASH_TRACE_MODULE)
        add_modules(order, ret_event->bytes, ret_event->bytes + ret_event->size);
    ret_event->bytes = NULL; /* the window may be gone */
    advance(order, stream);
    settle(order, i);
    wake_for(order, ret_event);
    return order->is_out_of_memory ? -1 : 1;
}

/* A compact file is in order already. */
static int next_packed(struct ash_order *order, struct ash_trace_event *ret_event,
                       uint32_t *ret_thread)
{
    int got = ash_pack_next(order->pack, ret_event, ret_thread);
    order->count.n_events += got == 1;
    return got;
}

int ash_order_next(struct ash_order *order, struct ash_trace_event *ret_event, uint32_t *ret_thread)
{
    if (order->pack)
        return next_packed(order, ret_event, ret_thread);
    for (;;) {
        struct stream *waiting = order->n_waiting ? first_waiting(order) : NULL;
        bool is_late =
            waiting && (order->n_heap == 0 || order->heap[0]->tick > waiting->tick + WAIT_TICKS);
        if (is_late) { /* nobody frees it: the death is not in the trace */
            order->count.n_missed++;
            ash_addresses_remove(&order->live, waiting->event.addr);
            wake(order, waiting);
        }
        if (order->n_heap == 0 || order->is_out_of_memory)
            return order->is_out_of_memory ? -1 : 0;
        struct stream *stream = order->heap[0];
        if (!stream->window) {
            advance(order, stream);
            settle(order, 0);
            continue;
        }
        bool is_live = ash_addresses_find(&order->live, stream->event.addr) != NULL;
        if (is_death(&stream->event) && !is_live) { /* born and dead within a tick? */
            size_t birth = find_birth(order, stream->event.addr, stream->tick);
            order->count.n_reordered += birth < order->n_heap;
            return give(order, birth < order->n_heap ? birth : 0, ret_event, ret_thread);
        }
        if (!is_birth(&stream->event) || !is_live)
            return give(order, 0, ret_event, ret_thread);
        size_t death = find_death(order, stream->event.addr);
        if (death < order->n_heap && death != 0) {
            order->count.n_reordered++;
            return give(order, death, ret_event, ret_thread);
        }
        stream->is_waiting = true;
        order->n_waiting++;
        settle(order, 0);
    }
}

/* ---- open and close ---- */

static void add_packed_modules(void *arg, const uint8_t *rows, size_t n)
{
    add_modules(arg, rows, rows + n);
}

static bool open_pack(struct ash_order *order)
{
    const struct ash_pack_source source = {.read = order->read,
                                           .arg = order->arg,
                                           .file_bytes = order->file_bytes,
                                           .header = &order->header,
                                           .add_modules = add_packed_modules,
                                           .arg_modules = order};
    order->pack = ash_pack_open(&source, &order->count);
    return order->pack && !order->is_out_of_memory;
}

struct ash_order *ash_order_open(ash_order_read *read, void *arg, uint64_t file_bytes,
                                 enum ash_trace_fault *ret_fault)
{
    uint8_t bytes[ASH_TRACE_HEADER_BYTES];
    struct ash_trace_header header;
    *ret_fault = ash_trace_header_get(bytes, read(arg, 0, bytes, sizeof(bytes)), &header);
    if (*ret_fault != ASH_TRACE_GOOD)
        return NULL;
    struct ash_order *order = calloc(1, sizeof(*order));
    if (!order)
        return NULL;
    *order =
        (struct ash_order){.read = read, .arg = arg, .file_bytes = file_bytes, .header = header};
    bool is_packed = header.flags & ASH_TRACE_COMPACT;
    if (is_packed ? !open_pack(order) : !find_frames(order) || !make_streams(order)) {
        ash_order_close(order);
        return NULL;
    }
    return order;
}

const struct ash_trace_header *ash_order_header(const struct ash_order *order)
{
    return &order->header;
}

const struct ash_order_count *ash_order_count(const struct ash_order *order)
{
    return &order->count;
}

const struct ash_order_module *ash_order_modules(const struct ash_order *order, size_t *ret_n)
{
    *ret_n = order->n_modules;
    return order->modules;
}

uint64_t ash_order_ns(const struct ash_order *order, uint64_t tick)
{
    uint64_t first = order->header.first_tick;
    double steps =
        tick > first ? (double)(tick - first) * (double)(1u << order->header.tick_shift) : 0;
    double ns = steps * 1e9 / (double)order->header.steps_per_second;
    return ns < 1e19 ? (uint64_t)ns : UINT64_MAX;
}

void ash_order_close(struct ash_order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->n_streams; i++)
        free(order->streams[i].window);
    ash_pack_close(order->pack);
    ash_addresses_free(&order->live);
    free(order->streams);
    free(order->heap);
    free(order->places);
    free(order->modules);
    free(order);
}
