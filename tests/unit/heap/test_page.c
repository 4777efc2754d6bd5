/* test_page.c: states and counts of pages, and what every address is (H4, H5, S4, S5, S9). */
#include "scene.h"

#define KIB 1024u
#define CAP (unsigned)(ASH_SLICE_BYTES / KIB) /* blocks of 1 KiB in a page */
#define CLS 32u

/* A full page of blocks of 1 KiB; the page after it is current, by one block. */
static struct ash_meta *full_page(void **blocks)
{
    my_heap();
    get_many(blocks, CAP, KIB);
    get(KIB);
    struct ash_meta *page = page_of(blocks[0]);
    assert_ptr_equal(page_of(blocks[CAP - 1]), page);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    return page;
}

static void a_page_is_current_while_it_has_space(void **state)
{
    (void)state;
    void *p = get(KIB);
    struct ash_meta *page = page_of(p);
    assert_ptr_equal(my_heap()->cur[CLS], page);
    assert_int_equal(page->state, ASH_PAGE_CURRENT);
    assert_int_equal(page->attn, ASH_ATTN_NEVER); /* H5 */
    assert_int_equal(page->cap, CAP);
}

static void a_full_page_is_partial_when_an_eighth_is_back(void **state)
{
    (void)state;
    void *blocks[CAP];
    struct ash_meta *page = full_page(blocks);
    assert_int_equal(page->attn, CAP / 8); /* H5 */
    put_many(blocks, CAP / 8 - 1);
    assert_int_equal(page->state, ASH_PAGE_FULL);
    assert_null(my_heap()->part[CLS]);
    ash_fast_free(blocks[CAP / 8 - 1]);
    assert_int_equal(page->state, ASH_PAGE_PARTIAL);
    assert_ptr_equal(my_heap()->part[CLS], page);
    assert_int_equal(page->attn, CAP - CAP / 8);
    assert_int_equal(page->out, CAP - CAP / 8); /* H4 */
    all_must_be_sound();
}

static void a_partial_page_is_empty_when_nothing_is_out(void **state)
{
    (void)state;
    void *blocks[CAP];
    struct ash_meta *page = full_page(blocks);
    put_many(blocks, CAP - 1);
    assert_int_equal(page->state, ASH_PAGE_PARTIAL);
    assert_int_equal(my_heap()->retained_bytes, 0);
    ash_fast_free(blocks[CAP - 1]);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
    assert_int_equal(my_heap()->retained_bytes, ASH_SLICE_BYTES);
    all_must_be_sound();
}

static void an_empty_page_is_taken_again_before_a_new_one(void **state)
{
    (void)state;
    void *blocks[CAP];
    struct ash_meta *page = full_page(blocks);
    put_many(blocks, CAP);
    get_many(blocks, CAP - 1, KIB); /* the rest of the current page */
    void *p = get(KIB);
    assert_ptr_equal(page_of(p), page);
    assert_int_equal(page->state, ASH_PAGE_CURRENT);
    assert_int_equal(my_heap()->retained_bytes, 0);
    all_must_be_sound();
}

static void one_empty_page_of_a_class_is_kept_and_no_more(void **state)
{
    (void)state;
    void *first[CAP], *second[CAP];
    struct ash_meta *a = full_page(first);
    get_many(second, CAP - 1, KIB);
    struct ash_meta *b = page_of(second[0]);
    void *head = (void *)b->start;
    get(KIB);
    assert_int_equal(b->state, ASH_PAGE_FULL);
    uint64_t n_pages = my_heap()->page_count;
    put_many(first, CAP);
    assert_int_equal(a->state, ASH_PAGE_EMPTY);
    put_many(second, CAP - 1);
    ash_fast_free(head);
    assert_int_equal(b->kind, ASH_KIND_NONE); /* released: S4 */
    assert_int_equal(b->owner, ASH_TAG_RELEASED);
    unsigned slice_i = (unsigned)((uintptr_t)head >> ASH_SLICE_SHIFT) % ASH_GROUP_SLICES;
    assert_int_equal(ash_group_of((uintptr_t)head)->free >> slice_i & 1, 1);
    assert_int_equal(my_heap()->page_count, n_pages - 1);
    all_must_be_sound();
}

static void no_more_than_the_cap_is_kept(void **state)
{
    (void)state;
    struct ash_heap *heap = my_heap();
    for (unsigned c = 20; c < 40; c++) {
        unsigned n = (unsigned)(ASH_SLICE_BYTES / ash_class_bytes[c]);
        void *blocks[1 + ASH_SLICE_BYTES / 384];
        get_many(blocks, n + 1, ash_class_bytes[c]);
        put_many(blocks, n);
    }
    size_t cap = ash_size_max((size_t)64 << 10, heap->page_bytes / 8);
    assert_true(heap->retained_bytes > 0);
    assert_true(heap->retained_bytes <= cap);
    all_must_be_sound();
}

static void the_fullest_of_the_partial_pages_is_taken(void **state)
{
    (void)state;
    void *blocks[3][CAP];
    get_many(blocks[0], CAP, KIB);
    get_many(blocks[1], CAP, KIB);
    get_many(blocks[2], CAP, KIB);
    my_heap();
    put_many(blocks[0], 30);
    put_many(blocks[1], 10);
    struct ash_meta *fuller = page_of(blocks[1][0]);
    void *p = get(KIB);
    assert_ptr_equal(page_of(p), fuller);
    all_must_be_sound();
}

static void medium_pages_have_some_slices_with_one_head(void **state)
{
    (void)state;
    void *blocks[40];
    get_many(blocks, 40, 20480);
    struct ash_meta *page = page_of(blocks[0]);
    assert_int_equal(page->kind, ASH_KIND_MEDIUM);
    assert_int_equal(page->n_slices, 4);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(page[i].kind, ASH_KIND_INTERIOR);
        assert_int_equal(page[i].head, (uintptr_t)page); /* S5 */
        assert_ptr_equal(page_of((char *)page->start + i * ASH_SLICE_BYTES), page);
    }
    uintptr_t end = page->start + 4 * ASH_SLICE_BYTES - 1;
    assert_int_equal(page->start >> ASH_GROUP_SHIFT, end >> ASH_GROUP_SHIFT);
    put_many(blocks, 40);
    ash_thread_idle();
    assert_int_equal(page[3].kind, ASH_KIND_NONE);
    all_must_be_sound();
}

static void idle_threads_release_all_empty_pages(void **state)
{
    (void)state;
    for (size_t bytes = 16; bytes <= 65536; bytes *= 2)
        ash_fast_free(get(bytes));
    assert_true(my_heap()->page_count > 10);
    ash_thread_idle();
    assert_int_equal(my_heap()->page_count, 0);
    assert_int_equal(my_heap()->retained_bytes, 0);
    assert_null(my_heap()->pages);
}

static void a_fold_moves_frees_into_the_counts(void **state)
{
    (void)state;
    void *blocks[6];
    get_many(blocks, 6, KIB);
    struct ash_meta *page = page_of(blocks[0]);
    unsigned out = page->out, listed = page->lcnt;
    put_many(blocks, 3);
    assert_int_equal(page->out, out);
    ash_page_fold(page);
    assert_int_equal(page->out, out - 3);
    assert_int_equal(page->lcnt, listed + 3);
    assert_int_equal(page->attn, page->attn0);
    assert_int_equal(ash_page_live(page), out - 3);
}

/* ---- check ---- */

static const char *verdict(struct ash_meta *page)
{
    const char *why;
    bool good = ash_page_check(page, &why);
    assert_int_equal(good, why == NULL);
    return why ? why : "good";
}

static void check_names_the_invariant_that_is_broken(void **state)
{
    (void)state;
    void *blocks[CAP];
    struct ash_meta *page = full_page(blocks);
    put_many(blocks, 3);
    assert_string_equal(verdict(page), "good");
    struct ash_meta *saved = malloc(sizeof *saved);
    memcpy(saved, page, sizeof *page);

    page->carved = (uint16_t)(page->cap + 1);
    assert_string_equal(verdict(page), "H4: more blocks carved than fit");
    memcpy(page, saved, sizeof *page);
    page->attn0 += 1000;
    assert_string_equal(verdict(page), "H4: more blocks freed than were out");
    memcpy(page, saved, sizeof *page);
    page->out++;
    assert_string_equal(verdict(page), "H4: blocks are missing");
    memcpy(page, saved, sizeof *page);
    page->lfree = blocks;
    assert_string_equal(verdict(page), "H2: the owner's list is damaged");
    memcpy(page, saved, sizeof *page);
    page->xfree = (uint64_t)2 << 48;
    assert_string_equal(verdict(page), "R4: the mailbox is damaged");
    memcpy(page, saved, sizeof *page);
    page->attn0 -= page->attn;
    page->attn = 0;
    assert_string_equal(verdict(page), "H5: attention was missed");
    memcpy(page, saved, sizeof *page);
    free(saved);
    assert_string_equal(verdict(page), "good");
}

static void recount_believes_lists_and_not_counters(void **state)
{
    (void)state;
    void *blocks[CAP];
    struct ash_meta *page = full_page(blocks);
    put_many(blocks, 20);
    assert_int_equal(page->state, ASH_PAGE_PARTIAL);
    page->lcnt = 1;
    page->out = 3;
    page->attn0 = page->attn + 5;
    ash_page_recount(my_heap(), page);
    assert_int_equal(page->lcnt, 20);
    assert_int_equal(page->out, CAP - 20);
    assert_string_equal(verdict(page), "good");
    put_many(blocks + 20, CAP - 20);
    assert_int_equal(page->state, ASH_PAGE_EMPTY);
}

static int release_a_page_in_an_inbox(void)
{
    void *p = get(KIB);
    struct ash_meta *page = page_of(p);
    page->xfree |= ASH_XFREE_NOTIFIED;
    ash_page_release(my_heap(), page);
    return 0;
}

static void release_of_a_page_in_an_inbox_is_a_broken_promise(void **state)
{
    (void)state;
    child_must_abort(release_a_page_in_an_inbox, "F01"); /* R3 */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_current_while_it_has_space),
        cmocka_unit_test(a_full_page_is_partial_when_an_eighth_is_back),
        cmocka_unit_test(a_partial_page_is_empty_when_nothing_is_out),
        cmocka_unit_test(an_empty_page_is_taken_again_before_a_new_one),
        cmocka_unit_test(one_empty_page_of_a_class_is_kept_and_no_more),
        cmocka_unit_test(no_more_than_the_cap_is_kept),
        cmocka_unit_test(the_fullest_of_the_partial_pages_is_taken),
        cmocka_unit_test(medium_pages_have_some_slices_with_one_head),
        cmocka_unit_test(idle_threads_release_all_empty_pages),
        cmocka_unit_test(a_fold_moves_frees_into_the_counts),
        cmocka_unit_test(check_names_the_invariant_that_is_broken),
        cmocka_unit_test(recount_believes_lists_and_not_counters),
        cmocka_unit_test(release_of_a_page_in_an_inbox_is_a_broken_promise),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
