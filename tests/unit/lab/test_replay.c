/* test_replay.c: contenders in processes of their own, and strategies broken on purpose: each
 * fault is told with its entry, and the others go on.
 */
#include "traces.h"
#include "lab/figures.h"
#include "lab/replay.h"
#include <signal.h>

enum { N = 12 };
static struct ash_lab_contender contenders[N];
static struct ash_lab_result results[N];

/* Twenty blocks, most of which die; entry 15 is the first death. */
static const char *story(void)
{
    static char text[1024];
    char *at = text + sprintf(text, "99\n15\n28\n1\n");
    for (int i = 0; i < 14; i++)
        at += sprintf(at, "a %d %d\n", i, 40 + 300 * (13 - i));
    for (int i = 0; i < 12; i++)
        at += sprintf(at, "f %d\n", i);
    sprintf(at, "r 12 9000\na 14 1\n");
    return trace_text(text);
}

static size_t replay(const struct ash_lab_strategy *const *strategies, size_t n)
{
    memset(results, 0, sizeof(results));
    memset(contenders, 0, sizeof(contenders));
    for (size_t i = 0; i < n; i++) {
        contenders[i].strategy = strategies[i];
        snprintf(contenders[i].label, sizeof(contenders[i].label), "%s", strategies[i]->name);
    }
    const struct ash_lab_plan plan = {
        .path = story(),
        .contenders = contenders,
        .n_contenders = n,
        .order = {.n_entries = 28,
                  .n_slots = 15,
                  .n_threads = 1,
                  .every = 1,
                  .verify = true,
                  .wants_lives = true,
                  .wants_steps = true,
                  .wants_picture = true},
        .watch = {.n_jobs = 2, .hang_ms = 300, .n_foreign_runs = 1},
    };
    return ash_lab_replay(&plan, results);
}

static void end(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ash_lab_result_end(&results[i]);
}

static void good_strategies_come_to_the_end(void **state)
{
    (void)state;
    const struct ash_lab_strategy *const all[] = {&ash_lab_first_fit, &ash_lab_best_fit,
                                                  &ash_lab_buddy, &ash_lab_tlsf};
    assert_int_equal(replay(all, 4), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct ash_lab_result *result = &results[i];
        assert_int_equal(result->fault.kind, ASH_LAB_FAULT_NONE);
        assert_int_equal(result->end.n_entries, 28);
        assert_true(result->n_samples >= 28);
        assert_int_equal(result->end.n_resized + result->end.n_copied, 1);
        assert_int_equal(result->n_rects, 16); /* births, and the life before the realloc */
        assert_int_equal(result->n_steps, 28);
        assert_true(result->picture->n_columns >= 28);
        struct ash_lab_figures figures;
        ash_lab_figures(result, &figures);
        assert_int_equal(figures.live_peak, 14 * 40 + 300 * 91);
        assert_false(figures.is_out);
    }
    end(4);
}

static void the_same_replay_gives_the_same_samples(void **state)
{
    (void)state;
    const struct ash_lab_strategy *const all[] = {&ash_lab_tlsf, &ash_lab_tlsf};
    assert_int_equal(replay(all, 2), 2);
    assert_int_equal(results[0].n_samples, results[1].n_samples);
    assert_memory_equal(results[0].samples, results[1].samples,
                        results[0].n_samples * sizeof(struct ash_lab_sample));
    assert_memory_equal(results[0].rects, results[1].rects,
                        results[0].n_rects * sizeof(struct ash_lab_rect));
    end(2);
}

/* --- broken on purpose: first fit with one call that goes wrong at its tenth time --- */

static unsigned n_calls;
static void *kept;

static bool is_tenth(void)
{
    return ++n_calls == 10;
}

static void *alloc_overlapping(void *self, size_t size, size_t align)
{
    void *at = ash_lab_first_fit.alloc(self, size, align);
    if (n_calls == 8)
        kept = at;
    return is_tenth() ? kept : at;
}

static void *alloc_misaligned(void *self, size_t size, size_t align)
{
    char *at = ash_lab_first_fit.alloc(self, size, align);
    return is_tenth() ? at + 8 : at;
}

static void *alloc_overwriting(void *self, size_t size, size_t align)
{
    void *at = ash_lab_first_fit.alloc(self, size, align);
    if (n_calls == 2)
        kept = at;
    if (is_tenth())
        memset(kept, 0xa5, 8);
    return at;
}

static void *alloc_crashing(void *self, size_t size, size_t align)
{
    if (is_tenth())
        raise(SIGSEGV);
    return ash_lab_first_fit.alloc(self, size, align);
}

static void *alloc_hanging(void *self, size_t size, size_t align)
{
    volatile bool goes_on = is_tenth();
    while (goes_on)
        continue;
    return ash_lab_first_fit.alloc(self, size, align);
}

static void *alloc_exiting(void *self, size_t size, size_t align)
{
    if (is_tenth())
        _exit(3);
    return ash_lab_first_fit.alloc(self, size, align);
}

static void *alloc_refusing(void *self, size_t size, size_t align)
{
    return is_tenth() ? NULL : ash_lab_first_fit.alloc(self, size, align);
}

static size_t usable_small(void *self, void *block)
{
    return is_tenth() ? 1 : ash_lab_first_fit.usable(self, block);
}

static void each_empty(void *self, ash_lab_visit *visit, void *arg)
{
    if (!is_tenth())
        ash_lab_first_fit.each(self, visit, arg);
}

static bool check_false(void *self)
{
    (void)self;
    return !is_tenth();
}

static bool open_false(void *self, struct ash_lab_memory *memory)
{
    (void)self, (void)memory;
    return false;
}

static void faults_are_told_and_the_others_go_on(void **state)
{
    (void)state;
    static struct ash_lab_strategy broken[11];
    static const struct {
        const char *name, *words;
        unsigned kind, entry;
    } expected[] = {
        {"overlap", "overlaps block 9 (1540 bytes at", ASH_LAB_FAULT_BROKEN, 10},
        {"misaligned", "block 10 (1240 bytes) is at", ASH_LAB_FAULT_BROKEN, 10},
        {"overwrite", "lost its content at byte 0: there is 0xa5a5a5a5a5a5a5a5",
         ASH_LAB_FAULT_BROKEN, 17},
        {"crash", "crashed (SIGSEGV) in malloc, 1240 bytes", ASH_LAB_FAULT_CRASHED, 10},
        {"hang", "hangs: no end of malloc after 300 ms", ASH_LAB_FAULT_HANGS, 10},
        {"exit", "its process ended by itself (status 3)", ASH_LAB_FAULT_CRASHED, 10},
        {"usable", "block 10 has 1 usable bytes of 1240 asked for", ASH_LAB_FAULT_BROKEN, 10},
        {"each", "each (LC7) leaves out: ", ASH_LAB_FAULT_BROKEN, 5},
        {"check", "an invariant is broken (LC8)", ASH_LAB_FAULT_BROKEN, 10},
        {"open", "it cannot run here", ASH_LAB_FAULT_CANNOT, 0},
        {"good", "", ASH_LAB_FAULT_NONE, 0},
    };
    const struct ash_lab_strategy *all[11];
    for (size_t i = 0; i < 11; i++) {
        broken[i] = ash_lab_first_fit;
        broken[i].name = expected[i].name;
        all[i] = &broken[i];
    }
    broken[0].alloc = alloc_overlapping;
    broken[1].alloc = alloc_misaligned;
    broken[2].alloc = alloc_overwriting;
    broken[3].alloc = alloc_crashing;
    broken[4].alloc = alloc_hanging;
    broken[5].alloc = alloc_exiting;
    broken[6].usable = usable_small;
    broken[7].each = each_empty;
    broken[8].check = check_false;
    broken[9].open = open_false;
    assert_int_equal(replay(all, 11), 1);
    for (size_t i = 0; i < 11; i++) {
        const struct ash_lab_fault *fault = &results[i].fault;
        if (!strstr(fault->words, expected[i].words))
            fail_msg("%s: %s", expected[i].name, fault->words);
        assert_int_equal(fault->kind, expected[i].kind);
        assert_int_equal(fault->entry, expected[i].entry);
    }
    assert_true(results[3].n_samples >= 9); /* what there was before the crash */
    end(11);
}

static void a_refusal_is_counted_and_the_rest_is_replayed(void **state)
{
    (void)state;
    struct ash_lab_strategy refusing = ash_lab_first_fit;
    refusing.alloc = alloc_refusing;
    const struct ash_lab_strategy *const one[] = {&refusing};
    assert_int_equal(replay(one, 1), 1);
    assert_int_equal(results[0].end.n_refused, 1);
    struct ash_lab_figures figures;
    ash_lab_figures(&results[0], &figures);
    assert_true(figures.is_out);
    end(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_strategies_come_to_the_end),
        cmocka_unit_test(the_same_replay_gives_the_same_samples),
        cmocka_unit_test(faults_are_told_and_the_others_go_on),
        cmocka_unit_test(a_refusal_is_counted_and_the_rest_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
