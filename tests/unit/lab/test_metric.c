/* test_metric.c: the accounting: the worked example, and runs that are wrong. */
#include "child.h"
#include "lab/metric.h"
#include <string.h>
#include <sys/mman.h>

static struct ash_lab_memory *memory;
static struct ash_lab_blocks blocks;
static struct ash_lab_metric *metric;
static void *self;
static struct ash_lab_strategy strategy; /* first fit, with one call replaced */

static void set_up(bool is_self_aside)
{
    static const struct ash_lab_param params[] = {{NULL, NULL}};
    const struct ash_lab_memory_options options = {.params = params};
    strategy = ash_lab_first_fit;
    memory = ash_lab_memory_new(&options);
    self = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(ash_lab_blocks_init(&blocks, 8));
    const struct ash_lab_metric_subject subject = {&strategy, self, is_self_aside, memory, &blocks};
    metric = ash_lab_metric_new(&subject);
    assert_true(strategy.open(self, memory));
}

static void tear_down(void)
{
    ash_lab_metric_free(metric);
    ash_lab_blocks_end(&blocks);
    ash_lab_memory_end(memory);
    munmap(self, 1 << 20);
}

static void birth(size_t slot, size_t size)
{
    char why[ASH_LAB_WHY_MAX];
    struct ash_lab_block *block = &blocks.slots[slot];
    uint8_t *at = strategy.alloc(self, size, 16);
    *block = (struct ash_lab_block){
        .at = at, .number = slot + 1, .size = size, .usable = strategy.usable(self, at)};
    assert_true(ash_lab_blocks_enter(&blocks, slot, why));
    ash_lab_blocks_mark(&blocks, slot);
}

static void death(size_t slot)
{
    ash_lab_blocks_leave(&blocks, slot);
    strategy.free(self, blocks.slots[slot].at);
    blocks.slots[slot] = (struct ash_lab_block){0};
}

static struct ash_lab_sample taken(void)
{
    struct ash_lab_sample sample = {0};
    char why[ASH_LAB_WHY_MAX] = "";
    ash_lab_metric_take(metric, &sample, why);
    assert_string_equal(why, "");
    return sample;
}

static void the_worked_example(void **state)
{
    (void)state;
    set_up(true);
    birth(0, 100);
    birth(1, 5000);
    birth(2, 40);
    death(1);
    struct ash_lab_sample sample = taken();
    assert_int_equal(sample.resident, 8192);
    assert_int_equal(sample.asked, 140);
    assert_int_equal(sample.rounding, 4);
    assert_int_equal(sample.headers, 16);
    assert_int_equal(sample.holes, 8024);
    assert_int_equal(sample.kept, 0);
    assert_int_equal(sample.meta, 8);
    assert_int_equal(sample.live, 140);
    assert_int_equal(sample.oracle, 112 + 48);
    death(0);
    death(2);
    sample = taken();
    assert_int_equal(sample.resident, 8192);
    assert_int_equal(sample.asked + sample.rounding + sample.headers + sample.holes, 0);
    assert_int_equal(sample.kept, 8184);
    assert_int_equal(sample.meta, 8);
    tear_down();
}

static void what_is_not_resident_is_untouched(void **state)
{
    (void)state;
    set_up(true);
    birth(0, 10 * 4096);
    struct ash_lab_sample sample = taken();
    assert_int_equal(sample.untouched, 0);
    uintptr_t page = ((uintptr_t)blocks.slots[0].at + 2 * 4096) & ~(uintptr_t)4095;
    assert_true(ash_lab_purge(memory, (void *)page, 3 * 4096));
    struct ash_lab_sample less = taken();
    assert_int_equal(less.untouched, 3 * 4096);
    assert_int_equal(less.asked, sample.asked - 3 * 4096);
    assert_int_equal(less.resident, sample.resident - 3 * 4096);
    assert_int_equal(ash_lab_metric_resident(metric, page - 4096, 5 * 4096), 2 * 4096);
    tear_down();
}

static void the_state_is_metadata(void **state)
{
    (void)state;
    set_up(false);
    birth(0, 100);
    struct ash_lab_sample sample = taken();
    size_t size = (strategy.state_size + 4095) & ~(size_t)4095;
    assert_true(sample.meta >= 4096 && sample.meta <= size + 8);
    assert_true(sample.mapped >= size);
    tear_down();
}

static void pages_are_counted_by_occupancy(void **state)
{
    (void)state;
    set_up(true);
    birth(0, 4096 - 40);
    birth(1, 2000);
    birth(2, 4096 + 4000);
    struct ash_lab_sample sample = taken();
    uint64_t n = 0;
    for (unsigned i = 0; i < ASH_LAB_OCCUPANCIES; i++)
        n += sample.n_pages[i];
    assert_int_equal(n * 4096, sample.resident);
    assert_true(sample.n_pages[10] >= 2);
    assert_int_equal(ash_lab_metric_page_live(metric, (uintptr_t)blocks.slots[0].at) / 100, 40);
    tear_down();
}

/* --- runs that are wrong --- */

static enum { LEAVES_OUT, TWICE, OUTSIDE, SHORT_BLOCK, UNKNOWN_KIND } flaw;

struct twist {
    ash_lab_visit *visit;
    void *arg;
    unsigned n;
};

static bool twist_run(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct twist *twist = arg;
    unsigned i = twist->n++;
    if (flaw == LEAVES_OUT && i == 1)
        return true;
    if (flaw == TWICE && i == 1 && !twist->visit(twist->arg, start, size, kind))
        return false;
    if (flaw == OUTSIDE && i == 2)
        return twist->visit(twist->arg, 4096, size, kind);
    if (flaw == UNKNOWN_KIND && i == 2)
        kind = 99;
    if (flaw == SHORT_BLOCK && kind == ASH_LAB_BLOCK)
        return twist->visit(twist->arg, start, size - 16, kind) &&
               twist->visit(twist->arg, start + size - 16, 16, ASH_LAB_FREE);
    return twist->visit(twist->arg, start, size, kind);
}

static void twisted(void *at, ash_lab_visit *visit, void *arg)
{
    struct twist twist = {visit, arg, 0};
    ash_lab_first_fit.each(at, twist_run, &twist);
}

static void wrong_runs_are_told(void **state)
{
    (void)state;
    static const char *const words[] = {"leaves out: ", "names twice: ", "names what is not mapped",
                                        "shows 1 live blocks with ", "a kind that there is not"};
    set_up(true);
    birth(0, 100);
    strategy.each = twisted;
    for (flaw = LEAVES_OUT; flaw <= UNKNOWN_KIND; flaw++) {
        struct ash_lab_sample sample = {0};
        char why[ASH_LAB_WHY_MAX] = "";
        assert_false(ash_lab_metric_take(metric, &sample, why));
        assert_non_null(strstr(why, words[flaw]));
        assert_non_null(strstr(why, "LC7"));
    }
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example),
        cmocka_unit_test(what_is_not_resident_is_untouched),
        cmocka_unit_test(the_state_is_metadata),
        cmocka_unit_test(pages_are_counted_by_occupancy),
        cmocka_unit_test(wrong_runs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
