/* test_trace.c: events come back as they were written, and nothing else is believed. */
#include "wire/trace.h"
#include "base/rng.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N_EVENTS 400u
#define PAYLOAD (ASH_TRACE_WINDOW_BYTES - ASH_TRACE_FRAME_BYTES)

static uint8_t window[ASH_TRACE_WINDOW_BYTES];
static struct ash_trace_event written[8000];
static uint64_t stack_frames[ASH_TRACE_FRAMES_MAX];

static struct ash_trace_event random_event(uint64_t *rng, uint64_t *tick)
{
    struct ash_trace_event event = {.op = (uint8_t)(1 + ash_rng_next(rng) % 7)};
    uint64_t step = ash_rng_next(rng) % 8 ? ash_rng_next(rng) % 40 : ash_rng_next(rng) >> 30;
    event.size = ash_rng_next(rng) >> ash_rng_next(rng) % 64;
    event.addr = ash_rng_next(rng) >> (4 + ash_rng_next(rng) % 40) << 4;
    event.align_log2 = (uint8_t)(ash_rng_next(rng) % 48);
    event.stack = ash_rng_next(rng) % 2 ? (uint32_t)ash_rng_next(rng) : 0;
    if (event.op == ASH_TRACE_REALLOC) {
        event.ticks = ash_rng_next(rng) % 300;
        event.old = event.addr / 32 * 16;
    }
    if (event.op == ASH_TRACE_EXTENDED) {
        event.more = (uint8_t)(1 + ash_rng_next(rng) % (ASH_TRACE_MORE_COUNT - 1));
        if (event.more == ASH_TRACE_STACK) {
            event.stack |= 1;
            event.size %= 20;
            event.frames = stack_frames;
        }
    }
    *tick += step + event.ticks;
    event.tick = *tick;
    return event;
}

/* Fills `window` with up to max events; returns how many. */
static unsigned fill(uint64_t seed, unsigned max, bool stacks)
{
    uint64_t rng = seed, tick = 1000;
    for (unsigned i = 0; i < ASH_TRACE_FRAMES_MAX; i++)
        stack_frames[i] = ash_rng_next(&rng) >> 16;
    memset(window, 0, sizeof window);
    struct ash_trace_writer writer = {.stacks = stacks};
    ash_trace_start(&writer, window + ASH_TRACE_FRAME_BYTES, PAYLOAD, tick);
    struct ash_trace_frame frame = {.type = ASH_TRACE_EVENTS,
                                    .thread = 3,
                                    .sequence = 9,
                                    .length = ASH_TRACE_OPEN,
                                    .first_tick = tick,
                                    .n_dropped = 5};
    ash_trace_frame_put(&frame, NULL, window);
    unsigned n = 0;
    while (n < max) {
        written[n] = random_event(&rng, &tick);
        if (!ash_trace_put(&writer, &written[n]))
            break;
        n++;
    }
    assert_int_equal(writer.n_events, n);
    frame.length = (uint32_t)(writer.at - window - ASH_TRACE_FRAME_BYTES);
    frame.n_events = n;
    ash_trace_frame_close(&frame, window);
    return n;
}

static void must_equal(const struct ash_trace_event *got, const struct ash_trace_event *want,
                       bool stacks)
{
    assert_int_equal(got->op, want->op);
    assert_int_equal(got->tick, want->tick);
    bool is_birth = want->op == ASH_TRACE_MALLOC || want->op == ASH_TRACE_CALLOC ||
                    want->op == ASH_TRACE_REALLOC || want->op == ASH_TRACE_ALIGNED;
    if (is_birth || want->op == ASH_TRACE_FREE || want->op == ASH_TRACE_FREE_SIZED)
        assert_int_equal(got->addr, want->addr);
    if (is_birth || want->op == ASH_TRACE_FREE_SIZED)
        assert_int_equal(got->size, want->size);
    if (is_birth)
        assert_int_equal(got->stack, stacks ? want->stack : 0);
    if (want->op == ASH_TRACE_REALLOC)
        assert_true(got->old == want->old && got->ticks == want->ticks);
    if (want->op == ASH_TRACE_ALIGNED || want->op == ASH_TRACE_FREE_SIZED)
        assert_int_equal(got->align_log2, want->align_log2);
    if (want->op != ASH_TRACE_EXTENDED)
        return;
    assert_int_equal(got->more, want->more);
    if (want->more == ASH_TRACE_STACK) {
        assert_true(got->stack == want->stack && got->size == want->size);
        assert_memory_equal(got->frames, want->frames, got->size * sizeof(uint64_t));
    }
}

/* Reads a window of n bytes as far as it goes; how many of its first events are the written ones,
 * if all must be. */
static unsigned read_back(const uint8_t *bytes, size_t n, bool stacks, bool must, int *ret_end)
{
    struct ash_trace_frame frame;
    *ret_end = -2;
    if (ash_trace_frame_get(bytes, n, ASH_TRACE_WINDOW_BYTES, &frame) != ASH_TRACE_GOOD)
        return 0;
    struct ash_trace_reader reader;
    ash_trace_reader_start(&reader, &frame, bytes + ASH_TRACE_FRAME_BYTES,
                           n - ASH_TRACE_FRAME_BYTES, stacks);
    struct ash_trace_event event;
    unsigned i = 0;
    while ((*ret_end = ash_trace_get(&reader, &event)) == 1) {
        if (must)
            must_equal(&event, &written[i], stacks);
        assert_true(++i <= n);
    }
    return i;
}

static void events_come_back_as_they_were(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        bool stacks = seed % 2;
        unsigned n = fill(seed, ASH_COUNT_OF(written), stacks);
        assert_true(n > 1000);
        int end;
        assert_int_equal(read_back(window, sizeof window, stacks, true, &end), n);
        assert_int_equal(end, 0);
    }
}

static void an_open_window_gives_a_prefix_at_every_cut(void **state)
{
    (void)state;
    unsigned n = fill(7, N_EVENTS, true);
    memset(window + 16, 0xff, 4); /* open: no length, no checksum */
    unsigned before = 0;
    int end;
    for (size_t cut = 0; cut <= sizeof window; cut++) {
        unsigned got = read_back(window, cut, true, true, &end);
        assert_true(got >= before && got <= n);
        before = got;
        if (cut > 40000)
            cut += 97;
    }
    assert_int_equal(before, n);
}

static void a_window_cut_at_any_store_is_a_prefix(void **state)
{
    (void)state;
    /* Operands first, the tag last: whatever is not yet there reads zero. */
    unsigned n = fill(11, N_EVENTS, false);
    memset(window + 16, 0xff, 4);
    struct ash_trace_frame frame;
    assert_int_equal(ash_trace_frame_get(window, sizeof window, sizeof window, &frame), 0);
    struct ash_trace_reader reader;
    ash_trace_reader_start(&reader, &frame, window + 40, PAYLOAD, false);
    struct ash_trace_event event;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *tag = window + (reader.at - window), kept = *tag;
        *tag = 0; /* event i is being written */
        int end;
        assert_int_equal(read_back(window, sizeof window, false, true, &end), i);
        assert_int_equal(end, 0);
        *tag = kept;
        assert_int_equal(ash_trace_get(&reader, &event), 1);
    }
}

static void each_changed_byte_of_a_closed_window_is_seen(void **state)
{
    (void)state;
    unsigned n = fill(3, N_EVENTS, true);
    struct ash_trace_frame frame;
    assert_int_equal(ash_trace_frame_get(window, sizeof window, sizeof window, &frame), 0);
    size_t used = ASH_TRACE_FRAME_BYTES + frame.length;
    for (size_t i = 0; i < used; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            window[i] ^= (uint8_t)(1u << bit);
            int end;
            (void)read_back(window, sizeof window, true, false, &end);
            assert_int_equal(end, -2);
            window[i] ^= (uint8_t)(1u << bit);
        }
    }
    int end;
    assert_int_equal(read_back(window, sizeof window, true, true, &end), n);
}

static void any_bytes_in_an_open_window_end(void **state)
{
    (void)state;
    uint64_t rng = 99;
    for (unsigned round = 0; round < 2000; round++) {
        fill(5, 50, round % 2);
        memset(window + 16, 0xff, 4);
        for (unsigned i = 0; i < 5; i++)
            window[40 + ash_rng_next(&rng) % 300] = (uint8_t)ash_rng_next(&rng);
        int end;
        (void)read_back(window, 40 + ash_rng_next(&rng) % 400, round % 2, false, &end);
        assert_true(end == 0 || end == -1);
    }
}

static void a_header_comes_back_and_each_changed_byte_is_seen(void **state)
{
    (void)state;
    struct ash_trace_header header = {.version = ASH_TRACE_VERSION,
                                      .flags = ASH_TRACE_WINDOWS | ASH_TRACE_CHILD,
                                      .tick_shift = 7,
                                      .pid = 77,
                                      .parent = 76,
                                      .page_bytes = 4096,
                                      .window_bytes = 65536,
                                      .n_cpus = 2,
                                      .steps_per_second = 2400000000u,
                                      .first_tick = 1u << 30,
                                      .wall_ns = 5};
    uint8_t bytes[ASH_TRACE_HEADER_BYTES];
    ash_trace_header_put(&header, bytes);
    struct ash_trace_header got;
    assert_int_equal(ash_trace_header_get(bytes, sizeof bytes, &got), ASH_TRACE_GOOD);
    assert_memory_equal(&got, &header, sizeof got);
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_int_equal(ash_trace_header_get(bytes, n, &got), ASH_TRACE_SHORT);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 255;
        enum ash_trace_fault fault = ash_trace_header_get(bytes, sizeof bytes, &got);
        assert_true(fault != ASH_TRACE_GOOD || (i >= 32 && i < 40));
        assert_non_null(ash_trace_fault_words(fault));
        bytes[i] ^= 255;
    }
}

static void frames_are_found_behind_rubbish(void **state)
{
    (void)state;
    static uint8_t bytes[1000];
    memset(bytes, 'A', sizeof bytes);
    assert_int_equal(ash_trace_frame_find(bytes, sizeof bytes, 0), sizeof bytes);
    memcpy(bytes + 700, "AshW", 4);
    memcpy(bytes + 997, "Ash", 3);
    assert_int_equal(ash_trace_frame_find(bytes, sizeof bytes, 0), 700);
    assert_int_equal(ash_trace_frame_find(bytes, sizeof bytes, 700), 700);
    assert_int_equal(ash_trace_frame_find(bytes, sizeof bytes, 701), sizeof bytes);
    assert_int_equal(ash_trace_frame_find(bytes, 3, 0), 3);
    assert_int_equal(ash_trace_frame_find(bytes, 0, 0), 0);
}

static void a_clock_that_runs_backwards_stands_still(void **state)
{
    (void)state;
    fill(1, 0, false);
    struct ash_trace_writer writer = {.stacks = false};
    ash_trace_start(&writer, window + 40, PAYLOAD, 500);
    struct ash_trace_event event = {.op = ASH_TRACE_FREE, .tick = 400, .addr = 64};
    assert_true(ash_trace_put(&writer, &event));
    assert_int_equal(writer.tick, 500);
    event = (struct ash_trace_event){
        .op = ASH_TRACE_REALLOC, .tick = 520, .ticks = 300, .addr = 64, .old = 64, .size = 9};
    assert_true(ash_trace_put(&writer, &event)); /* it began before what was written last */
    assert_int_equal(writer.tick, 520);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back_as_they_were),
        cmocka_unit_test(an_open_window_gives_a_prefix_at_every_cut),
        cmocka_unit_test(a_window_cut_at_any_store_is_a_prefix),
        cmocka_unit_test(each_changed_byte_of_a_closed_window_is_seen),
        cmocka_unit_test(any_bytes_in_an_open_window_end),
        cmocka_unit_test(a_header_comes_back_and_each_changed_byte_is_seen),
        cmocka_unit_test(frames_are_found_behind_rubbish),
        cmocka_unit_test(a_clock_that_runs_backwards_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
