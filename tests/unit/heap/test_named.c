/* test_named.c: heaps of the program: each block by itself, all at once, and over a fork. */
#include "scene.h"

#define HUGE_BYTES (ASH_REGION_BYTES / 2 + 100)

static const size_t sizes[] = {0, 1, 100, 1024, 9000, 40000, 65536, 65537, 1 << 20};
#define N ASH_COUNT_OF(sizes)

static struct ash_heap *named(void)
{
    struct ash_heap *heap = ash_named_new();
    assert_non_null(heap);
    assert_int_equal(ash_heap_kind_of(heap), ASH_HEAP_NAMED);
    return heap;
}

static void alloc_all_sizes(struct ash_heap *heap, void **blocks)
{
    for (size_t i = 0; i < N; i++) {
        blocks[i] = ash_named_alloc(heap, 16, sizes[i]);
        assert_non_null(blocks[i]);
        assert_true(ash_usable_bytes(blocks[i]) >= sizes[i]);
        memset(blocks[i], (int)i, sizes[i]);
    }
}

static void blocks_of_all_sizes_come_from_the_heap(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    void *blocks[N];
    alloc_all_sizes(heap, blocks);
    for (size_t i = 0; i < N; i++) {
        struct ash_meta *head = page_of(blocks[i]);
        if (sizes[i] <= ASH_CLASS_MAX)
            assert_int_equal(head->owner, (uintptr_t)heap);
        else
            assert_ptr_equal((struct ash_heap *)head->next, heap);
        assert_true(all_bytes_are(blocks[i], (unsigned char)i, sizes[i]));
    }
    all_must_be_sound();
}

static void alignment_is_kept(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    for (size_t align = 1; align <= ASH_REGION_BYTES / 2; align *= 2) {
        void *p = ash_named_alloc(heap, align, 1000);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
    }
    ash_named_free_all(heap);
    assert_int_equal(ash_large_count + ash_huge_count, 0);
}

static void single_blocks_are_freed_by_any_thread(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    void *blocks[2][N];
    alloc_all_sizes(heap, blocks[0]);
    alloc_all_sizes(heap, blocks[1]);
    put_many(blocks[0], N);
    free_in_thread(blocks[1], N);
    assert_null(heap->objects);
    assert_int_equal(heap->inbox, 0); /* never batched */
    assert_int_equal(ash_large_count, 0);
    all_must_be_sound();
    struct ash_count count;
    ash_count_all(&count);
    assert_int_equal(count.live_blocks, 0);
}

static void objects_leave_the_list_wherever_they_are_in_it(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    void *objects[5];
    for (unsigned i = 0; i < 5; i++)
        objects[i] = ash_named_alloc(heap, 16, 100000);
    ash_fast_free(objects[2]); /* the middle, the last, the first */
    ash_fast_free(objects[0]);
    ash_fast_free(objects[4]);
    unsigned n = 0;
    for (struct ash_meta *head = heap->objects; head; head = head->owned_next)
        n++;
    assert_int_equal(n, 2);
    assert_int_equal(ash_large_count, 2);
    ash_named_free_all(heap);
    assert_null(heap->objects);
    assert_int_equal(ash_large_count, 0);
}

static void free_all_gives_everything_back_and_the_heap_goes_on(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    for (unsigned round = 0; round < 3; round++) {
        void *blocks[N];
        for (unsigned i = 0; i < 20; i++)
            alloc_all_sizes(heap, blocks);
        void *huge = ash_named_alloc(heap, 16, HUGE_BYTES);
        assert_non_null(huge);
        put_many(blocks, 3);
        ash_named_free_all(heap);
        assert_null(heap->pages);
        assert_null(heap->objects);
        assert_int_equal(heap->page_count, 0);
        assert_int_equal(ash_space_count.live, 0);
        assert_int_equal(ash_space_count.used_bytes, 0);
        assert_int_equal(ash_huge_count, 0);
        assert_int_equal(ash_page_find((uintptr_t)blocks[5]).place, ASH_PLACE_RELEASED);
    }
    ash_named_free_all(heap);
    all_must_be_sound();
}

static void other_heaps_do_not_notice(void **state)
{
    (void)state;
    struct ash_heap *a = named(), *b = named();
    assert_ptr_not_equal(a, b);
    void *of_a[N], *of_b[N], *mine = get(100);
    alloc_all_sizes(a, of_a);
    alloc_all_sizes(b, of_b);
    memset(mine, 7, 100);
    ash_named_free_all(a);
    for (size_t i = 0; i < N; i++)
        assert_true(all_bytes_are(of_b[i], (unsigned char)i, sizes[i]));
    assert_true(all_bytes_are(mine, 7, 100));
    all_must_be_sound();
}

static void a_destroyed_heaps_descriptor_is_used_again(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    void *blocks[N];
    alloc_all_sizes(heap, blocks);
    ash_named_destroy(heap);
    assert_int_equal(ash_heap_kind_of(heap), ASH_HEAP_NONE);
    assert_int_equal(ash_space_count.live, 0);
    assert_ptr_equal(named(), heap); /* H7 */
    alloc_all_sizes(heap, blocks);
    all_must_be_sound();
}

static void refusal_is_an_answer(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    errno = 4711;
    refuse_all_memory();
    assert_null(ash_named_alloc(heap, 16, 100));
    assert_null(ash_named_alloc(heap, 16, 100000));
    assert_null(ash_named_alloc(heap, 16, HUGE_BYTES));
    refuse_nothing();
    assert_int_equal(errno, 4711);
    assert_non_null(ash_named_alloc(heap, 16, 100));
    assert_null(heap->objects);
    all_must_be_sound();
}

static void realloc_takes_a_block_that_must_move_out_of_its_heap(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    char *p = ash_named_alloc(heap, 16, 1000);
    assert_ptr_equal(ash_realloc(p, 1010), p);
    p[999] = 42;
    char *q = ash_realloc(p, 5000);
    assert_int_equal(q[999], 42);
    assert_ptr_not_equal(owner_of(q), heap);
    ash_named_destroy(heap);
    assert_int_equal(q[999], 42);
    ash_fast_free(q);
    all_must_be_sound();
}

static void a_heap_set_aside_refuses_and_takes(void **state)
{
    (void)state;
    struct ash_heap *heap = named();
    void *p = ash_named_alloc(heap, 16, 3000);
    void *object = ash_named_alloc(heap, 16, 100000);
    struct ash_meta *page = page_of(p);
    ash_heap_quarantine(heap);
    assert_null(ash_named_alloc(heap, 16, 100));
    assert_null(ash_named_alloc(heap, 16, 100000));
    assert_false(ash_named_free(heap, page, p));
    ash_fast_free(p);
    assert_int_equal(ash_xfree_count(page->xfree), 1);
    ash_named_free_all(heap);
    ash_named_destroy(heap);
    assert_int_equal(ash_heap_kind_of(heap), ASH_HEAP_QUARANTINED);
    assert_int_equal(ash_large_count, 1);
    ash_fast_free(object);
    assert_int_equal(ash_large_count, 0);
}

static struct ash_heap *shared;
static void *shared_block;
static _Atomic uint32_t ready, go;

static void *hold_shared(void *arg)
{
    struct ash_held held = ash_lock_take(&shared->lock);
    ready = 1;
    ash_os_wake(&ready, 1);
    while (!go)
        ash_os_wait(&go, 0, 1000);
    ash_lock_drop(&shared->lock, held);
    return arg;
}

static int named_heap_refuses_in_the_child(void)
{
    if (ash_named_alloc(shared, 16, 100) != NULL)
        return 1;
    ash_fast_free(shared_block);
    struct ash_heap *other = ash_named_new();
    return other == shared || !ash_named_alloc(other, 16, 100) ||
           ash_verify_all(say_fault, NULL) != 0;
}

static int named_heap_works_in_the_child(void)
{
    void *p = ash_named_alloc(shared, 16, 100);
    ash_fast_free(shared_block);
    ash_fast_free(p);
    ash_named_free_all(shared);
    return !p || ash_verify_all(say_fault, NULL) != 0;
}

static void a_fork_leaves_a_named_heap_only_where_it_was_held(void **state)
{
    (void)state;
    shared = named();
    shared_block = ash_named_alloc(shared, 16, 3000);
    child_must_pass(named_heap_works_in_the_child);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_shared, NULL), 0);
    while (!ready)
        ash_os_wait(&ready, 0, 1000);
    child_must_pass(named_heap_refuses_in_the_child); /* F1 */
    go = 1;
    ash_os_wake(&go, 1);
    pthread_join(thread, NULL);
    assert_non_null(ash_named_alloc(shared, 16, 100));
    all_must_be_sound();
}

static void *use_shared(void *arg)
{
    void *kept[64] = {0};
    for (unsigned i = 0; i < 5000; i++) {
        void **slot = &kept[i * 7 % 64];
        ash_fast_free(*slot);
        *slot = ash_named_alloc(shared, 16, 16 + i * 31 % 2000);
        if (!*slot)
            return arg;
        memset(*slot, (int)i, 16);
    }
    return NULL;
}

static void threads_share_a_named_heap(void **state)
{
    (void)state;
    shared = named();
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_shared, &shared), 0);
    for (unsigned i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    all_must_be_sound();
    ash_named_free_all(shared);
    assert_int_equal(shared->page_count, 0);
    all_must_be_sound();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_all_sizes_come_from_the_heap),
        cmocka_unit_test(alignment_is_kept),
        cmocka_unit_test(single_blocks_are_freed_by_any_thread),
        cmocka_unit_test(objects_leave_the_list_wherever_they_are_in_it),
        cmocka_unit_test(free_all_gives_everything_back_and_the_heap_goes_on),
        cmocka_unit_test(other_heaps_do_not_notice),
        cmocka_unit_test(a_destroyed_heaps_descriptor_is_used_again),
        cmocka_unit_test(refusal_is_an_answer),
        cmocka_unit_test(realloc_takes_a_block_that_must_move_out_of_its_heap),
        cmocka_unit_test(a_heap_set_aside_refuses_and_takes),
        cmocka_unit_test(a_fork_leaves_a_named_heap_only_where_it_was_held),
        cmocka_unit_test(threads_share_a_named_heap),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
