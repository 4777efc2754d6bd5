/* test_fast.c: the two short paths: what they take and put, and what they leave to others. */
#include "scene.h"

static void malloc_takes_the_first_block_of_the_bin(void **state)
{
    (void)state;
    get(64);
    void *first = ash_tls.bin[4];
    assert_non_null(first);
    void *second = *(void **)first;
    uint64_t handed = ash_tls.self->handed_count;
    assert_ptr_equal(get(64), first);
    assert_ptr_equal(ash_tls.bin[4], second);
    assert_int_equal(ash_tls.self->handed_count, handed);
}

static void free_puts_the_block_on_its_pages_list(void **state)
{
    (void)state;
    void *p = get(64), *q = get(64);
    void *bin = ash_tls.bin[4];
    struct ash_meta *page = page_of(p);
    int32_t attn = page->attn;
    ash_fast_free(p);
    ash_fast_free(q);
    assert_ptr_equal(page->lfree, q);
    assert_ptr_equal(*(void **)q, p);
    assert_null(*(void **)p);
    assert_int_equal(page->attn, attn - 2);
    assert_ptr_equal(ash_tls.bin[4], bin);
}

static void freed_blocks_are_handed_out_after_the_bin(void **state)
{
    (void)state;
    void *p = get(1024);
    ash_fast_free(p);
    while (ash_tls.bin[32])
        assert_ptr_not_equal(get(1024), p);
    assert_ptr_equal(get(1024), p);
}

static void free_of_null_does_nothing(void **state)
{
    (void)state;
    ash_fast_free(NULL);
    assert_ptr_equal(ash_tls.self, &ash_heap_none);
    get(16);
    ash_fast_free(NULL);
    all_must_be_sound();
}

static void blocks_of_all_sizes_keep_their_bytes(void **state)
{
    (void)state;
    enum { N = 700 };
    static unsigned char *blocks[N];
    for (unsigned i = 0; i < N; i++) {
        size_t bytes = i * 101 % 70000;
        blocks[i] = get(bytes);
        memset(blocks[i], (int)i, bytes);
    }
    for (unsigned i = 0; i < N; i++) {
        assert_true(all_bytes_are(blocks[i], (unsigned char)i, i * 101 % 70000));
        ash_fast_free(blocks[i]);
    }
    all_must_be_sound();
}

static void a_request_of_nothing_is_a_block(void **state)
{
    (void)state;
    void *p = get(0), *q = get(0);
    assert_ptr_not_equal(p, q);
    assert_int_equal(ash_usable_bytes(p), 16);
    ash_fast_free(p);
    ash_fast_free(q);
}

static int free_an_unreadable_window(void)
{
    get(16);
    ash_fast_free((void *)((uintptr_t)3 << ASH_REGION_SHIFT));
    return 0;
}

static int free_beyond_user_addresses(void)
{
    get(16);
    ash_fast_free((void *)0xffff800000001000u);
    return 0;
}

/* S9: a line, not a fault. */
static void foreign_addresses_do_not_fault(void **state)
{
    (void)state;
    child_must_abort(free_an_unreadable_window, "E03");
    child_must_abort(free_beyond_user_addresses, "E03");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malloc_takes_the_first_block_of_the_bin),
        cmocka_unit_test(free_puts_the_block_on_its_pages_list),
        cmocka_unit_test(freed_blocks_are_handed_out_after_the_bin),
        cmocka_unit_test(free_of_null_does_nothing),
        cmocka_unit_test(blocks_of_all_sizes_keep_their_bytes),
        cmocka_unit_test(a_request_of_nothing_is_a_block),
        cmocka_unit_test(foreign_addresses_do_not_fault),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
