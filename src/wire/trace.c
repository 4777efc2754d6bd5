/* trace.c: writing and reading the bytes of a trace; see trace.h. */
#include "wire/trace.h"
#include "wire/crc.h"
#include <stdatomic.h>
#include <string.h>

#define FRAME_CRC_AT 36u
#define DT_MAX 31u
#define VARINT_MAX 10u
#define N_RECENT 4u
#define NEIGHBOURHOOD 8192u /* zigzag of 64 KiB in units of 16 */

static const char magic[8] = {'A', 'S', 'H', 'T', 'R', 'A', 'C', 'E'};
static const char frame_magic[4] = {'A', 's', 'h', 'W'};

/* ---- numbers ---- */

static void put_le(uint8_t *at, uint64_t x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        at[i] = (uint8_t)(x >> 8 * i);
}

static uint64_t get_le(const uint8_t *at, unsigned n)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++)
        x |= (uint64_t)at[i] << 8 * i;
    return x;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_le(at, 4);
}

uint8_t *ash_trace_varint_put(uint8_t *at, uint64_t x)
{
    while (x >= 128) {
        *at++ = (uint8_t)(x | 128);
        x >>= 7;
    }
    *at++ = (uint8_t)x;
    return at;
}

bool ash_trace_varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_x)
{
    const uint8_t *from = *at;
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (from == end)
            return false;
        uint8_t byte = *from++;
        if (shift == 63 && byte > 1)
            return false;
        x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *at = from;
            *ret_x = x;
            return true;
        }
    }
    return false;
}

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ ((uint64_t)0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t x)
{
    return x >> 1 ^ ((uint64_t)0 - (x & 1));
}

/* ---- addresses ---- */

static uint64_t *by_size(struct ash_trace_near *near, uint64_t size)
{
    return &near->by_size[(size + 15) / 16 % ASH_COUNT_OF(near->by_size)];
}

/* An address was used: it stands for its neighbourhood, which comes first now. */
static void note(struct ash_trace_near *near, uint64_t now)
{
    unsigned i = 0;
    while (i < N_RECENT - 1 && zigzag(now - near->recent[i]) >= NEIGHBOURHOOD)
        i++;
    for (; i > 0; i--)
        near->recent[i] = near->recent[i - 1];
    near->recent[0] = now;
}

/* ---- header and frame ---- */

void ash_trace_header_put(const struct ash_trace_header *header,
                          uint8_t bytes[ASH_TRACE_HEADER_BYTES])
{
    memcpy(bytes, magic, sizeof(magic));
    put_le(bytes + 8, header->version, 2);
    put_le(bytes + 10, ASH_TRACE_HEADER_BYTES, 2);
    put_le(bytes + 12, header->flags, 3);
    put_le(bytes + 15, header->tick_shift, 1);
    put_le(bytes + 16, header->pid, 4);
    put_le(bytes + 20, header->parent, 4);
    put_le(bytes + 24, header->page_bytes, 4);
    put_le(bytes + 28, header->window_bytes, 4);
    put_le(bytes + 32, header->steps_per_second, 8);
    put_le(bytes + 40, header->first_tick, 8);
    put_le(bytes + 48, header->wall_ns, 8);
    put_le(bytes + 56, header->n_cpus, 4);
    put_le(bytes + 60, ash_crc(ash_crc(0, bytes, 32), bytes + 40, 20), 4);
}

static bool header_can_be(const struct ash_trace_header *header)
{
    return header->tick_shift < 32 && ash_is_power_of_two(header->page_bytes) &&
           header->page_bytes >= 512 && header->page_bytes <= 1u << 20 &&
           ash_is_power_of_two(header->window_bytes) &&
           header->window_bytes >= 2 * ASH_TRACE_FRAME_BYTES + ASH_TRACE_EVENT_MAX &&
           header->window_bytes <= 1u << 26 && header->steps_per_second >= 1000 &&
           header->steps_per_second <= 1000000000000u;
}

enum ash_trace_fault ash_trace_header_get(const uint8_t *bytes, size_t n,
                                          struct ash_trace_header *ret_header)
{
    if (n < ASH_TRACE_HEADER_BYTES)
        return n >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) != 0 ? ASH_TRACE_NO_TRACE
                                                                              : ASH_TRACE_SHORT;
    if (memcmp(bytes, magic, sizeof(magic)) != 0)
        return ASH_TRACE_NO_TRACE;
    if (get_u32(bytes + 60) != ash_crc(ash_crc(0, bytes, 32), bytes + 40, 20))
        return ASH_TRACE_DAMAGED;
    struct ash_trace_header header = {
        .version = (uint32_t)get_le(bytes + 8, 2),
        .flags = (uint32_t)get_le(bytes + 12, 3),
        .tick_shift = bytes[15],
        .pid = get_u32(bytes + 16),
        .parent = get_u32(bytes + 20),
        .page_bytes = get_u32(bytes + 24),
        .window_bytes = get_u32(bytes + 28),
        .n_cpus = get_u32(bytes + 56),
        .steps_per_second = get_le(bytes + 32, 8),
        .first_tick = get_le(bytes + 40, 8),
        .wall_ns = get_le(bytes + 48, 8),
    };
    if (header.version != ASH_TRACE_VERSION)
        return ASH_TRACE_NEWER;
    if (!header_can_be(&header))
        return ASH_TRACE_DAMAGED;
    *ret_header = header;
    return ASH_TRACE_GOOD;
}

const char *ash_trace_fault_words(enum ash_trace_fault fault)
{
    switch (fault) {
    case ASH_TRACE_GOOD:
        return "a trace";
    case ASH_TRACE_SHORT:
        return "shorter than the header of a trace";
    case ASH_TRACE_NO_TRACE:
        return "no trace: it does not begin with ASHTRACE";
    case ASH_TRACE_NEWER:
        return "a trace of another version of Ashlar";
    case ASH_TRACE_DAMAGED:
        break;
    }
    return "a trace with a damaged header";
}

static void frame_fields_put(const struct ash_trace_frame *frame, uint8_t *bytes)
{
    memcpy(bytes, frame_magic, sizeof(frame_magic));
    bytes[4] = frame->type;
    bytes[5] = frame->flags;
    put_le(bytes + 6, 0, 2);
    put_le(bytes + 8, frame->thread, 4);
    put_le(bytes + 12, frame->sequence, 4);
    put_le(bytes + 16, frame->length, 4);
    put_le(bytes + 20, frame->n_events, 4);
    put_le(bytes + 24, frame->first_tick, 8);
    put_le(bytes + 32, frame->n_dropped, 4);
}

static uint32_t frame_crc(const uint8_t *bytes, const uint8_t *payload, size_t length)
{
    return ash_crc(ash_crc(0, bytes, FRAME_CRC_AT), payload, length);
}

void ash_trace_frame_put(const struct ash_trace_frame *frame, const uint8_t *payload,
                         uint8_t bytes[ASH_TRACE_FRAME_BYTES])
{
    frame_fields_put(frame, bytes);
    bool is_open = frame->length == ASH_TRACE_OPEN;
    put_le(bytes + FRAME_CRC_AT, is_open ? 0 : frame_crc(bytes, payload, frame->length), 4);
}

void ash_trace_frame_close(const struct ash_trace_frame *frame, uint8_t *bytes)
{
    uint8_t closed[ASH_TRACE_FRAME_BYTES];
    ash_trace_frame_put(frame, bytes + ASH_TRACE_FRAME_BYTES, closed);
    memcpy(bytes + 20, closed + 20, ASH_TRACE_FRAME_BYTES - 20);
    uint32_t length;
    memcpy(&length, closed + 16, sizeof(length));
    /* release; pairs with readers of the file: until here the window is an open one */
    atomic_store_explicit((_Atomic uint32_t *)(void *)(bytes + 16), length, memory_order_release);
}

enum ash_trace_fault ash_trace_frame_get(const uint8_t *bytes, size_t n, size_t window_bytes,
                                         struct ash_trace_frame *ret_frame)
{
    if (n < ASH_TRACE_FRAME_BYTES)
        return ASH_TRACE_SHORT;
    if (memcmp(bytes, frame_magic, sizeof(frame_magic)) != 0)
        return ASH_TRACE_NO_TRACE;
    struct ash_trace_frame frame = {
        .type = bytes[4],
        .flags = bytes[5],
        .thread = get_u32(bytes + 8),
        .sequence = get_u32(bytes + 12),
        .length = get_u32(bytes + 16),
        .n_events = get_u32(bytes + 20),
        .first_tick = get_le(bytes + 24, 8),
        .n_dropped = get_u32(bytes + 32),
    };
    if (frame.length != ASH_TRACE_OPEN) {
        if (frame.length > n - ASH_TRACE_FRAME_BYTES ||
            frame.length > window_bytes - ASH_TRACE_FRAME_BYTES)
            return n < window_bytes ? ASH_TRACE_SHORT : ASH_TRACE_DAMAGED;
        if (get_u32(bytes + FRAME_CRC_AT) !=
            frame_crc(bytes, bytes + ASH_TRACE_FRAME_BYTES, frame.length))
            return ASH_TRACE_DAMAGED; /* T2 */
    }
    *ret_frame = frame;
    return ASH_TRACE_GOOD;
}

size_t ash_trace_frame_find(const uint8_t *bytes, size_t n, size_t at)
{
    while (at < n && n - at >= sizeof(frame_magic)) {
        const uint8_t *found = memchr(bytes + at, frame_magic[0], n - at - 3);
        if (!found)
            break;
        if (memcmp(found, frame_magic, sizeof(frame_magic)) == 0)
            return (size_t)(found - bytes);
        at = (size_t)(found - bytes) + 1;
    }
    return n;
}

/* ---- writing events ---- */

void ash_trace_start(struct ash_trace_writer *writer, uint8_t *bytes, size_t n, uint64_t tick)
{
    writer->at = bytes;
    writer->limit = n < ASH_TRACE_EVENT_MAX ? NULL : bytes + n - ASH_TRACE_EVENT_MAX;
    writer->tick = tick;
    memset(&writer->near, 0, sizeof(writer->near));
    writer->n_events = 0;
}

/* The address of a new block of this size. */
static uint8_t *new_put(struct ash_trace_writer *writer, uint8_t *at, uint64_t size, uint64_t addr)
{
    uint64_t *from = by_size(&writer->near, writer->serial ? 0 : size), now = addr >> 4;
    at = ash_trace_varint_put(at, zigzag(now - *from));
    *from = now;
    note(&writer->near, now);
    return at;
}

/* The address of a block that was there before. */
static uint8_t *old_put(struct ash_trace_writer *writer, uint8_t *at, uint64_t addr)
{
    uint64_t now = addr >> 4, least = UINT64_MAX;
    unsigned nearest = 0;
    for (unsigned i = 0; i < N_RECENT; i++) {
        uint64_t difference = zigzag(now - writer->near.recent[i]);
        if (difference < least) {
            least = difference;
            nearest = i;
        }
    }
    note(&writer->near, now);
    return ash_trace_varint_put(at, least << 2 | nearest);
}

static uint8_t *more_put(struct ash_trace_writer *writer, uint8_t *at,
                         const struct ash_trace_event *event)
{
    *at++ = event->more;
    switch ((enum ash_trace_more)event->more) {
    case ASH_TRACE_FAILED:
        *at++ = event->align_log2;
        return ash_trace_varint_put(at, event->size);
    case ASH_TRACE_USABLE:
        return old_put(writer, at, event->addr);
    case ASH_TRACE_STACK: {
        at = ash_trace_varint_put(at, event->stack);
        at = ash_trace_varint_put(at, event->size);
        uint64_t before = 0;
        for (uint64_t i = 0; i < event->size; before = event->frames[i++])
            at = ash_trace_varint_put(at, zigzag(event->frames[i] - before));
        return at;
    }
    default:
        at = ash_trace_varint_put(at, event->size);
        if (event->more < ASH_TRACE_MODULE)
            return at;
        memcpy(at, event->bytes, (size_t)event->size);
        return at + event->size;
    }
}

/* Everything behind the tag and its ticks. */
static uint8_t *operands_put(struct ash_trace_writer *writer, uint8_t *at,
                             const struct ash_trace_event *event)
{
    switch ((enum ash_trace_op)event->op) {
    case ASH_TRACE_MALLOC:
    case ASH_TRACE_CALLOC:
        at = ash_trace_varint_put(at, event->size);
        at = new_put(writer, at, event->size, event->addr);
        break;
    case ASH_TRACE_FREE:
        return old_put(writer, at, event->addr);
    case ASH_TRACE_REALLOC:
        at = ash_trace_varint_put(at, event->ticks);
        at = ash_trace_varint_put(at, event->size);
        at = old_put(writer, at, event->old);
        at = new_put(writer, at, event->size, event->addr);
        break;
    case ASH_TRACE_ALIGNED:
        *at++ = event->align_log2;
        at = ash_trace_varint_put(at, event->size);
        at = new_put(writer, at, event->size, event->addr);
        break;
    case ASH_TRACE_FREE_SIZED:
        at = ash_trace_varint_put(at, event->size);
        *at++ = event->align_log2;
        return old_put(writer, at, event->addr);
    default:
        return more_put(writer, at, event);
    }
    return writer->stacks ? ash_trace_varint_put(at, event->stack) : at;
}

/* What an event takes above ASH_TRACE_EVENT_MAX. */
static size_t room_of(const struct ash_trace_event *event)
{
    if (event->more >= ASH_TRACE_MODULE)
        return (size_t)event->size;
    return event->more == ASH_TRACE_STACK ? (size_t)event->size * VARINT_MAX : 0;
}

bool ash_trace_put(struct ash_trace_writer *writer, const struct ash_trace_event *event)
{
    size_t room = event->op == ASH_TRACE_EXTENDED ? room_of(event) : 0;
    uint8_t *tag = writer->at;
    if (ASH_UNLIKELY(tag > writer->limit || (size_t)(writer->limit - tag) < room))
        return false;
    uint64_t began = event->tick - event->ticks; /* ticks: 0 but for realloc */
    uint64_t dt = began > writer->tick ? began - writer->tick : 0;
    struct ash_trace_event shorter;
    if (ASH_UNLIKELY(began < writer->tick && event->ticks > 0)) { /* it ends when it ended */
        shorter = *event;
        shorter.ticks = event->tick > writer->tick ? event->tick - writer->tick : 0;
        event = &shorter;
    }
    uint8_t *at = tag + 1;
    if (ASH_UNLIKELY(dt >= DT_MAX))
        at = ash_trace_varint_put(at, dt - DT_MAX);
    writer->at = operands_put(writer, at, event);
    writer->tick += dt + event->ticks;
    writer->n_events++;
    /* release; pairs with readers of the file: a tag has all its operands */
    atomic_store_explicit((_Atomic uint8_t *)tag,
                          (uint8_t)(event->op | (dt < DT_MAX ? dt : DT_MAX) << 3),
                          memory_order_release);
    return true;
}

/* ---- reading events ---- */

void ash_trace_reader_start(struct ash_trace_reader *reader, const struct ash_trace_frame *frame,
                            const uint8_t *bytes, size_t n, bool stacks)
{
    reader->is_open = frame->length == ASH_TRACE_OPEN;
    reader->at = bytes;
    reader->end = bytes + (reader->is_open || frame->length > n ? n : frame->length);
    reader->tick = frame->first_tick;
    memset(&reader->near, 0, sizeof(reader->near));
    reader->stacks = stacks;
    reader->serial = false;
}

static bool byte_get(struct ash_trace_reader *reader, uint8_t *ret_byte)
{
    if (reader->at == reader->end)
        return false;
    *ret_byte = *reader->at++;
    return true;
}

static bool number_get(struct ash_trace_reader *reader, uint64_t *ret_x)
{
    return ash_trace_varint_get(&reader->at, reader->end, ret_x);
}

static bool is_address(struct ash_trace_near *near, uint64_t now, uint64_t *ret_addr)
{
    if (now >> 60)
        return false;
    note(near, now);
    *ret_addr = now << 4;
    return true;
}

static bool new_get(struct ash_trace_reader *reader, uint64_t size, uint64_t *ret_addr)
{
    uint64_t x, *from = by_size(&reader->near, reader->serial ? 0 : size);
    if (!number_get(reader, &x))
        return false;
    *from += unzigzag(x);
    return is_address(&reader->near, *from, ret_addr);
}

static bool old_get(struct ash_trace_reader *reader, uint64_t *ret_addr)
{
    uint64_t x;
    if (!number_get(reader, &x))
        return false;
    return is_address(&reader->near, reader->near.recent[x & 3] + unzigzag(x >> 2), ret_addr);
}

static bool stack_get(struct ash_trace_reader *reader, struct ash_trace_event *event)
{
    uint64_t x;
    if (!number_get(reader, &x) || x == 0 || x > UINT32_MAX)
        return false;
    event->stack = (uint32_t)x;
    if (!number_get(reader, &event->size) || event->size > ASH_TRACE_FRAMES_MAX)
        return false;
    uint64_t before = 0;
    for (uint64_t i = 0; i < event->size; i++) {
        if (!number_get(reader, &x))
            return false;
        before += unzigzag(x);
        reader->frames[i] = before;
    }
    event->frames = reader->frames;
    return true;
}

static bool bytes_get(struct ash_trace_reader *reader, struct ash_trace_event *event)
{
    if (event->size > (uint64_t)(reader->end - reader->at))
        return false;
    event->bytes = reader->at;
    reader->at += event->size;
    return true;
}

static bool more_get(struct ash_trace_reader *reader, struct ash_trace_event *event)
{
    if (!byte_get(reader, &event->more))
        return false;
    switch ((enum ash_trace_more)event->more) {
    case ASH_TRACE_FAILED:
        return byte_get(reader, &event->align_log2) && number_get(reader, &event->size);
    case ASH_TRACE_USABLE:
        return old_get(reader, &event->addr);
    case ASH_TRACE_STACK:
        return stack_get(reader, event);
    default: /* T3: those that we do not know, too */
        return number_get(reader, &event->size) &&
               (event->more < ASH_TRACE_MODULE || bytes_get(reader, event));
    }
}

static bool operands_get(struct ash_trace_reader *reader, struct ash_trace_event *event)
{
    bool good;
    switch ((enum ash_trace_op)event->op) {
    case ASH_TRACE_MALLOC:
    case ASH_TRACE_CALLOC:
        good = number_get(reader, &event->size) && new_get(reader, event->size, &event->addr);
        break;
    case ASH_TRACE_FREE:
        return old_get(reader, &event->addr);
    case ASH_TRACE_REALLOC:
        good = number_get(reader, &event->ticks) && number_get(reader, &event->size) &&
               old_get(reader, &event->old) && new_get(reader, event->size, &event->addr);
        break;
    case ASH_TRACE_ALIGNED:
        good = byte_get(reader, &event->align_log2) && event->align_log2 < 64 &&
               number_get(reader, &event->size) && new_get(reader, event->size, &event->addr);
        break;
    case ASH_TRACE_FREE_SIZED:
        return number_get(reader, &event->size) && byte_get(reader, &event->align_log2) &&
               event->align_log2 < 64 && old_get(reader, &event->addr);
    case ASH_TRACE_EXTENDED:
        return more_get(reader, event);
    default:
        return false;
    }
    uint64_t stack = 0;
    if (good && reader->stacks)
        good = number_get(reader, &stack) && stack <= UINT32_MAX;
    event->stack = (uint32_t)stack;
    return good;
}

int ash_trace_get(struct ash_trace_reader *reader, struct ash_trace_event *ret_event)
{
    if (reader->at == reader->end)
        return 0;
    const uint8_t *began = reader->at;
    uint8_t tag = *reader->at++;
    struct ash_trace_event event = {.op = tag & 7};
    uint64_t dt = tag >> 3, rest = 0;
    bool good = tag != 0;
    if (good && dt == DT_MAX)
        good = number_get(reader, &rest);
    if (good)
        good = operands_get(reader, &event);
    if (!good) {
        /* a zero byte is the end of an open window, and so is a cut in its last event */
        reader->at = reader->end = began;
        return tag == 0 && reader->is_open ? 0 : -1;
    }
    reader->tick += dt + rest + event.ticks;
    event.tick = reader->tick;
    *ret_event = event;
    return 1;
}
