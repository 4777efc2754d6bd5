/* test_remote.c: blocks freed by other threads go home: mailboxes, inboxes (R1 to R7, R9). */
#include "scene.h"

#define KIB 1024u
#define CAP 64u /* blocks of 1 KiB in a page */

static struct ash_meta *in_inbox(struct ash_heap *heap)
{
    return (struct ash_meta *)(heap->inbox & ~ASH_INBOX_FLAGS);
}

static void a_sent_page_lies_in_its_inbox_once(void **state)
{
    (void)state;
    void *blocks[8];
    get_many(blocks, 8, 2048);
    void *other = get(4096);
    struct ash_heap *heap = my_heap();
    struct ash_meta *page = page_of(blocks[0]);
    free_in_thread(blocks, 3);
    assert_int_equal(page->xfree & ASH_XFREE_NOTIFIED, ASH_XFREE_NOTIFIED); /* R1 */
    assert_ptr_equal(in_inbox(heap), page);
    free_in_thread(blocks + 3, 2);
    assert_int_equal(ash_xfree_count(page->xfree), 5); /* R4 */
    assert_ptr_equal(in_inbox(heap), page);
    assert_null(page->inext);
    free_in_thread(&other, 1);
    assert_ptr_equal(in_inbox(heap), page_of(other));
    assert_ptr_equal(page_of(other)->inext, page);
    assert_true(ash_remote_drain(heap));
    assert_int_equal(heap->inbox, 0); /* R6 */
    assert_int_equal(page->xfree, 0);
    assert_int_equal(heap->remote_count, 6);
    assert_false(ash_remote_drain(heap));
    all_must_be_sound();
}

static void a_mailbox_waits_while_the_owner_has_a_list(void **state)
{
    (void)state;
    void *blocks[CAP + 1];
    get_many(blocks, CAP + 1, KIB);
    struct ash_heap *heap = my_heap();
    struct ash_meta *page = page_of(blocks[0]);
    ash_fast_free(blocks[0]);
    free_in_thread(blocks + 1, 4);
    ash_remote_drain(heap);
    assert_int_equal(ash_xfree_count(page->xfree), 4);
    assert_int_equal(page->xfree & ASH_XFREE_NOTIFIED, 0);
    assert_ptr_equal(page->lfree, blocks[0]);
    assert_int_equal(ash_page_live(page), CAP - 5);
    all_must_be_sound();
    put_many(blocks + 5, CAP - 5);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
    all_must_be_sound();
}

static void remote_frees_make_a_full_page_partial(void **state)
{
    (void)state;
    void *blocks[CAP + 1];
    get_many(blocks, CAP + 1, KIB);
    struct ash_heap *heap = my_heap();
    struct ash_meta *page = page_of(blocks[0]);
    free_in_thread(blocks, 7);
    ash_remote_drain(heap);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    assert_int_equal(page->attn, 1); /* H5: seven of eight are back */
    free_in_thread(blocks + 7, 1);
    ash_remote_drain(heap);
    assert_int_equal(page->state, ASH_PAGE_PARTIAL);
    all_must_be_sound();
}

static void a_page_emptied_by_others_is_seen_at_the_drain(void **state)
{
    (void)state;
    void *blocks[CAP + 1];
    get_many(blocks, CAP + 1, KIB);
    struct ash_meta *page = page_of(blocks[0]);
    free_in_thread(blocks, CAP);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    ash_remote_drain(my_heap());
    assert_int_equal(page->state, ASH_PAGE_EMPTY); /* R9 */
    all_must_be_sound();
}

/* The owner frees the last block while the page waits in the inbox. */
static void a_page_in_the_inbox_outlives_its_last_block(void **state)
{
    (void)state;
    void *blocks[CAP + 1];
    get_many(blocks, CAP + 1, KIB);
    struct ash_heap *heap = my_heap();
    struct ash_meta *page = page_of(blocks[0]);
    free_in_thread(blocks, 1);
    put_many(blocks + 1, CAP - 1);
    assert_int_equal(page->state, ASH_PAGE_ZOMBIE);
    assert_int_not_equal(page->kind, ASH_KIND_NONE); /* R3 */
    ash_page_release_empty(heap, 0);
    assert_int_equal(page->state, ASH_PAGE_ZOMBIE);
    ash_remote_drain(heap);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
    all_must_be_sound();
}

/* As above, and the class has its EMPTY page already. */
static void a_zombie_that_is_not_kept_is_released_by_the_drain(void **state)
{
    (void)state;
    void *first[CAP], *second[CAP];
    struct ash_heap *heap = my_heap();
    get_many(first, CAP, KIB);
    get_many(second, CAP, KIB);
    get(KIB);
    put_many(first, CAP);
    struct ash_meta *page = page_of(second[0]);
    free_in_thread(second, 1);
    put_many(second + 1, CAP - 1);
    assert_int_equal(page->state, ASH_PAGE_ZOMBIE);
    ash_remote_drain(heap);
    assert_int_equal(page->kind, ASH_KIND_NONE);
    all_must_be_sound();
}

static void an_empty_page_in_the_inbox_is_not_released(void **state)
{
    (void)state;
    void *blocks[CAP + 1];
    get_many(blocks, CAP + 1, KIB);
    struct ash_heap *heap = my_heap();
    struct ash_meta *page = page_of(blocks[0]);
    put_many(blocks, CAP);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
    page->xfree = ASH_XFREE_NOTIFIED; /* a pusher is between its two steps: R1 */
    ash_page_release_empty(heap, 0);
    assert_int_equal(page->state, ASH_PAGE_ZOMBIE);
    page->inext = NULL;
    heap->inbox = (uintptr_t)page;
    ash_remote_drain(heap);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
    all_must_be_sound();
}

/* An orphan is swept by whoever sends to it (R7). */
static void the_sender_sweeps_an_orphan(void **state)
{
    (void)state;
    get(16);
    void *blocks[CAP];
    alloc_in_thread(blocks, CAP, KIB);
    struct ash_heap *orphan = owner_of(blocks[0]);
    assert_int_equal(orphan->inbox, ASH_INBOX_ORPHAN);
    struct ash_meta *page = page_of(blocks[0]);
    put_many(blocks, 32);
    ash_stray_send_own(&ash_tls);
    assert_int_equal(orphan->inbox, ASH_INBOX_ORPHAN);
    assert_int_equal(ash_page_live(page), CAP - 32);
    assert_int_equal(page->xfree & ASH_XFREE_NOTIFIED, 0);
    put_many(blocks + 32, CAP - 32);
    ash_stray_send_own(&ash_tls);
    assert_int_equal(page->kind, ASH_KIND_NONE); /* R9 */
    assert_int_equal(orphan->page_count, 0);
    all_must_be_sound();
}

static void *free_all_twice(void *arg)
{
    struct blocks *blocks = arg;
    for (int round = 0; round < 3; round++)
        put_many(blocks->at, blocks->n);
    return NULL;
}

static int free_more_than_there_is(void)
{
    void *blocks[CAP];
    get_many(blocks, CAP, KIB);
    struct blocks all = {blocks, CAP, KIB};
    in_thread(free_all_twice, &all);
    return 0;
}

static void a_mailbox_holds_no_more_than_the_page(void **state)
{
    (void)state;
    child_must_abort(free_more_than_there_is, "E01 double free"); /* R4 */
}

enum { STORM_THREADS = 3, STORM_ROUNDS = 30000, STORM_SLOTS = 256 };
static void *_Atomic slots[STORM_SLOTS];

/* Every slot is handed from thread to thread; whoever takes a block out frees it. */
static void *storm(void *arg)
{
    uint64_t x = (uint64_t)(uintptr_t)arg * 0x9E3779B97F4A7C15u + 1;
    for (unsigned i = 0; i < STORM_ROUNDS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        size_t bytes = 16 + (x >> 33) % 3000;
        unsigned char *p = ash_fast_malloc(bytes);
        *(size_t *)p = bytes;
        p[bytes - 1] = (unsigned char)bytes;
        unsigned char *old = atomic_exchange(&slots[(x >> 20) % STORM_SLOTS], p);
        if (!old)
            continue;
        size_t had = *(size_t *)old;
        if (had < 16 || had >= 3016 || (had > 24 && old[had - 1] != (unsigned char)had))
            return arg;
        ash_fast_free(old);
    }
    return NULL;
}

static void blocks_survive_a_storm_of_frees_by_others(void **state)
{
    (void)state;
    pthread_t threads[STORM_THREADS];
    for (uintptr_t i = 0; i < STORM_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm, (void *)(i + 1)), 0);
    for (int i = 0; i < STORM_THREADS; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    for (unsigned i = 0; i < STORM_SLOTS; i++)
        ash_fast_free(slots[i]);
    all_must_be_sound();
    ash_threads_trim();
    struct ash_count count;
    ash_count_all(&count);
    assert_int_equal(count.live_blocks, 0);
    assert_int_equal(count.page_count, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sent_page_lies_in_its_inbox_once),
        cmocka_unit_test(a_mailbox_waits_while_the_owner_has_a_list),
        cmocka_unit_test(remote_frees_make_a_full_page_partial),
        cmocka_unit_test(a_page_emptied_by_others_is_seen_at_the_drain),
        cmocka_unit_test(a_page_in_the_inbox_outlives_its_last_block),
        cmocka_unit_test(a_zombie_that_is_not_kept_is_released_by_the_drain),
        cmocka_unit_test(an_empty_page_in_the_inbox_is_not_released),
        cmocka_unit_test(the_sender_sweeps_an_orphan),
        cmocka_unit_test(a_mailbox_holds_no_more_than_the_page),
        cmocka_unit_test(blocks_survive_a_storm_of_frees_by_others),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
