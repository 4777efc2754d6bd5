/* test_threads.c: birth, exit, orphans, adoption, trims, and the repair after a fork (F1 to F4,
 * F8, F10, H10, R7). */
#include "scene.h"
#include <sys/syscall.h>

#define N 40u

static unsigned heaps_of_threads(void)
{
    unsigned n = 0;
    for (struct ash_heap *heap = ash_heap_first(); heap; heap = heap->all_next)
        n += ash_heap_kind_of(heap) == ASH_HEAP_THREAD;
    return n;
}

/* ---- birth and exit ---- */

static void the_first_thread_has_a_heap_at_once(void **state)
{
    (void)state;
    assert_null(ash_heap_first());
    void *p = get(16);
    assert_ptr_equal(owner_of(p), ash_tls.self);
    assert_int_equal(ash_heap_kind_of(ash_tls.self), ASH_HEAP_THREAD);
    assert_ptr_equal(ash_tls.self->tls, &ash_tls);
    assert_int_equal(ash_thread_count, 1);
    assert_int_equal(ash_tls.state, ASH_TLS_KEYED);
}

static void exit_makes_the_heap_an_orphan_and_keeps_its_blocks(void **state)
{
    (void)state;
    get(16);
    void *blocks[N];
    alloc_in_thread(blocks, N, 100);
    struct ash_heap *orphan = owner_of(blocks[0]);
    assert_ptr_not_equal(orphan, ash_tls.self);
    assert_int_equal(orphan->inbox, ASH_INBOX_ORPHAN); /* R7 */
    assert_null(orphan->tls);
    assert_int_equal(orphan->busy, 0);
    assert_int_equal(orphan->page_count, 1); /* empty pages went */
    assert_int_equal(orphan->retained_bytes, 0);
    assert_int_equal(ash_thread_count, 1);
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++)
        assert_null(orphan->cur[c]);
    for (unsigned i = 0; i < N; i++)
        memset(blocks[i], 1, 100);
    all_must_be_sound();
}

static void exit_puts_the_bins_back(void **state)
{
    (void)state;
    get(16);
    void *blocks[N];
    alloc_in_thread(blocks, N, 1000);
    struct ash_meta *page = page_of(blocks[0]);
    assert_int_equal(page->out, N); /* nothing is lost in a bin */
    assert_int_equal(page->lcnt, ash_meta_carved(page) - N);
    assert_int_equal(owner_of(blocks[0])->handed_count, N + 1); /* one by my_heap */
}

static void a_new_thread_adopts_an_orphan_whole(void **state)
{
    (void)state;
    get(16);
    void *first[N], *second[10];
    alloc_in_thread(first, N, 1000);
    alloc_in_thread(second, 10, 1000);
    assert_ptr_equal(owner_of(second[0]), owner_of(first[0]));
    assert_ptr_equal(page_of(second[0]), page_of(first[0]));
    assert_int_equal(heaps_of_threads(), 2);
    all_must_be_sound();
}

static void thread_after_thread_needs_one_heap(void **state)
{
    (void)state;
    get(16);
    for (unsigned i = 0; i < 60; i++) {
        void *p;
        alloc_in_thread(&p, 1, 100);
        ash_fast_free(p);
    }
    assert_int_equal(heaps_of_threads(), 2);
    ash_threads_trim();
    assert_true(ash_space_count.live <= 2);
}

static void an_orphan_that_somebody_sweeps_is_passed_over(void **state)
{
    (void)state;
    get(16);
    void *first[N], *second[N];
    alloc_in_thread(first, N, 100);
    struct ash_heap *orphan = owner_of(first[0]);
    orphan->inbox = ASH_INBOX_ORPHAN | ASH_INBOX_HELD;
    alloc_in_thread(second, N, 100);
    assert_ptr_not_equal(owner_of(second[0]), orphan);
    assert_int_equal(orphan->busy, 0);
    orphan->inbox = ASH_INBOX_ORPHAN;
    all_must_be_sound();
}

static pthread_key_t late_key;
static struct {
    unsigned rounds;
    unsigned state;
    struct ash_heap *owner;
    bool good;
} late;

/* Runs behind the library's own destructor in each round. */
static void allocate_late(void *arg)
{
    late.rounds++;
    unsigned char *p = ash_fast_malloc(200);
    unsigned char *q = ash_alloc_zeroed(1, 3000);
    late.good = p && q && all_bytes_are(q, 0, 3000);
    late.state = ash_tls.state;
    late.owner = p ? owner_of(p) : NULL;
    ash_fast_free(p);
    ash_fast_free(q);
    ash_fast_free(arg);
    if (late.rounds < 4)
        pthread_setspecific(late_key, ash_fast_malloc(50));
}

static void *set_late_key(void *arg)
{
    my_heap();
    pthread_setspecific(late_key, ash_fast_malloc(50));
    return arg;
}

static void a_dying_thread_is_served_to_the_end(void **state)
{
    (void)state;
    get(16);
    assert_int_equal(pthread_key_create(&late_key, allocate_late), 0);
    in_thread(set_late_key, NULL);
    assert_int_equal(late.rounds, 4);
    assert_true(late.good);
    assert_int_equal(late.state, ASH_TLS_EXITED); /* F10 */
    assert_int_equal(ash_heap_kind_of(late.owner), ASH_HEAP_STARTER);
    assert_int_equal(ash_thread_count, 1);
    all_must_be_sound();
    struct ash_count count;
    ash_count_all(&count);
    assert_int_equal(count.live_blocks, 1);
}

static void descriptors_come_from_more_than_one_mapping(void **state)
{
    (void)state;
    struct ash_heap *heaps[100];
    for (unsigned i = 0; i < 100; i++) {
        heaps[i] = ash_heap_new(ASH_HEAP_NAMED);
        assert_non_null(heaps[i]);
        assert_ptr_equal(ash_heap_first(), heaps[i]);
        assert_null(heaps[i]->pages);
        for (unsigned k = 0; k < i; k++)
            assert_ptr_not_equal(heaps[i], heaps[k]);
    }
    refuse_all_memory();
    unsigned n = 0;
    while (n < 1000 && ash_heap_new(ASH_HEAP_NAMED))
        n++;
    refuse_nothing();
    assert_true(n < 100);
}

static void *alloc_when_refused(void *arg)
{
    memset(ash_tls.credit, UINT8_MAX, sizeof ash_tls.credit);
    refuse_all_memory();
    *(void **)arg = ash_fast_malloc(100);
    refuse_nothing();
    if (*(void **)arg)
        return NULL;
    *(void **)arg = ash_fast_malloc(100);
    return arg;
}

static void a_thread_without_a_descriptor_is_refused_and_tries_again(void **state)
{
    (void)state;
    get(16);
    void *p = NULL;
    in_thread(alloc_when_refused, &p);
    assert_non_null(p);
    all_must_be_sound();
}

/* ---- slow paths inside slow paths ---- */

static void a_busy_heap_is_not_entered(void **state)
{
    (void)state;
    struct ash_heap *heap = my_heap();
    heap->busy = 1; /* as a signal handler finds it */
    void *p = get(3000);
    assert_ptr_not_equal(owner_of(p), heap); /* H10 */
    assert_int_equal(ash_heap_kind_of(owner_of(p)), ASH_HEAP_STARTER);
    ash_thread_idle();
    assert_int_equal(heap->busy, 1);
    heap->busy = 0;
    ash_fast_free(p);
    all_must_be_sound();
}

static void idle_without_a_heap_is_nothing(void **state)
{
    (void)state;
    ash_thread_idle();
    assert_ptr_equal(ash_tls.self, &ash_heap_none);
}

/* ---- trims ---- */

static void trim_gives_free_memory_back(void **state)
{
    (void)state;
    void *blocks[200];
    get_many(blocks, 200, 30000);
    for (unsigned i = 0; i < 200; i++)
        memset(blocks[i], 1, 30000);
    put_many(blocks, 200);
    assert_true(ash_threads_trim() > 0);
    assert_int_equal(ash_space_count.dirty, 0);
    assert_int_equal(ash_space_count.live, 0);
    assert_int_equal(ash_threads_trim(), 0);
}

static void trim_reaches_orphans(void **state)
{
    (void)state;
    get(16);
    void *blocks[64];
    alloc_in_thread(blocks, 64, 1000);
    struct ash_heap *orphan = owner_of(blocks[0]);
    uint64_t purged = ash_space_count.purged_bytes;
    put_many(blocks + 8, 48);
    assert_true(ash_threads_trim() >= 40 * 1024);
    assert_true(ash_space_count.purged_bytes > purged);
    assert_true(ash_holes_some(page_of(blocks[0])));
    assert_int_equal(orphan->inbox, ASH_INBOX_ORPHAN);
    all_must_be_sound();
}

static void other_threads_answer_a_trim_at_their_next_slow_path(void **state)
{
    (void)state;
    get(16);
    void *blocks[65];
    struct guest guest = {.at = blocks, .n = 65, .bytes = 1024};
    guest_start(&guest);
    struct ash_meta *page = page_of(blocks[0]);
    put_many(blocks, 64);
    ash_stray_send_own(&ash_tls);
    ash_threads_trim();
    assert_int_not_equal(page->kind, ASH_KIND_NONE); /* its memory is its own */
    guest_end(&guest);
    assert_int_equal(page->kind, ASH_KIND_NONE);
}

/* ---- fork ---- */

static void *theirs[N], *mine[N];
static struct guest guest;

/* A block of each kind of owner, and a guest that is alive. */
static void set_scene(void)
{
    get_many(mine, N, 100);
    my_heap();
    guest = (struct guest){.at = theirs, .n = N, .bytes = 1000};
    guest_start(&guest);
}

static void *alloc_one(void *arg)
{
    my_heap();
    *(void **)arg = ash_fast_malloc(1000);
    return NULL;
}

static int free_everything_in_the_child(void)
{
    put_many(theirs, N);
    put_many(mine, N);
    ash_stray_send_own(&ash_tls);
    if (ash_heap_kind_of(guest.heap) != ASH_HEAP_THREAD || guest.heap->tls != NULL)
        return 1;
    if (ash_thread_count != 1)
        return 2;
    if (ash_verify_all(say_fault, NULL) != 0)
        return 3;
    void *p = NULL;
    in_thread(alloc_one, &p);
    if (owner_of(p) != guest.heap)
        return 4; /* the heap of the thread that is gone is adopted */
    return ash_verify_all(say_fault, NULL) != 0 ? 5 : 0;
}

static void the_child_frees_what_other_threads_allocated(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    set_scene();
    child_must_pass(free_everything_in_the_child);
    guest_end(&guest);
    put_many(theirs, N);
    all_must_be_sound(); /* the parent did not notice */
}

static int heap_is_quarantined_in_the_child(void)
{
    put_many(theirs, N);
    ash_stray_send_own(&ash_tls);
    if (ash_heap_kind_of(guest.heap) != ASH_HEAP_QUARANTINED)
        return 1;
    if (ash_xfree_count(page_of(theirs[0])->xfree) != N)
        return 2; /* its mailbox takes, and nobody looks */
    void *p = NULL;
    in_thread(alloc_one, &p);
    if (owner_of(p) == guest.heap)
        return 3;
    return ash_thread_count != 1 || ash_verify_all(say_fault, NULL) != 0 ? 4 : 0;
}

static void a_heap_caught_in_a_slow_path_is_quarantined(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    set_scene();
    guest.heap->busy = 1; /* H10 */
    child_must_pass(heap_is_quarantined_in_the_child);
    guest.heap->busy = 0;
    guest_end(&guest);
}

static int orphan_is_quarantined_in_the_child(void)
{
    ash_thread_check_fork();
    return ash_heap_kind_of(guest.heap) != ASH_HEAP_QUARANTINED;
}

static void an_orphan_caught_in_a_sweep_is_quarantined(void **state)
{
    (void)state;
    set_scene();
    guest_end(&guest);
    guest.heap->inbox = ASH_INBOX_ORPHAN | ASH_INBOX_HELD;
    child_must_pass(orphan_is_quarantined_in_the_child);
    guest.heap->inbox = ASH_INBOX_ORPHAN;
}

/* The first slow path of the child is one of a new thread: the survivor keeps its heap. */
static int orphan_can_be_adopted_in_the_child(void)
{
    struct ash_heap *own = ash_tls.self;
    void *p = NULL;
    in_thread(alloc_one, &p);
    if (owner_of(p) != guest.heap)
        return 1;
    if (own->inbox & ASH_INBOX_ORPHAN || own->tls != &ash_tls)
        return 2;
    return ash_thread_count != 1;
}

static void an_orphan_at_rest_stays_one(void **state)
{
    (void)state;
    skip_under_tsan();
    set_scene();
    guest_end(&guest);
    child_must_pass(orphan_can_be_adopted_in_the_child);
}

static struct ash_heap *own_before;

static int own_heap_is_quarantined_in_the_child(void)
{
    void *p = get(100);
    if (ash_heap_kind_of(own_before) != ASH_HEAP_QUARANTINED)
        return 1;
    if (owner_of(p) == own_before || ash_tls.self == own_before)
        return 2;
    put_many(mine, N);
    ash_fast_free(p);
    return ash_thread_count > 1 || ash_verify_all(say_fault, NULL) != 0 ? 3 : 0;
}

static void a_fork_inside_a_slow_path_gets_a_new_heap(void **state)
{
    (void)state;
    get_many(mine, N, 100);
    own_before = my_heap();
    while (ash_tls.bin[ash_class_of(100)])
        get(100);
    own_before->busy = 1; /* F3 */
    child_must_pass(own_heap_is_quarantined_in_the_child);
    own_before->busy = 0;
    all_must_be_sound();
}

static int stuck_page_works_in_the_child(void)
{
    ash_thread_check_fork();
    struct ash_meta *page = page_of(theirs[0]), *own = page_of(mine[0]);
    if ((page->xfree | own->xfree) & ASH_XFREE_NOTIFIED)
        return 1;
    put_many(theirs, N);
    ash_stray_send_own(&ash_tls);
    return page->kind != ASH_KIND_NONE ? 2 : 0; /* R9: swept and released */
}

/* The pusher was between the mailbox and the inbox. */
static void a_page_whose_pusher_is_gone_can_be_pushed_again(void **state)
{
    (void)state;
    set_scene();
    page_of(theirs[0])->xfree |= ASH_XFREE_NOTIFIED; /* R1 */
    page_of(mine[0])->xfree |= ASH_XFREE_NOTIFIED;
    child_must_pass(stuck_page_works_in_the_child);
    page_of(theirs[0])->xfree = 0;
    page_of(mine[0])->xfree = 0;
    guest_end(&guest);
}

static int cut_page_is_recounted(void)
{
    void *p = NULL;
    in_thread(alloc_one, &p);
    if (owner_of(p) != guest.heap)
        return 1;
    return ash_verify_all(say_fault, NULL) != 0 ? 2 : 0;
}

/* The owner was between the countdown and the list of a free (H6). */
static void a_free_cut_in_two_is_made_good(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    set_scene();
    struct ash_meta *page = page_of(theirs[0]);
    page->attn--;
    child_must_pass(cut_page_is_recounted);
    page->attn++;
    guest_end(&guest);
    all_must_be_sound();
}

/* A fork that runs no handlers (F4). */
static void a_raw_clone_is_noticed(void **state)
{
    (void)state;
    skip_if_emulated();
    set_scene();
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    assert_true(pid >= 0);
    if (pid == 0) {
        put_many(theirs, N);
        ash_stray_send_own(&ash_tls);
        _exit(guest.heap->tls != NULL || ash_verify_all(NULL, NULL) != 0);
    }
    int status;
    assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
    assert_int_equal(status, 0);
    guest_end(&guest);
}

static int grandchild_works(void)
{
    put_many(theirs, N / 2);
    ash_stray_send_own(&ash_tls);
    child_must_pass(cut_page_is_recounted);
    put_many(theirs + N / 2, N / 2);
    return ash_verify_all(say_fault, NULL) != 0;
}

static void a_fork_in_a_child_is_repaired_too(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    set_scene();
    child_must_pass(grandchild_works);
    guest_end(&guest);
}

static int allocates_first_and_forks(void)
{
    if (ash_heap_first() != NULL)
        return 1;
    set_scene();
    child_must_pass(cut_page_is_recounted);
    guest_end(&guest);
    return ash_verify_all(say_fault, NULL) != 0 ? 2 : 0;
}

/* What notices forks is made by the first slow path: here in the child. */
static void a_child_of_a_process_that_never_allocated_may_fork(void **state)
{
    (void)state;
    skip_if_emulated();
    skip_under_tsan();
    child_must_pass(allocates_first_and_forks);
    assert_null(ash_heap_first());
}

static void a_fork_without_handlers_ready_is_nothing(void **state)
{
    (void)state;
    ash_thread_check_fork();
    ash_thread_check_fork();
    assert_ptr_equal(ash_tls.self, &ash_heap_none);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_thread_has_a_heap_at_once),
        cmocka_unit_test(exit_makes_the_heap_an_orphan_and_keeps_its_blocks),
        cmocka_unit_test(exit_puts_the_bins_back),
        cmocka_unit_test(a_new_thread_adopts_an_orphan_whole),
        cmocka_unit_test(thread_after_thread_needs_one_heap),
        cmocka_unit_test(an_orphan_that_somebody_sweeps_is_passed_over),
        cmocka_unit_test(a_dying_thread_is_served_to_the_end),
        cmocka_unit_test(descriptors_come_from_more_than_one_mapping),
        cmocka_unit_test(a_thread_without_a_descriptor_is_refused_and_tries_again),
        cmocka_unit_test(a_busy_heap_is_not_entered),
        cmocka_unit_test(idle_without_a_heap_is_nothing),
        cmocka_unit_test(trim_gives_free_memory_back),
        cmocka_unit_test(trim_reaches_orphans),
        cmocka_unit_test(other_threads_answer_a_trim_at_their_next_slow_path),
        cmocka_unit_test(the_child_frees_what_other_threads_allocated),
        cmocka_unit_test(a_heap_caught_in_a_slow_path_is_quarantined),
        cmocka_unit_test(an_orphan_caught_in_a_sweep_is_quarantined),
        cmocka_unit_test(an_orphan_at_rest_stays_one),
        cmocka_unit_test(a_fork_inside_a_slow_path_gets_a_new_heap),
        cmocka_unit_test(a_page_whose_pusher_is_gone_can_be_pushed_again),
        cmocka_unit_test(a_free_cut_in_two_is_made_good),
        cmocka_unit_test(a_raw_clone_is_noticed),
        cmocka_unit_test(a_fork_in_a_child_is_repaired_too),
        cmocka_unit_test(a_child_of_a_process_that_never_allocated_may_fork),
        cmocka_unit_test(a_fork_without_handlers_ready_is_nothing),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
