/* test_starter.c: young threads are served by the starter of their CPU, for a while. */
#include "scene.h"
#include <sched.h>

struct young {
    unsigned n_served; /* blocks before the thread had a heap of its own */
    size_t bytes;
    bool good;
};

static void *count_starter_blocks(void *arg)
{
    struct young *young = arg;
    young->good = true;
    for (unsigned i = 0; i < 20; i++) {
        void *p = ash_fast_malloc(young->bytes);
        bool by_starter = ash_heap_kind_of(owner_of(p)) == ASH_HEAP_STARTER;
        young->n_served += by_starter;
        young->good &= by_starter == (ash_tls.self == &ash_heap_none);
    }
    return NULL;
}

struct case_of_credit {
    struct young young;
    pthread_barrier_t *counted, *all_done;
};

/* Stays after it has counted: its heap would serve the next thread. */
static void *count_and_stay(void *arg)
{
    struct case_of_credit *one = arg;
    count_starter_blocks(&one->young);
    pthread_barrier_wait(one->counted);
    pthread_barrier_wait(one->all_done);
    return NULL;
}

static void a_thread_earns_its_heap_by_eight_blocks_or_32_kib(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        unsigned n;
    } cases[] = {{16, 8}, {1024, 8}, {4096, 8}, {8192, 4}, {16384, 2}, {32768, 1}};
    enum { CASES = ASH_COUNT_OF(cases) };
    pthread_barrier_t counted, all_done;
    pthread_barrier_init(&counted, NULL, 2);
    pthread_barrier_init(&all_done, NULL, CASES + 1);
    pthread_t threads[CASES];
    struct case_of_credit ones[CASES];
    get(16);
    for (size_t i = 0; i < CASES; i++) {
        ones[i] = (struct case_of_credit){{.bytes = cases[i].bytes}, &counted, &all_done};
        assert_int_equal(pthread_create(&threads[i], NULL, count_and_stay, &ones[i]), 0);
        pthread_barrier_wait(&counted);
        assert_int_equal(ones[i].young.n_served, cases[i].n);
        assert_true(ones[i].young.good);
    }
    pthread_barrier_wait(&all_done);
    for (size_t i = 0; i < CASES; i++)
        pthread_join(threads[i], NULL);
    all_must_be_sound();
}

static void a_heap_that_lies_ready_is_taken_before_a_starter(void **state)
{
    (void)state;
    get(16);
    struct young first = {.bytes = 64}, second = {.bytes = 64};
    in_thread(count_starter_blocks, &first);
    in_thread(count_starter_blocks, &second);
    assert_int_equal(first.n_served, 8);
    assert_int_equal(second.n_served, 0);
    all_must_be_sound();
}

static void credit_is_counted_for_each_class(void **state)
{
    (void)state;
    struct ash_tls *tls = calloc(1, sizeof *tls);
    for (unsigned i = 0; i < 8; i++)
        assert_true(ash_starter_credit(tls, 1));
    assert_false(ash_starter_credit(tls, 1));
    assert_true(ash_starter_credit(tls, 2));
    for (unsigned i = 0; i < 300; i++)
        assert_true(ash_starter_credit(tls, ASH_BIN_COUNT));
    free(tls);
}

static void *alloc_one_young(void *arg)
{
    struct blocks *blocks = arg;
    *blocks->at = ash_fast_malloc(blocks->bytes);
    return NULL;
}

static void *young_block(size_t bytes)
{
    void *p = NULL;
    struct blocks blocks = {&p, 1, bytes};
    in_thread(alloc_one_young, &blocks);
    assert_non_null(p);
    assert_int_equal(ash_heap_kind_of(owner_of(p)), ASH_HEAP_STARTER);
    return p;
}

static void young_threads_leave_nothing_behind(void **state)
{
    (void)state;
    get(16);
    for (unsigned i = 0; i < 50; i++)
        ash_fast_free(young_block(100));
    assert_int_equal(ash_thread_count, 1);
    unsigned n_starters = 0;
    for (struct ash_heap *heap = ash_heap_first(); heap; heap = heap->all_next)
        n_starters += ash_heap_kind_of(heap) == ASH_HEAP_STARTER;
    assert_true(n_starters >= 1 && n_starters <= ash_os_cpu_count());
}

static void blocks_of_a_starter_go_home_at_once(void **state)
{
    (void)state;
    get(16);
    void *p = young_block(100);
    struct ash_meta *page = page_of(p);
    ash_fast_free(p);
    ash_page_fold(page);
    assert_ptr_equal(page->lfree, p);
    assert_int_equal(page->out, 0);
    all_must_be_sound();
}

/* Holds a lock until told to let go. */
struct holder {
    struct ash_lock *lock;
    pthread_t thread;
    _Atomic uint32_t ready, go;
};

static void *hold(void *arg)
{
    struct holder *holder = arg;
    struct ash_held held = ash_lock_take(holder->lock);
    holder->ready = 1;
    ash_os_wake(&holder->ready, 1);
    while (!holder->go)
        ash_os_wait(&holder->go, 0, 1000);
    ash_lock_drop(holder->lock, held);
    return NULL;
}

static void hold_start(struct holder *holder, struct ash_lock *lock)
{
    holder->lock = lock;
    assert_int_equal(pthread_create(&holder->thread, NULL, hold, holder), 0);
    while (!holder->ready)
        ash_os_wait(&holder->ready, 0, 1000);
}

static void hold_end(struct holder *holder)
{
    holder->go = 1;
    ash_os_wake(&holder->go, 1);
    pthread_join(holder->thread, NULL);
}

static void a_free_does_not_wait_for_a_busy_starter(void **state)
{
    (void)state;
    get(16);
    void *p = young_block(3000);
    struct ash_heap *starter = owner_of(p);
    struct ash_meta *page = page_of(p);
    struct holder holder = {0};
    hold_start(&holder, &starter->lock);
    ash_fast_free(p);
    ash_stray_send_own(&ash_tls);
    assert_int_equal(ash_xfree_count(page->xfree), 1);
    assert_ptr_equal((void *)(starter->inbox & ~ASH_INBOX_FLAGS), page);
    hold_end(&holder);
    for (unsigned i = 0; i < 256; i++)
        ash_starter_tick();
    assert_int_equal(starter->inbox, 0); /* the next visitor drains */
    assert_int_equal(page->state, ASH_PAGE_CURRENT);
    all_must_be_sound();
}

/* This thread stays on the CPU it is on. false: it cannot be told to. */
static bool pin(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(ash_os_cpu(), &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

static void a_busy_starter_is_passed_by(void **state)
{
    (void)state;
    get(16);
    ash_fast_free(young_block(100));
    if (ash_os_cpu_count() < 2 || !pin())
        skip();
    void *p = young_block(100);
    struct ash_heap *starter = owner_of(p);
    struct holder holder = {0};
    hold_start(&holder, &starter->lock);
    void *q = young_block(100);
    assert_ptr_not_equal(owner_of(q), starter);
    ash_starters_release(); /* nor does this wait */
    hold_end(&holder);
    ash_fast_free(p);
    ash_fast_free(q);
    all_must_be_sound();
}

static void free_pages_of_starters_are_given_back(void **state)
{
    (void)state;
    get(16);
    void *p = young_block(5000);
    struct ash_meta *page = page_of(p);
    ash_fast_free(p);
    ash_starters_release();
    assert_int_equal(page->kind, ASH_KIND_NONE);
    assert_int_equal(page->owner, ASH_TAG_RELEASED);
    all_must_be_sound();
}

static void *alloc_refused(void *arg)
{
    refuse_all_memory();
    errno = 0;
    *(void **)arg = ash_fast_malloc(100);
    bool refused = errno == ENOMEM;
    refuse_nothing();
    return refused ? NULL : arg;
}

static void a_starter_that_cannot_be_made_is_a_refusal(void **state)
{
    (void)state;
    get(16);
    pthread_t thread;
    void *p = &thread, *wrong = NULL;
    assert_int_equal(pthread_create(&thread, NULL, alloc_refused, &p), 0);
    pthread_join(thread, &wrong);
    assert_null(wrong);
    assert_null(p);
    ash_fast_free(young_block(100));
    all_must_be_sound();
}

static void *old_block;
static struct ash_heap *old_starter;

static int starter_is_replaced_in_the_child(void)
{
    void *p = young_block(100);
    if (owner_of(p) == old_starter || ash_heap_kind_of(old_starter) != ASH_HEAP_QUARANTINED)
        return 1;
    ash_fast_free(old_block);
    ash_stray_send_own(&ash_tls);
    if (ash_xfree_count(page_of(old_block)->xfree) != 1)
        return 2;
    ash_fast_free(p);
    return ash_verify_all(say_fault, NULL) != 0 ? 3 : 0;
}

static void a_starter_caught_by_a_fork_is_replaced(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    get(16);
    if (!pin())
        skip();
    old_block = young_block(100);
    old_starter = owner_of(old_block);
    struct holder holder = {0};
    hold_start(&holder, &old_starter->lock);
    child_must_pass(starter_is_replaced_in_the_child); /* F1 */
    hold_end(&holder);
    ash_fast_free(old_block);
    all_must_be_sound();
}

static int starter_is_kept_in_the_child(void)
{
    void *p = young_block(100);
    ash_fast_free(old_block);
    ash_fast_free(p);
    return ash_heap_kind_of(old_starter) != ASH_HEAP_STARTER ||
           ash_verify_all(say_fault, NULL) != 0;
}

static void a_starter_at_rest_survives_a_fork(void **state)
{
    (void)state;
    skip_under_tsan();
    get(16);
    old_block = young_block(100);
    old_starter = owner_of(old_block);
    child_must_pass(starter_is_kept_in_the_child);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_earns_its_heap_by_eight_blocks_or_32_kib),
        cmocka_unit_test(a_heap_that_lies_ready_is_taken_before_a_starter),
        cmocka_unit_test(credit_is_counted_for_each_class),
        cmocka_unit_test(young_threads_leave_nothing_behind),
        cmocka_unit_test(blocks_of_a_starter_go_home_at_once),
        cmocka_unit_test(a_free_does_not_wait_for_a_busy_starter),
        cmocka_unit_test(a_busy_starter_is_passed_by),
        cmocka_unit_test(free_pages_of_starters_are_given_back),
        cmocka_unit_test(a_starter_that_cannot_be_made_is_a_refusal),
        cmocka_unit_test(a_starter_caught_by_a_fork_is_replaced),
        cmocka_unit_test(a_starter_at_rest_survives_a_fork),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
