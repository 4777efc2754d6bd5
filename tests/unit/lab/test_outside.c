/* test_outside.c: a foreign malloc in a program of its own: this one, called again. */
#include "traces.h"
#include "lab/figures.h"
#include "lab/outside.h"
#include <dlfcn.h>

static struct ash_lab_contender contender = {.kind = ASH_LAB_FOREIGN, .label = "own"};
static struct ash_lab_result result;

static size_t replay(const char *path, uint64_t n_threads)
{
    Dl_info where; /* any library will do: malloc stays the C library's */
    assert_true(dladdr((void *)(uintptr_t)&_cmocka_run_group_tests, &where) != 0);
    assert_non_null(realpath(where.dli_fname, contender.path));
    const struct ash_lab_plan plan = {
        .path = path,
        .contenders = &contender,
        .n_contenders = 1,
        .order = {.n_entries = 8, .n_slots = 4, .n_threads = n_threads, .every = 1},
        .watch = {.n_jobs = 1, .hang_ms = 5000, .n_foreign_runs = 3, .runner = "/proc/self/exe"},
    };
    result = (struct ash_lab_result){0};
    return ash_lab_replay(&plan, &result);
}

static void blocks_are_accounted_from_outside(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its library must be the first one that is loaded */
#endif
    assert_int_equal(replay(trace_text("4\n8\na 0 100000\na 1 50000\nf 0\na 2 40\nr 1 200000\n"
                                       "r 2 20\nf 1\nf 2\n"),
                            1),
                     1);
    assert_int_equal(result.n_runs, 3);
    assert_int_equal(result.end.n_entries, 8);
    struct ash_lab_figures figures;
    ash_lab_figures(&result, &figures);
    assert_true(figures.is_foreign);
    assert_int_equal(figures.live_peak, 200040);
    assert_true(figures.peak >= 200040 && figures.peak < 1 << 20);
    for (size_t i = 0; i < result.n_samples; i++) { /* LA2 */
        const struct ash_lab_sample *s = &result.samples[i];
        assert_int_equal(s->resident, s->asked + s->rounding + s->holes + s->kept);
        assert_int_equal(s->asked + s->untouched, s->live);
    }
    ash_lab_result_end(&result);
}

static void a_library_that_is_none_is_told(void **state)
{
    (void)state;
    const char *path = trace_text("9\n1\na 0 1\n");
    const struct ash_lab_plan plan = {
        .path = path,
        .contenders = &contender,
        .n_contenders = 1,
        .order = {.n_entries = 1, .n_slots = 1, .n_threads = 1, .every = 1},
        .watch = {.n_jobs = 1, .hang_ms = 5000, .n_foreign_runs = 1, .runner = "/no/such/runner"},
    };
    result = (struct ash_lab_result){0};
    assert_int_equal(ash_lab_replay(&plan, &result), 0);
    assert_int_equal(result.fault.kind, ASH_LAB_FAULT_CANNOT);
    assert_string_equal(result.fault.words, "/no/such/runner: No such file or directory");
    ash_lab_result_end(&result);
}

int main(int argc, char **argv)
{
    static const char flag[] = "--contender=";
    if (argc == 3 && strncmp(argv[2], flag, strlen(flag)) == 0)
        return ash_lab_outside_main(argv[2] + strlen(flag));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_accounted_from_outside),
        cmocka_unit_test(a_library_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
