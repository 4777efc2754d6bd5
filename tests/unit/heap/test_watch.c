/* test_watch.c: a watched thread's every call reaches the watcher, and its heap stays sound. */
#include "scene.h"

static unsigned n_allocs, n_frees, n_others;
static size_t last_bytes;

static void enter(void)
{
    if (ash_tls.watch == ASH_WATCH_FRESH)
        ash_watch_begin(&ash_tls);
    else
        ash_watch_pause(&ash_tls);
}

static void *seen_alloc(size_t bytes)
{
    enter();
    n_allocs++;
    last_bytes = bytes;
    void *p = ash_fast_malloc(bytes);
    ash_watch_resume(&ash_tls);
    return p;
}

static void *seen_zeroed(size_t count, size_t bytes)
{
    enter();
    n_others++;
    void *p = ash_alloc_zeroed(count, bytes);
    ash_watch_resume(&ash_tls);
    return p;
}

static void *seen_aligned(size_t align, size_t bytes)
{
    enter();
    n_others++;
    void *p = ash_alloc_aligned(align, bytes);
    ash_watch_resume(&ash_tls);
    return p;
}

static void *seen_resize(void *p, size_t bytes)
{
    enter();
    n_others++;
    void *to = ash_realloc(p, bytes);
    ash_watch_resume(&ash_tls);
    return to;
}

static void seen_free(void *p)
{
    enter();
    n_frees++;
    ash_fast_free(p);
    ash_watch_resume(&ash_tls);
}

static void seen_free_sized(void *p, size_t bytes, size_t align)
{
    enter();
    n_frees++;
    ash_free_sized(p, bytes, align);
    ash_watch_resume(&ash_tls);
}

static size_t seen_usable(void *p)
{
    enter();
    n_others++;
    size_t bytes = ash_usable_bytes(p);
    ash_watch_resume(&ash_tls);
    return bytes;
}

static void seen_exit(void)
{
    n_others++;
    ash_watch_end(&ash_tls);
}

static const struct ash_watcher watcher = {seen_alloc, seen_zeroed,     seen_aligned, seen_resize,
                                           seen_free,  seen_free_sized, seen_usable,  seen_exit};

static void every_call_is_seen(void **state)
{
    (void)state;
    void *blocks[200];
    get_many(blocks, 100, 48); /* bins with something in them */
    ash_hooks.watcher = &watcher;
    ash_fast_free(get(3000)); /* no bin of this class holds anything: watched from here on */
    assert_int_equal(ash_tls.watch, ASH_WATCH_ON);
    n_allocs = n_frees = n_others = 0;
    for (unsigned i = 100; i < 200; i++) {
        blocks[i] = get(48);
        assert_int_equal(last_bytes, 48);
    }
    assert_int_equal(n_allocs, 100);
    put_many(blocks, 200);
    assert_int_equal(n_frees, 200);
    void *p = ash_realloc(ash_alloc_zeroed(3, 30), 4000);
    assert_true(ash_usable_bytes(p) >= 4000);
    ash_free_sized(p, 4000, 0);
    ash_fast_free(ash_alloc_aligned(256, 100));
    ash_fast_free(get(100000));
    ash_fast_free(get(5000));
    ash_fast_free(NULL);
    assert_int_equal(n_others, 4);
    assert_int_equal(n_allocs, 102);
    assert_int_equal(n_frees, 204);
    all_must_be_sound();
}

static void bins_stay_empty_and_self_owns_nothing(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    for (unsigned i = 0; i < 300; i++)
        ash_fast_free(get(16 + 16 * (i % 60)));
    assert_ptr_equal(ash_tls.self, &ash_heap_watched);
    assert_ptr_not_equal(ash_watch_home(&ash_tls), &ash_heap_watched);
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        assert_null(ash_tls.bin[c]); /* W1 */
    ash_threads_trim();
    ash_thread_idle();
    assert_int_equal(ash_tls.watch, ASH_WATCH_ON);
    all_must_be_sound();
    ash_watch_end(&ash_tls);
    ash_fast_free(get(16));
    assert_ptr_not_equal(ash_tls.self, &ash_heap_watched);
}

static void *churn(void *arg)
{
    (void)arg;
    void *blocks[500];
    for (unsigned i = 0; i < 500; i++)
        blocks[i] = ash_fast_malloc(16 + i);
    put_many(blocks, 500);
    return NULL;
}

static void threads_come_and_go_watched(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    n_allocs = n_frees = 0;
    for (unsigned i = 0; i < 5; i++)
        in_thread(churn, NULL);
    assert_true(n_allocs >= 2500 && n_frees >= 2500);
    all_must_be_sound();
}

static void a_block_of_a_watched_thread_can_be_freed_elsewhere(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    void *mine[400], *theirs[400];
    get_many(mine, 400, 200);
    free_in_thread(mine, 400);
    alloc_in_thread(theirs, 400, 200);
    put_many(theirs, 400);
    get_many(mine, 400, 200);
    put_many(mine, 400);
    all_must_be_sound();
}

static void zero_memory_is_zero(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    for (unsigned round = 0; round < 3; round++) {
        void *blocks[300];
        for (unsigned i = 0; i < 300; i++) {
            blocks[i] = ash_alloc_zeroed(1, 96);
            assert_true(all_bytes_are(blocks[i], 0, 96));
            memset(blocks[i], 0xEE, 96);
        }
        put_many(blocks, 300);
    }
}

static void a_handler_in_a_change_of_state_is_served(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    void *mine = get(100);
    ash_tls.watch = ASH_WATCH_PAUSED; /* cut after the first store of pause: W2 */
    void *p = ash_fast_malloc(100);
    assert_non_null(p);
    ash_fast_free(p);
    ash_fast_free(mine);
    ash_tls.watch = ASH_WATCH_ON;
    all_must_be_sound();
}

static void the_child_of_a_fork_goes_on(void **state)
{
    (void)state;
    ash_hooks.watcher = &watcher;
    void *blocks[200];
    get_many(blocks, 200, 64);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        put_many(blocks, 200);
        get_many(blocks, 200, 64);
        put_many(blocks, 200);
        _exit(ash_verify_all(NULL, NULL) != 0 || ash_tls.watch != ASH_WATCH_ON);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    put_many(blocks, 200);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_seen),
        cmocka_unit_test(bins_stay_empty_and_self_owns_nothing),
        cmocka_unit_test(threads_come_and_go_watched),
        cmocka_unit_test(a_block_of_a_watched_thread_can_be_freed_elsewhere),
        cmocka_unit_test(zero_memory_is_zero),
        cmocka_unit_test(a_handler_in_a_change_of_state_is_served),
        cmocka_unit_test(the_child_of_a_fork_goes_on),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
