/* test_inspect.c: a walk finds exactly the live blocks; a sound heap verifies. */
#include "ashlar/inspect.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct tally {
    size_t live, bytes, stop_after;
    void *wanted;
    bool seen;
};

static bool count(void *arg, void *block, size_t bytes, enum ashlar_block_state state)
{
    struct tally *tally = arg;
    assert_int_not_equal(state, ASHLAR_BLOCK_UNKNOWN);
    if (state != ASHLAR_BLOCK_LIVE)
        return true;
    tally->live++;
    tally->bytes += bytes;
    tally->seen |= block == tally->wanted;
    return tally->live != tally->stop_after;
}

static void a_named_heap_is_walked_exactly(void **state)
{
    (void)state;
    struct ashlar_heap *heap = ashlar_heap_new();
    void *kept[100];
    for (int i = 0; i < 100; i++)
        kept[i] = ashlar_heap_alloc(heap, 100);
    void *large = ashlar_heap_alloc(heap, 200000);
    for (int i = 0; i < 100; i += 2)
        ashlar_heap_free(heap, kept[i]);
    struct tally tally = {.wanted = large};
    assert_true(ashlar_heap_walk(heap, count, &tally));
    assert_int_equal(tally.live, 51);
    assert_true(tally.seen);
    struct tally two = {.stop_after = 2};
    assert_false(ashlar_heap_walk(heap, count, &two));
    assert_int_equal(two.live, 2);
    ashlar_heap_destroy(heap);
}

static void a_walk_of_everything_finds_a_block_until_it_is_freed(void **state)
{
    (void)state;
    void *p = ashlar_malloc(5000);
    struct tally with = {.wanted = p};
    ashlar_heap_walk(NULL, count, &with);
    assert_true(with.seen);
    ashlar_free(p);
    struct tally without = {.wanted = p};
    ashlar_heap_walk(NULL, count, &without);
    assert_false(without.seen);
    assert_int_equal(without.live, with.live - 1);
}

static void a_sound_heap_has_no_fault(void **state)
{
    (void)state;
    void *p = ashlar_malloc(24);
    assert_int_equal(ashlar_verify(NULL, NULL), 0);
    ashlar_free(p);
    assert_int_equal(ashlar_verify(NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_heap_is_walked_exactly),
        cmocka_unit_test(a_walk_of_everything_finds_a_block_until_it_is_freed),
        cmocka_unit_test(a_sound_heap_has_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
