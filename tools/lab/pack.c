/* pack.c: traces in the order of time, packed by zstd; see pack.h. */
#include "lab/pack.h"
#include "lab/addresses.h"
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define RAW_BYTES (256u * 1024) /* smaller ones pack worse, larger ones make seeking coarse */
#define LEVEL 9
#define END_FIELDS 7u

/* ---- writing ---- */

struct row {
    uint64_t at, tick, n_events, live_bytes, n_live;
};

struct press {
    struct ash_order *order;
    FILE *out;
    uint64_t at; /* in the file */
    uint8_t *raw, *packed;
    size_t packed_room;
    struct ash_trace_writer writer;
    struct ash_addresses numbers; /* address → number of the block; and its size, below */
    uint64_t *sizes;              /* by number */
    size_t room_sizes;
    uint64_t next_number, live_bytes, n_live;
    uint32_t thread, sequence, n_changes; /* of thread, in this pack */
    struct row *rows, begin;
    size_t n_rows, room_rows;
    bool is_out_of_memory;
};

static void write_frame(struct press *press, struct ash_trace_frame *frame, const uint8_t *payload)
{
    uint8_t bytes[ASH_TRACE_FRAME_BYTES];
    ash_trace_frame_put(frame, payload, bytes);
    fwrite(bytes, 1, sizeof(bytes), press->out);
    fwrite(payload, 1, frame->length, press->out);
    press->at += sizeof(bytes) + frame->length;
}

static void add_row(struct press *press)
{
    if (press->n_rows == press->room_rows) {
        size_t room = press->room_rows ? 2 * press->room_rows : 64;
        struct row *rows = realloc(press->rows, room * sizeof(*rows));
        if (!rows) {
            press->is_out_of_memory = true;
            return;
        }
        press->rows = rows;
        press->room_rows = room;
    }
    press->rows[press->n_rows++] = press->begin;
}

static void begin_pack(struct press *press, uint64_t tick)
{
    memset(press->raw, 0, RAW_BYTES);
    ash_trace_start(&press->writer, press->raw, RAW_BYTES, tick);
    press->writer.serial = true;
    press->writer.stacks = ash_order_header(press->order)->flags & ASH_TRACE_STACKS;
    press->thread = press->n_changes = 0; /* each pack says its first thread */
    press->begin = (struct row){press->at, tick, 0, press->live_bytes, press->n_live};
}

static void end_pack(struct press *press)
{
    size_t raw = (size_t)(press->writer.at - press->raw);
    if (raw == 0)
        return;
    size_t n = ZSTD_compress(press->packed, press->packed_room, press->raw, raw, LEVEL);
    if (ZSTD_isError(n)) {
        press->is_out_of_memory = true; /* the room is enough for any input */
        return;
    }
    struct ash_trace_frame frame = {.type = ASH_TRACE_PACK,
                                    .sequence = press->sequence++,
                                    .length = (uint32_t)n,
                                    .n_events = press->writer.n_events - press->n_changes,
                                    .first_tick = press->begin.tick};
    press->begin.n_events = frame.n_events;
    add_row(press);
    write_frame(press, &frame, press->packed);
}

static void put(struct press *press, const struct ash_trace_event *event)
{
    if (ash_trace_put(&press->writer, event))
        return;
    end_pack(press);
    begin_pack(press, event->tick - event->ticks);
    (void)ash_trace_put(&press->writer, event);
}

static bool keep_size(struct press *press, uint64_t number, uint64_t size)
{
    if (number >= press->room_sizes) {
        size_t room = press->room_sizes ? 2 * press->room_sizes : 1024;
        uint64_t *sizes = realloc(press->sizes, room * sizeof(*sizes));
        if (!sizes)
            return false;
        press->sizes = sizes;
        press->room_sizes = room;
    }
    press->sizes[number] = size;
    return true;
}

/* The number of a block that is alive, which dies if it is taken; 0: not known. */
static uint64_t number_of(struct press *press, uint64_t addr, bool take)
{
    struct ash_address *row = ash_addresses_find(&press->numbers, addr);
    uint64_t number = row ? row->value : 0;
    if (row && take) {
        press->live_bytes -= press->sizes[number];
        press->n_live--;
        ash_addresses_remove(&press->numbers, addr);
    }
    return number;
}

static uint64_t new_number(struct press *press, uint64_t addr, uint64_t size)
{
    uint64_t number = press->next_number++;
    if (!keep_size(press, number, size) || !ash_addresses_add(&press->numbers, addr, number))
        press->is_out_of_memory = true;
    press->live_bytes += size;
    press->n_live++;
    return number;
}

/* Addresses become numbers. */
static void renumber(struct press *press, struct ash_trace_event *event)
{
    uint64_t addr = event->addr;
    switch ((enum ash_trace_op)event->op) {
    case ASH_TRACE_MALLOC:
    case ASH_TRACE_CALLOC:
    case ASH_TRACE_ALIGNED:
        event->addr = 16 * new_number(press, addr, event->size);
        break;
    case ASH_TRACE_FREE:
    case ASH_TRACE_FREE_SIZED:
        event->addr = 16 * number_of(press, addr, true);
        break;
    case ASH_TRACE_REALLOC: {
        bool stays = addr == event->old;
        uint64_t number = number_of(press, event->old, !stays);
        event->old = 16 * number;
        if (stays && number) {
            press->live_bytes += event->size - press->sizes[number];
            press->sizes[number] = event->size;
            event->addr = event->old;
        } else {
            event->addr = 16 * new_number(press, addr, event->size);
        }
        break;
    }
    default:
        if (event->more == ASH_TRACE_USABLE)
            event->addr = 16 * number_of(press, addr, false);
        break;
    }
}

static void write_modules(struct press *press)
{
    size_t n;
    const struct ash_order_module *modules = ash_order_modules(press->order, &n);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[512], *at = bytes;
        size_t path = strlen(modules[i].path);
        at = ash_trace_varint_put(at, modules[i].start);
        at = ash_trace_varint_put(at, modules[i].end);
        at = ash_trace_varint_put(at, modules[i].offset);
        *at++ = modules[i].id_n;
        memcpy(at, modules[i].id, modules[i].id_n);
        at = ash_trace_varint_put(at + modules[i].id_n, path);
        memcpy(at, modules[i].path, path);
        struct ash_trace_frame frame = {.type = ASH_TRACE_MAPS,
                                        .length = (uint32_t)(at + path - bytes)};
        write_frame(press, &frame, bytes);
    }
}

/* Rows of the index, as many to a frame as fit. */
static void write_index(struct press *press)
{
    size_t room = RAW_BYTES / 2;
    uint8_t *bytes = press->raw, *at = bytes;
    for (size_t i = 0; i < press->n_rows; i++) {
        const struct row *row = &press->rows[i];
        at = ash_trace_varint_put(at, row->at);
        at = ash_trace_varint_put(at, row->tick);
        at = ash_trace_varint_put(at, row->n_events);
        at = ash_trace_varint_put(at, row->live_bytes);
        at = ash_trace_varint_put(at, row->n_live);
        if (i + 1 < press->n_rows && (size_t)(at - bytes) < room)
            continue;
        struct ash_trace_frame frame = {.type = ASH_TRACE_INDEX, .length = (uint32_t)(at - bytes)};
        write_frame(press, &frame, bytes);
        at = bytes;
    }
}

static void write_end(struct press *press, uint64_t tick)
{
    const struct ash_order_count *count = ash_order_count(press->order);
    const uint64_t fields[END_FIELDS] = {count->n_windows, count->n_dropped, count->n_reordered,
                                         count->n_missed,  count->n_open,    count->n_bad,
                                         count->is_ended};
    uint8_t bytes[10 * END_FIELDS], *at = bytes;
    for (unsigned i = 0; i < END_FIELDS; i++)
        at = ash_trace_varint_put(at, fields[i]);
    struct ash_trace_frame frame = {.type = ASH_TRACE_END,
                                    .length = (uint32_t)(at - bytes),
                                    .thread = count->n_threads,
                                    .first_tick = tick};
    write_frame(press, &frame, bytes);
}

/* A block whose death is missing from the trace dies when another is born in its place. */
static void close_missed(struct press *press, const struct ash_trace_event *event)
{
    bool is_birth = event->op == ASH_TRACE_MALLOC || event->op == ASH_TRACE_CALLOC ||
                    event->op == ASH_TRACE_ALIGNED ||
                    (event->op == ASH_TRACE_REALLOC && event->addr != event->old);
    uint64_t number = is_birth ? number_of(press, event->addr, true) : 0;
    if (number)
        put(press, &(struct ash_trace_event){.op = ASH_TRACE_FREE,
                                             .addr = 16 * number,
                                             .tick = event->tick - event->ticks});
}

static bool press_all(struct press *press)
{
    struct ash_trace_header header = *ash_order_header(press->order);
    header.flags = (header.flags & ~(uint32_t)ASH_TRACE_WINDOWS) | ASH_TRACE_COMPACT;
    header.window_bytes = 2 * RAW_BYTES;
    uint8_t bytes[ASH_TRACE_HEADER_BYTES];
    ash_trace_header_put(&header, bytes);
    fwrite(bytes, 1, sizeof(bytes), press->out);
    press->at = sizeof(bytes);
    press->next_number = 1;
    begin_pack(press, header.first_tick);
    struct ash_trace_event event;
    uint32_t thread;
    uint64_t tick = header.first_tick;
    int got = 0;
    while (!press->is_out_of_memory && (got = ash_order_next(press->order, &event, &thread)) == 1) {
        if (event.op == ASH_TRACE_EXTENDED && event.more == ASH_TRACE_MODULE)
            continue; /* they stand together at the end */
        event.tick = tick = event.tick > tick ? event.tick : tick;
        /* room for all, so that a pack begins with a thread */
        if (press->writer.limit - press->writer.at < (ptrdiff_t)(3 * ASH_TRACE_EVENT_MAX)) {
            end_pack(press);
            begin_pack(press, event.tick - event.ticks);
        }
        if (thread != press->thread) {
            put(press, &(struct ash_trace_event){.op = ASH_TRACE_EXTENDED,
                                                 .more = ASH_TRACE_THREAD,
                                                 .size = thread,
                                                 .tick = press->writer.tick});
            press->n_changes++;
        }
        press->thread = thread;
        close_missed(press, &event);
        renumber(press, &event);
        put(press, &event);
    }
    end_pack(press);
    write_modules(press);
    write_index(press);
    write_end(press, tick);
    return !press->is_out_of_memory && got == 0;
}

bool ash_pack_write(struct ash_order *order, FILE *out, const char **ret_why)
{
    struct press press = {.order = order, .out = out, .packed_room = ZSTD_compressBound(RAW_BYTES)};
    press.raw = malloc(RAW_BYTES);
    press.packed = malloc(press.packed_room);
    bool good = press.raw && press.packed && press_all(&press);
    *ret_why = good ? "the file cannot be written" : "no memory";
    ash_addresses_free(&press.numbers);
    free(press.sizes);
    free(press.rows);
    free(press.raw);
    free(press.packed);
    return good && !ferror(out);
}

/* ---- reading ---- */

struct ash_pack {
    struct ash_pack_source source;
    struct ash_order_count *count;
    uint64_t at; /* of the next frame */
    uint8_t *frame, *raw;
    uint32_t thread;
    struct ash_order_count ignored;
    struct ash_trace_reader reader;
};

/* The next frame from pack->at on that is whole; what lies between is counted. false: the end. */
static bool next_frame(struct ash_pack *pack, struct ash_trace_frame *ret_frame)
{
    size_t room = pack->source.header->window_bytes;
    bool is_lost = false;
    while (pack->at < pack->source.file_bytes) {
        size_t n = pack->source.read(pack->source.arg, pack->at, pack->frame, room);
        if (n < ASH_TRACE_FRAME_BYTES)
            break;
        if (ash_trace_frame_get(pack->frame, n, room, ret_frame) == ASH_TRACE_GOOD &&
            ret_frame->length != ASH_TRACE_OPEN) {
            pack->at += ASH_TRACE_FRAME_BYTES + ret_frame->length;
            return true;
        }
        pack->count->n_bad += !is_lost;
        is_lost = true;
        size_t found = ash_trace_frame_find(pack->frame, n, 1);
        pack->at += found < n ? found : n > 3 ? n - 3 : n;
    }
    return false;
}

static bool unpack(struct ash_pack *pack, const struct ash_trace_frame *frame)
{
    size_t n =
        ZSTD_decompress(pack->raw, RAW_BYTES, pack->frame + ASH_TRACE_FRAME_BYTES, frame->length);
    if (ZSTD_isError(n)) {
        pack->count->n_bad++;
        return false;
    }
    struct ash_trace_frame whole = *frame;
    whole.length = (uint32_t)n;
    ash_trace_reader_start(&pack->reader, &whole, pack->raw, n,
                           pack->source.header->flags & ASH_TRACE_STACKS);
    pack->reader.serial = true;
    return true;
}

/* false: there is none; its counters then stay as they are. */
static void read_end(struct ash_pack *pack, const struct ash_trace_frame *frame)
{
    const uint8_t *at = pack->frame + ASH_TRACE_FRAME_BYTES, *end = at + frame->length;
    uint64_t fields[END_FIELDS];
    for (unsigned i = 0; i < END_FIELDS; i++)
        if (!ash_trace_varint_get(&at, end, &fields[i]))
            return;
    pack->count->n_windows = (uint32_t)fields[0];
    pack->count->n_dropped = fields[1];
    pack->count->n_reordered = fields[2];
    pack->count->n_missed = fields[3];
    pack->count->n_open = (uint32_t)fields[4];
    pack->count->n_bad += (uint32_t)fields[5];
    pack->count->is_ended = fields[6] != 0;
    pack->count->n_threads = frame->thread;
}

struct ash_pack *ash_pack_open(const struct ash_pack_source *source, struct ash_order_count *count)
{
    struct ash_pack *pack = calloc(1, sizeof(*pack));
    if (!pack)
        return NULL;
    *pack = (struct ash_pack){.source = *source, .count = count, .at = ASH_TRACE_HEADER_BYTES};
    pack->frame = malloc(source->header->window_bytes);
    pack->raw = malloc(RAW_BYTES);
    if (!pack->frame || !pack->raw) {
        ash_pack_close(pack);
        return NULL;
    }
    struct ash_trace_frame frame;
    while (next_frame(pack, &frame)) {
        if (frame.type == ASH_TRACE_PACK) {
            count->n_stored += frame.n_events;
            count->n_bytes += frame.length;
        } else if (frame.type == ASH_TRACE_MAPS && source->add_modules) {
            source->add_modules(source->arg_modules, pack->frame + ASH_TRACE_FRAME_BYTES,
                                frame.length);
        } else if (frame.type == ASH_TRACE_END) {
            read_end(pack, &frame);
        }
    }
    pack->at = ASH_TRACE_HEADER_BYTES;
    pack->count = &pack->ignored; /* damage was counted now */
    return pack;
}

int ash_pack_next(struct ash_pack *pack, struct ash_trace_event *ret_event, uint32_t *ret_thread)
{
    for (;;) {
        int got = pack->reader.at ? ash_trace_get(&pack->reader, ret_event) : 0;
        struct ash_trace_frame frame;
        if (got == 1 && ret_event->op == ASH_TRACE_EXTENDED &&
            ret_event->more == ASH_TRACE_THREAD) {
            pack->thread = (uint32_t)ret_event->size;
            continue;
        }
        if (got == 1) {
            *ret_thread = pack->thread;
            return 1;
        }
        do {
            if (!next_frame(pack, &frame))
                return 0;
        } while (frame.type != ASH_TRACE_PACK || !unpack(pack, &frame));
    }
}

void ash_pack_close(struct ash_pack *pack)
{
    if (!pack)
        return;
    free(pack->frame);
    free(pack->raw);
    free(pack);
}
