/* test_pack.c: a packed trace tells the same, in fewer bytes, also when it is damaged. */
#include "lab/pack.h"
#include "base/rng.h"
#include "lab/summary.h"
#include "made_trace.h"

/* Some threads, a pool of addresses, all kinds of events. */
static void make(struct made_trace *made, unsigned n)
{
    uint64_t rng = 11, tick = 0, live[300] = {0};
    made_start(made);
    static const uint64_t frames[] = {0x5000, 0x6000};
    for (unsigned i = 0; i < n; i++) {
        unsigned thread = (unsigned)(ash_rng_next(&rng) % 5),
                 k = (unsigned)(ash_rng_next(&rng) % 300);
        uint64_t size = 1 + ash_rng_next(&rng) % 2000, addr = 16 * (k + 1);
        tick += 1 + ash_rng_next(&rng) % 9;
        struct ash_trace_event event = {.tick = tick, .size = size, .addr = addr};
        if (i == 50)
            event = (struct ash_trace_event){.op = ASH_TRACE_EXTENDED,
                                             .more = ASH_TRACE_STACK,
                                             .tick = tick,
                                             .stack = 7,
                                             .size = 2,
                                             .frames = frames};
        else if (!live[k])
            event.op = (uint8_t[]){ASH_TRACE_MALLOC, ASH_TRACE_CALLOC, ASH_TRACE_ALIGNED}[i % 3];
        else if (i % 5 == 0)
            event.op = ASH_TRACE_REALLOC;
        else
            event.op = i % 2 ? ASH_TRACE_FREE : ASH_TRACE_FREE_SIZED;
        event.old = event.op == ASH_TRACE_REALLOC ? addr : 0;
        event.stack = event.stack ? event.stack : i > 50 && i % 4 == 0 ? 7 : 0;
        if (event.op != ASH_TRACE_EXTENDED)
            live[k] = event.op != ASH_TRACE_FREE && event.op != ASH_TRACE_FREE_SIZED;
        made_put(made, thread, &event);
    }
    made_death(made, 0, tick + 1, 1 << 20); /* of a block nobody knows */
}

static void pack(struct made_trace *from, struct made_trace *to)
{
    struct ash_order *order = made_open(from);
    const char *why;
    char *bytes;
    size_t n;
    memset(to, 0, sizeof *to);
    FILE *out = open_memstream(&bytes, &n);
    assert_true(ash_pack_write(order, out, &why));
    fclose(out);
    to->bytes = (uint8_t *)bytes;
    to->n = n;
    ash_order_close(order);
}

static struct ash_summary sum(struct made_trace *made, struct ash_order_count *ret_count)
{
    struct ash_order *order = made_open(made);
    struct ash_summary summary;
    assert_non_null(order);
    assert_true(ash_summary_make(order, &summary));
    *ret_count = *ash_order_count(order);
    ash_order_close(order);
    return summary;
}

static void it_tells_the_same(void **state)
{
    (void)state;
    struct made_trace made, packed, again;
    make(&made, 200000);
    struct ash_order_count count, count_packed;
    struct ash_summary before = sum(&made, &count);
    pack(&made, &packed);
    assert_true(packed.n < made.n);
    struct ash_summary after = sum(&packed, &count_packed);
    assert_int_equal(count_packed.n_stored, count.n_stored);
    assert_int_equal(count_packed.n_events, count.n_events);
    assert_int_equal(count_packed.n_threads, count.n_threads);
    assert_int_equal(count_packed.n_bad, 0);
    assert_int_equal(after.n_unknown, 1);
    assert_int_equal(after.sites[0].n_frames, before.sites[0].n_frames);
    free(before.sites[0].frames);
    free(after.sites[0].frames);
    for (size_t i = 1; i < before.n_sites; i++) {
        free(before.sites[i].frames);
        free(after.sites[i].frames);
    }
    free(before.sites);
    free(after.sites);
    before.sites = after.sites = NULL;
    assert_memory_equal(&before, &after, sizeof before);
    pack(&packed, &again);
    assert_int_equal(again.n, packed.n);
    assert_memory_equal(again.bytes, packed.bytes, packed.n);
    free(made.bytes);
    free(packed.bytes);
    free(again.bytes);
}

static void every_cut_and_every_changed_byte_has_an_answer(void **state)
{
    (void)state;
    struct made_trace made, packed;
    make(&made, 3000);
    pack(&made, &packed);
    size_t whole = packed.n;
    for (packed.n = ASH_TRACE_HEADER_BYTES; packed.n < whole; packed.n++) {
        struct ash_order_count count;
        struct ash_summary summary = sum(&packed, &count);
        assert_false(count.is_ended);
        ash_summary_free(&summary);
    }
    for (size_t i = ASH_TRACE_HEADER_BYTES; i < whole; i++) {
        packed.bytes[i] ^= 0x55;
        struct ash_order_count count;
        struct ash_summary summary = sum(&packed, &count);
        assert_true(count.n_bad >= 1);
        ash_summary_free(&summary);
        packed.bytes[i] ^= 0x55;
    }
    free(made.bytes);
    free(packed.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_the_same),
        cmocka_unit_test(every_cut_and_every_changed_byte_has_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
