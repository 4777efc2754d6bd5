/* test_holes.c: OS pages between live blocks go back and are carved anew (H4, H9). */
#include "scene.h"

#define OS_BYTES 4096u

/* A full page of blocks of some size; block i lies at start + i * size. */
struct full {
    struct ash_meta *page;
    unsigned n;
    void *blocks[4096];
};

static struct full full;

static void fill_page(size_t bytes)
{
    my_heap();
    full.blocks[0] = get(bytes);
    full.page = page_of(full.blocks[0]);
    full.n = full.page->cap;
    for (unsigned i = 1; i < full.n; i++)
        full.blocks[i] = get(bytes);
    for (unsigned i = 0; i < full.n; i++) {
        assert_ptr_equal(page_of(full.blocks[i]), full.page);
        memset(full.blocks[i], 0x55, bytes);
    }
    get(bytes); /* another page is current */
    assert_int_equal(full.page->state, ASH_PAGE_FULL);
}

static void free_from_to(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        ash_fast_free((void *)(full.page->start + (size_t)i * full.page->bsize));
}

static void scan(void)
{
    ash_holes_scan(my_heap(), true);
}

static void check(void)
{
    const char *why;
    ash_page_check(full.page, &why);
    if (why)
        fail_msg("%s", why);
}

static void a_hole_between_live_blocks_is_given_back(void **state)
{
    (void)state;
    fill_page(64); /* 64 blocks in an OS page */
    free_from_to(100, 400);
    uint64_t purged = ash_space_count.purged_bytes, count = ash_space_count.purge_count;
    scan();
    /* OS pages 2 to 5 are free as a whole: blocks 128 to 383 */
    assert_int_equal(full.page->purged, 0x3c);
    assert_int_equal(ash_holes_dropped(full.page), 256);
    assert_int_equal(full.page->lcnt, 300 - 256);
    assert_int_equal(ash_space_count.purged_bytes, purged + 4 * OS_BYTES);
    assert_int_equal(ash_space_count.purge_count, count + 1); /* one run, one call */
    check();                                                  /* H4 */
    assert_true(all_bytes_are((void *)(full.page->start + 2 * OS_BYTES), 0, 4 * OS_BYTES));
    for (const void *p = full.page->lfree; p; p = *(void *const *)p) {
        unsigned os_i = (unsigned)(((uintptr_t)p - full.page->start) / OS_BYTES);
        assert_int_equal(full.page->purged >> os_i & 1, 0); /* H9 */
    }
    assert_true(all_bytes_are((void *)(full.page->start + 50 * 64), 0x55, 64));
    assert_true(all_bytes_are((void *)(full.page->start + 500 * 64), 0x55, 64));
}

static void blocks_over_the_border_of_a_hole_keep_their_bytes(void **state)
{
    (void)state;
    fill_page(48); /* 4096 is no multiple of 48 */
    unsigned kept[] = {85, 300, 700};
    for (unsigned i = 0; i < full.page->cap; i++)
        if (i != kept[0] && i != kept[1] && i != kept[2])
            free_from_to(i, i + 1);
    scan();
    check();
    for (size_t k = 0; k < ASH_COUNT_OF(kept); k++) {
        uintptr_t first = (uintptr_t)kept[k] * 48, last = first + 47;
        assert_int_equal(full.page->purged >> (first / OS_BYTES) & 1, 0);
        assert_int_equal(full.page->purged >> (last / OS_BYTES) & 1, 0);
        assert_true(all_bytes_are((void *)(full.page->start + first), 0x55, 48));
    }
    assert_true(__builtin_popcountll(full.page->purged) >= 11);
}

/* Frees blocks, scans, and takes all of the page again: every block once, none of them torn. */
static void purge_and_take_again(size_t bytes, unsigned first, unsigned end)
{
    fill_page(bytes);
    free_from_to(first, end);
    scan();
    check();
    assert_true(ash_holes_some(full.page));
    static uint8_t taken[4096];
    memset(taken, 0, sizeof taken);
    unsigned n = 0;
    for (unsigned i = 0; i < 20000 && n < end - first; i++) {
        void *p = get(bytes);
        if (page_of(p) != full.page)
            continue;
        unsigned at = ash_page_index(full.page, (uintptr_t)p);
        assert_true(at >= first && at < end);
        assert_int_equal(taken[at]++, 0); /* H2 */
        memset(p, 0x66, bytes);
        n++;
    }
    assert_int_equal(n, end - first);
    assert_false(ash_holes_some(full.page));
    check();
    for (unsigned i = 0; i < full.n; i++) {
        unsigned char right = i >= first && i < end ? 0x66 : 0x55;
        assert_true(all_bytes_are((void *)(full.page->start + i * bytes), right, bytes));
    }
    all_must_be_sound();
}

static void purged_small_blocks_are_carved_anew(void **state)
{
    (void)state;
    purge_and_take_again(64, 100, 400);
}

static void purged_odd_blocks_are_carved_anew(void **state)
{
    (void)state;
    purge_and_take_again(112, 30, 500);
}

static void purged_blocks_of_many_os_pages_are_carved_anew(void **state)
{
    (void)state;
    purge_and_take_again(28672, 2, 8);
}

static void purged_blocks_that_start_within_an_os_page_are_carved_anew(void **state)
{
    (void)state;
    purge_and_take_again(9216, 3, 13);
}

static void an_os_page_without_a_start_is_given_back_too(void **state)
{
    (void)state;
    fill_page(12288); /* three OS pages each */
    free_from_to(5, 7);
    uint64_t purged = ash_space_count.purged_bytes;
    scan();
    assert_int_equal(ash_space_count.purged_bytes, purged + 6 * OS_BYTES);
    assert_int_equal(ash_holes_dropped(full.page), 2);
    check();
    scan();
    assert_int_equal(ash_space_count.purged_bytes, purged + 6 * OS_BYTES);
}

static void blocks_in_the_mailbox_count_as_free(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(128, 160);
    void *theirs[32];
    for (unsigned i = 0; i < 32; i++)
        theirs[i] = (void *)(full.page->start + (160 + i) * 64);
    free_in_thread(theirs, 32);
    assert_int_equal(ash_xfree_count(full.page->xfree), 32);
    scan();
    assert_int_equal(full.page->purged, 1 << 2);
    assert_int_equal(ash_xfree_count(full.page->xfree), 0);
    check();
    ash_remote_drain(my_heap());
    all_must_be_sound();
}

static void one_live_block_keeps_its_os_page(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(128, 150);
    free_from_to(151, 192);
    scan();
    assert_int_equal(full.page->purged, 0);
    assert_int_equal(full.page->lcnt, 63);
    check();
}

static void pages_in_use_are_left_alone_without_force(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(100, 400); /* now PARTIAL, and active at first sight */
    free_from_to(500, 510);
    ash_holes_scan(my_heap(), false);
    assert_int_equal(full.page->purged, 0);
    ash_holes_scan(my_heap(), false);
    assert_int_equal(full.page->purged, 0x3c);
    free_from_to(0, 64);
    ash_holes_scan(my_heap(), false);
    ash_holes_scan(my_heap(), false);
    assert_int_equal(full.page->purged, 0x3d);
    check();
}

static void the_current_page_is_looked_at_on_request_only(void **state)
{
    (void)state;
    void *blocks[400];
    get_many(blocks, 400, 64);
    struct ash_meta *page = page_of(blocks[0]);
    put_many(blocks + 10, 300);
    ash_holes_scan(my_heap(), false);
    ash_holes_scan(my_heap(), false);
    assert_int_equal(page->purged, 0);
    assert_int_equal(page->state, ASH_PAGE_CURRENT);
    scan();
    assert_int_equal(page->purged, 0xe); /* blocks 64 to 255 */
    all_must_be_sound();
    get_many(blocks + 10, 300, 64);
    all_must_be_sound();
}

static void memory_where_carving_goes_on_is_no_hole(void **state)
{
    (void)state;
    void *blocks[20];
    get_many(blocks, 20, 3072); /* the twentieth is carved, the next is not */
    struct ash_meta *page = page_of(blocks[0]);
    unsigned carved = ash_meta_carved(page);
    assert_true(carved < page->cap);
    put_many(blocks + 1, 19);
    scan();
    size_t border = (size_t)carved * 3072 / OS_BYTES;
    assert_int_equal(page->purged >> border, 0); /* H9 */
    all_must_be_sound();
    get_many(blocks + 1, 19, 3072);
    for (unsigned i = 1; i < 20; i++)
        memset(blocks[i], 1, 3072);
    all_must_be_sound();
}

static void a_refused_release_loses_no_block(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(100, 400);
    ash_os_fail_set(0, 1, ASH_FAIL_MADVISE, 0);
    uint64_t purged = ash_space_count.purged_bytes;
    scan();
    refuse_nothing();
    assert_int_equal(ash_space_count.purged_bytes, purged);
    check();
    for (unsigned i = 0; i < 2000; i++)
        get(64);
    assert_int_equal(full.page->out, full.page->cap);
    all_must_be_sound();
}

static void a_page_with_holes_can_become_empty(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(100, 400);
    scan();
    free_from_to(0, 100);
    free_from_to(400, full.n);
    assert_int_not_equal(full.page->state, ASH_PAGE_FULL);
    assert_int_equal(ash_page_live(full.page), 0);
    all_must_be_sound();
    ash_thread_idle();
    assert_int_equal(full.page->kind, ASH_KIND_NONE);
    void *p = get(64); /* whatever page this is, it has no holes */
    assert_false(ash_holes_some(page_of(p)));
    all_must_be_sound();
}

static void a_page_is_full_while_it_has_holes_only(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(128, 384);
    scan();
    assert_null(full.page->lfree);
    assert_true(ash_holes_some(full.page));
    assert_int_equal(full.page->state, ASH_PAGE_PARTIAL);
    for (unsigned i = 0; i < 1270; i++) /* the current page has 1023 yet */
        get(64);
    assert_false(ash_holes_some(full.page)); /* found again before new pages */
    all_must_be_sound();
}

static void listed_blocks_are_used_before_purged_ones(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(128, 384);
    scan();
    void *blocks[1024];
    get_many(blocks, 1024, 64); /* the rest of the current page, and the first of another */
    struct ash_meta *second = page_of(blocks[0]);
    put_many(blocks, 150);
    assert_int_equal(second->state, ASH_PAGE_PARTIAL);
    get_many(blocks, 63, 64); /* the bin */
    for (unsigned i = 0; i < 150; i++)
        assert_ptr_equal(page_of(get(64)), second);
    assert_true(ash_holes_some(full.page));
    all_must_be_sound();
}

/* Seconds pass, in each of which the thread frees a few blocks of its current page. */
static void few_frees_of_a_quiet_thread_let_its_pages_age(void **state)
{
    (void)state;
    fill_page(64);
    free_from_to(100, 400);
    struct ash_heap *heap = my_heap();
    uint64_t purged = ash_space_count.purged_bytes;
    heap->tick_ms = 0;
    for (unsigned i = 0; i < 16; i++)
        ash_fast_free(get(20000)); /* slow paths: the last ones of a busy time */
    for (unsigned second = 0; second < 20; second++) {
        heap->tick_ms -= 1100;
        heap->scan_ms -= 1100;
        for (unsigned i = 0; i < (second ? 1 : 40); i++) /* first a burst */
            ash_fast_free(get(64));
    }
    assert_int_equal(full.page->purged, 0x3c);
    assert_true(ash_space_count.purged_bytes > purged);
    assert_int_equal(heap->watch, 0); /* nothing is left to age */
    all_must_be_sound();
}

static void zeroed_blocks_from_holes_are_zero(void **state)
{
    (void)state;
    fill_page(256);
    free_from_to(20, 200);
    scan();
    for (unsigned i = 0; i < 400; i++) {
        void *p = ash_alloc_zeroed(1, 256);
        assert_true(all_bytes_are(p, 0, 256)); /* H8 */
        memset(p, 0x77, 256);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_between_live_blocks_is_given_back),
        cmocka_unit_test(blocks_over_the_border_of_a_hole_keep_their_bytes),
        cmocka_unit_test(purged_small_blocks_are_carved_anew),
        cmocka_unit_test(purged_odd_blocks_are_carved_anew),
        cmocka_unit_test(purged_blocks_of_many_os_pages_are_carved_anew),
        cmocka_unit_test(purged_blocks_that_start_within_an_os_page_are_carved_anew),
        cmocka_unit_test(an_os_page_without_a_start_is_given_back_too),
        cmocka_unit_test(blocks_in_the_mailbox_count_as_free),
        cmocka_unit_test(one_live_block_keeps_its_os_page),
        cmocka_unit_test(pages_in_use_are_left_alone_without_force),
        cmocka_unit_test(the_current_page_is_looked_at_on_request_only),
        cmocka_unit_test(memory_where_carving_goes_on_is_no_hole),
        cmocka_unit_test(a_refused_release_loses_no_block),
        cmocka_unit_test(a_page_with_holes_can_become_empty),
        cmocka_unit_test(a_page_is_full_while_it_has_holes_only),
        cmocka_unit_test(listed_blocks_are_used_before_purged_ones),
        cmocka_unit_test(few_frees_of_a_quiet_thread_let_its_pages_age),
        cmocka_unit_test(zeroed_blocks_from_holes_are_zero),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
