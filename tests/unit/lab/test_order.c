/* test_order.c: threads' windows become one stream in which no address is born while it lives. */
#include "lab/order.h"
#include "base/rng.h"
#include "made_trace.h"

static void events_come_by_time(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    for (uint64_t i = 0; i < 30000; i++)
        made_birth(&made, (unsigned)(i * 7 / 3 % 5), i / 2, 64 * (i + 1), i);
    struct ash_order *order = made_open(&made);
    assert_non_null(order);
    assert_int_equal(ash_order_count(order)->n_stored, 30000);
    struct ash_trace_event event;
    uint32_t thread;
    uint64_t tick = 0, n = 0;
    while (ash_order_next(order, &event, &thread) == 1) {
        assert_true(event.tick >= tick);
        tick = event.tick;
        n++;
    }
    assert_int_equal(n, 30000);
    assert_int_equal(ash_order_count(order)->n_threads, 5);
    assert_int_equal(ash_order_ns(order, 1000), 1000);
    ash_order_close(order);
    free(made.bytes);
}

/* A program of several threads that take addresses from one pool: what really happened, in order,
 * with stamps as the recorder makes them, coarse ticks included. */
static void no_address_is_born_while_it_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct made_trace made;
        made_start(&made);
        uint64_t rng = seed, now = 0, live[64] = {0};
        unsigned n_events = 0;
        for (unsigned i = 0; i < 20000; i++) {
            unsigned thread = (unsigned)(ash_rng_next(&rng) % 6), k = (unsigned)(i * 31 % 64);
            now += ash_rng_next(&rng) % 40; /* steps; a tick has 128 */
            if (live[k])
                made_death(&made, thread, now / 128, 16 * (k + 1));
            else
                made_birth(&made, thread, now / 128, 16 * (k + 1), 10);
            live[k] = !live[k];
            n_events++;
        }
        struct ash_order *order = made_open(&made);
        struct ash_trace_event event;
        uint32_t thread;
        bool alive[66] = {false};
        unsigned n = 0;
        while (ash_order_next(order, &event, &thread) == 1) {
            bool is_birth = event.op == ASH_TRACE_MALLOC;
            assert_int_equal(alive[event.addr / 16], !is_birth);
            alive[event.addr / 16] = is_birth;
            n++;
        }
        assert_int_equal(n, n_events);
        assert_int_equal(ash_order_count(order)->n_missed, 0);
        ash_order_close(order);
        free(made.bytes);
    }
}

static void a_death_that_is_missing_is_counted(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    made_birth(&made, 0, 5, 160, 1);
    made_birth(&made, 1, 6, 160, 2);
    made_birth(&made, 2, 900, 320, 3);
    struct ash_order *order = made_open(&made);
    struct ash_trace_event event;
    uint32_t thread;
    unsigned n = 0;
    while (ash_order_next(order, &event, &thread) == 1)
        n++;
    assert_int_equal(n, 3);
    assert_int_equal(ash_order_count(order)->n_missed, 1);
    ash_order_close(order);
    free(made.bytes);
}

static void a_realloc_in_another_thread_makes_room(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    made_birth(&made, 0, 5, 160, 1);
    struct ash_trace_event moved = {
        .op = ASH_TRACE_REALLOC, .tick = 500, .ticks = 400, .size = 9, .old = 160, .addr = 4096};
    made_put(&made, 0, &moved);
    made_birth(&made, 1, 200, 160, 7); /* while the realloc is still copying */
    struct ash_order *order = made_open(&made);
    struct ash_trace_event event;
    uint32_t thread;
    uint8_t ops[3];
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ash_order_next(order, &event, &thread), 1);
        ops[i] = event.op;
    }
    assert_int_equal(ops[1], ASH_TRACE_REALLOC);
    assert_int_equal(ops[2], ASH_TRACE_MALLOC);
    assert_int_equal(ash_order_count(order)->n_reordered, 1);
    assert_int_equal(ash_order_count(order)->n_missed, 0);
    ash_order_close(order);
    free(made.bytes);
}

static unsigned read_all(struct made_trace *made, uint32_t *ret_bad)
{
    enum ash_trace_fault fault;
    struct ash_order *order = ash_order_open(made_read, made, made->n, &fault);
    struct ash_trace_event event;
    uint32_t thread;
    unsigned n = 0;
    *ret_bad = 1;
    if (!order)
        return 0;
    int got;
    while ((got = ash_order_next(order, &event, &thread)) == 1)
        n++;
    assert_int_equal(got, 0);
    *ret_bad = ash_order_count(order)->n_bad;
    ash_order_close(order);
    return n;
}

static void every_cut_and_every_changed_byte_has_an_answer(void **state)
{
    (void)state;
    struct made_trace made;
    made_start(&made);
    for (uint64_t i = 0; i < 1500; i++)
        made_birth(&made, (unsigned)(i % 3), i, 64 * (i + 1), i % 300);
    ash_order_close(made_open(&made));
    size_t whole = made.n;
    uint32_t bad;
    unsigned before = 0;
    for (made.n = 0; made.n <= whole; made.n++) {
        unsigned n = read_all(&made, &bad);
        assert_true(n + 800 >= before); /* a closed window that is cut is not believed */
        before = n;
    }
    assert_int_equal(before, 1500);
    made.n = whole;
    for (size_t i = 0; i < whole; i++) {
        made.bytes[i] ^= 255;
        unsigned n = read_all(&made, &bad);
        assert_true(n <= 1500);
        assert_true(n == 1500 || bad > 0 || made.bytes[i] == 255);
        made.bytes[i] ^= 255;
    }
    free(made.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_by_time),
        cmocka_unit_test(no_address_is_born_while_it_lives),
        cmocka_unit_test(a_death_that_is_missing_is_counted),
        cmocka_unit_test(a_realloc_in_another_thread_makes_room),
        cmocka_unit_test(every_cut_and_every_changed_byte_has_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
