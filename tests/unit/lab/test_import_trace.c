/* test_import_trace.c: what `ashlar record` wrote: threads, time, stacks; cut and damaged files. */
#include "made_trace.h"
#include "traces.h"

static struct made_trace made;

/* A birth here, a resize there, a refused call, a death after its thread's end. */
static void make(void)
{
    made_start(&made);
    const struct ash_trace_event events[] = {
        {.op = ASH_TRACE_EXTENDED, .more = ASH_TRACE_THREAD_BEGIN, .tick = 1, .size = 77},
        {.op = ASH_TRACE_MALLOC, .tick = 2, .size = 100, .addr = 0x1000, .stack = 5},
        {.op = ASH_TRACE_EXTENDED, .more = ASH_TRACE_FAILED, .tick = 3, .size = 9},
        {.op = ASH_TRACE_ALIGNED, .tick = 4, .size = 10, .addr = 0x2000, .align_log2 = 6},
    };
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        made_put(&made, 0, &events[i]);
    const struct ash_trace_event others[] = {
        {.op = ASH_TRACE_EXTENDED, .more = ASH_TRACE_THREAD_BEGIN, .tick = 10},
        {.op = ASH_TRACE_REALLOC, .tick = 12, .size = 200, .old = 0x1000, .addr = 0x3000},
        {.op = ASH_TRACE_FREE, .tick = 14, .addr = 0x2000},
        {.op = ASH_TRACE_EXTENDED, .more = ASH_TRACE_THREAD_END, .tick = 16},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        made_put(&made, 1, &others[i]);
    made_close(&made, 0);
    made_close(&made, 1);
}

static void events_become_entries(void **state)
{
    (void)state;
    make();
    const char *path = trace_file(made.bytes, made.n);
    assert_string_equal(trace_story(path), " +0=0 m0=100 a1=10 +0=0 r0=200 f1 -0=0");
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load = ash_lab_load_open(path, error);
    struct ash_lab_entry entry;
    const struct ash_lab_source *source = ash_lab_load_source(load);
    assert_true(source->has_clock && source->has_threads && source->has_sites);
    uint32_t threads[7];
    uint64_t last_ns = 0;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(ash_lab_load_next(load, &entry), 1);
        threads[i] = entry.thread;
        assert_true(entry.ns >= last_ns);
        last_ns = entry.ns;
        if (i == 1)
            assert_int_equal(entry.stack, 5);
        if (i == 2)
            assert_int_equal(entry.align, 64);
    }
    const uint32_t expected[] = {0, 0, 0, 1, 1, 1, 1};
    assert_memory_equal(threads, expected, sizeof(expected));
    ash_lab_load_close(load);
    free(made.bytes);
}

static void cut_and_changed_files_are_survived(void **state)
{
    (void)state;
    make();
    uint8_t *copy = malloc(made.n);
    for (size_t i = 0; i < made.n; i += i < 700 ? 1 : 61) {
        char path[64];
        memcpy(copy, made.bytes, made.n);
        copy[i] ^= 0x41;
        snprintf(path, sizeof(path), "%s", trace_file(copy, made.n));
        trace_story(path);
        close(atoi(strrchr(path, '/') + 1));
        snprintf(path, sizeof(path), "%s", trace_file(made.bytes, i));
        trace_story(path);
        close(atoi(strrchr(path, '/') + 1));
    }
    assert_string_equal(trace_story(trace_file(made.bytes, 20)),
                        "!shorter than the header of a trace");
    free(copy);
    free(made.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_become_entries),
        cmocka_unit_test(cut_and_changed_files_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
