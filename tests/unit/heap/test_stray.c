/* test_stray.c: blocks of other heaps are used again where they were freed, or go home (R8,
 * R10). */
#include "scene.h"

static unsigned strays_of(size_t bytes)
{
    return my_heap()->strays.n[ash_class_of(bytes)];
}

static unsigned in_mailbox(const void *p)
{
    return ash_xfree_count(page_of(p)->xfree);
}

/* Blocks of a thread that stays, for this thread to free. */
#define N 40u
static void *theirs[N];
static struct guest owner;

static void invite(unsigned n, size_t bytes)
{
    my_heap();
    owner = (struct guest){.at = theirs, .n = n, .bytes = bytes};
    guest_start(&owner);
}

static void part(void)
{
    guest_end(&owner);
    all_must_be_sound();
}

static void strays_wait_by_class(void **state)
{
    (void)state;
    invite(20, 64);
    put_many(theirs, 20);
    assert_int_equal(strays_of(64), 20);
    assert_int_equal(in_mailbox(theirs[0]), 0);
    part();
}

static void strays_go_home_when_they_are_many(void **state)
{
    (void)state;
    invite(ASH_STRAY_BLOCKS + 2, 64);
    put_many(theirs, ASH_STRAY_BLOCKS + 2);
    assert_int_equal(in_mailbox(theirs[0]), ASH_STRAY_BLOCKS);
    assert_int_equal(strays_of(64), 2);
    part();
}

static void strays_go_home_when_a_class_holds_16_kib(void **state)
{
    (void)state;
    invite(5, 4096);
    put_many(theirs, 5);
    assert_int_equal(in_mailbox(theirs[0]), 4);
    assert_int_equal(strays_of(4096), 1);
    part();
}

static void all_strays_go_home_when_they_hold_64_kib(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        unsigned n;
    } part[] = {{4096, 3}, {4608, 3}, {5120, 3}, {2048, 7}, {1536, 5}}; /* 63,488 bytes */
    void *blocks[ASH_COUNT_OF(part)][7], *last[2];
    my_heap();
    for (unsigned i = 0; i < ASH_COUNT_OF(part); i++)
        alloc_in_thread(blocks[i], part[i].n, part[i].bytes);
    alloc_in_thread(last, 2, 2560);
    for (unsigned i = 0; i < ASH_COUNT_OF(part); i++)
        put_many(blocks[i], part[i].n);
    for (unsigned i = 0; i < ASH_COUNT_OF(part); i++)
        assert_int_equal(strays_of(part[i].bytes), part[i].n);
    ash_fast_free(last[0]);
    for (unsigned i = 0; i < ASH_COUNT_OF(part); i++)
        assert_int_equal(strays_of(part[i].bytes), 0);
    ash_fast_free(last[1]);
    all_must_be_sound();
}

static void big_blocks_travel_alone(void **state)
{
    (void)state;
    invite(2, 9000);
    put_many(theirs, 1);
    assert_int_equal(in_mailbox(theirs[0]), 1);
    ash_fast_free(theirs[1]);
    part();
}

static bool is_one_of(const void *p, void *const *blocks, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (blocks[i] == p)
            return true;
    return false;
}

static void the_freer_uses_strays_before_new_memory(void **state)
{
    (void)state;
    invite(N, 64);
    put_many(theirs, 10);
    void *mine[10];
    get_many(mine, 10, 64);
    for (unsigned i = 0; i < 10; i++)
        assert_true(is_one_of(mine[i], theirs, 10));
    assert_int_equal(strays_of(64), 0);
    put_many(mine, 10); /* strays again: their owner is another */
    assert_int_equal(strays_of(64), 10);
    part();
}

/* They share cache lines with blocks that the owner gives to others. */
static void blocks_below_a_line_always_go_home(void **state)
{
    (void)state;
    invite(N, 48);
    put_many(theirs, 30);
    for (unsigned i = 0; i < 3000; i++)
        assert_false(is_one_of(get(48), theirs, N)); /* R8 */
    part();
}

static void a_reused_stray_is_not_taken_for_zero(void **state)
{
    (void)state;
    invite(10, 64);
    for (unsigned i = 0; i < 10; i++)
        memset(theirs[i], 0xA5, 64);
    put_many(theirs, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_true(all_bytes_are(ash_alloc_zeroed(1, 64), 0, 64)); /* H8 */
    part();
}

static void strays_in_a_bin_go_home_with_the_others(void **state)
{
    (void)state;
    invite(10, 64);
    put_many(theirs, 10);
    void *p = get(64);
    assert_non_null(ash_tls.bin[ash_class_of(64)]);
    ash_stray_send_own(&ash_tls);
    assert_null(ash_tls.bin[ash_class_of(64)]);
    assert_int_equal(in_mailbox(theirs[0]), 9);
    ash_fast_free(p);
    part();
}

static void counts_hold_while_strays_are_reused(void **state)
{
    (void)state;
    struct ash_count before, after;
    invite(20, 64);
    ash_count_all(&before);
    put_many(theirs, 20);
    void *mine[12];
    get_many(mine, 12, 64);
    ash_stray_send_own(&ash_tls);
    ash_count_all(&after);
    assert_int_equal(after.malloc_count, before.malloc_count + 12);
    assert_int_equal(after.live_blocks, before.live_blocks - 8);
    put_many(mine, 12);
    part();
}

static void the_end_of_a_thread_sends_its_strays(void **state)
{
    (void)state;
    void *blocks[20];
    get_many(blocks, 20, 64);
    free_in_thread(blocks, 20);
    assert_int_equal(in_mailbox(blocks[0]), 20);
    all_must_be_sound();
}

static void *free_and_note_heap(void *arg)
{
    const struct blocks *blocks = arg;
    put_many(blocks->at, blocks->n);
    return ash_tls.self == &ash_heap_none ? NULL : arg;
}

static void a_thread_earns_a_heap_by_freeing_much(void **state)
{
    (void)state;
    void *blocks[ASH_STRAY_CREDIT], *has_heap;
    get_many(blocks, ASH_STRAY_CREDIT, 64);
    struct blocks few = {blocks, ASH_STRAY_CREDIT - 1, 0}, more = {blocks, ASH_STRAY_CREDIT, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_and_note_heap, &few), 0);
    pthread_join(thread, &has_heap);
    assert_null(has_heap);
    assert_int_equal(in_mailbox(blocks[0]), ASH_STRAY_CREDIT - 1); /* each by itself */
    ash_remote_drain(my_heap());
    get_many(blocks, ASH_STRAY_CREDIT, 64);
    assert_int_equal(pthread_create(&thread, NULL, free_and_note_heap, &more), 0);
    pthread_join(thread, &has_heap);
    assert_non_null(has_heap);
    all_must_be_sound();
}

static int free_twice(void)
{
    invite(2, 64);
    ash_fast_free(theirs[0]);
    ash_fast_free(theirs[0]);
    return 0;
}

static void a_stray_freed_again_is_seen(void **state)
{
    (void)state;
    child_must_abort(free_twice, "E01 double free");
}

static int strays_of_a_thread_that_is_gone(void)
{
    ash_thread_check_fork();
    return owner.heap->strays.n[ash_class_of(64)] != 0 || ash_verify_all(say_fault, NULL) != 0;
}

static void a_child_forgets_the_strays_of_other_threads(void **state)
{
    (void)state;
    invite(1, 64);
    owner.heap->strays.n[ash_class_of(64)] = 3;
    child_must_pass(strays_of_a_thread_that_is_gone); /* F2 */
    owner.heap->strays.n[ash_class_of(64)] = 0;
    part();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strays_wait_by_class),
        cmocka_unit_test(strays_go_home_when_they_are_many),
        cmocka_unit_test(strays_go_home_when_a_class_holds_16_kib),
        cmocka_unit_test(all_strays_go_home_when_they_hold_64_kib),
        cmocka_unit_test(big_blocks_travel_alone),
        cmocka_unit_test(the_freer_uses_strays_before_new_memory),
        cmocka_unit_test(blocks_below_a_line_always_go_home),
        cmocka_unit_test(a_reused_stray_is_not_taken_for_zero),
        cmocka_unit_test(strays_in_a_bin_go_home_with_the_others),
        cmocka_unit_test(counts_hold_while_strays_are_reused),
        cmocka_unit_test(the_end_of_a_thread_sends_its_strays),
        cmocka_unit_test(a_thread_earns_a_heap_by_freeing_much),
        cmocka_unit_test(a_stray_freed_again_is_seen),
        cmocka_unit_test(a_child_forgets_the_strays_of_other_threads),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
