/* test_walk.c: a walk meets every block once and knows what it is; verify finds what is broken. */
#include "scene.h"
#include <sched.h>

#define N 300u

struct census {
    unsigned n_live, n_free, n_unknown;
    uint64_t live_bytes;
    unsigned stop_after; /* blocks; 0: never */
};

static void *known[N];
static bool known_met[N];
static unsigned n_twice;

static bool visit(void *arg, void *block, size_t bytes, enum ash_block_state state)
{
    struct census *census = arg;
    switch (state) {
    case ASH_BLOCK_LIVE:
        census->n_live++;
        census->live_bytes += bytes;
        break;
    case ASH_BLOCK_FREE:
        census->n_free++;
        break;
    case ASH_BLOCK_UNKNOWN:
        census->n_unknown++;
        break;
    }
    for (unsigned i = 0; i < N; i++)
        if (known[i] == block && state == ASH_BLOCK_LIVE) {
            n_twice += known_met[i];
            known_met[i] = true;
        }
    unsigned n = census->n_live + census->n_free + census->n_unknown;
    return census->stop_after == 0 || n < census->stop_after;
}

static struct census walk(struct ash_heap *heap)
{
    struct census census = {0};
    memset(known_met, 0, sizeof known_met);
    n_twice = 0;
    assert_true(ash_walk(heap, visit, &census));
    assert_int_equal(n_twice, 0);
    return census;
}

static unsigned n_met(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N; i++)
        n += known_met[i];
    return n;
}

static void a_walk_meets_every_live_block_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N; i++)
        known[i] = get(1 + i * 613 % 150000);
    struct census census = walk(NULL);
    assert_int_equal(n_met(), N);
    assert_int_equal(census.n_live, N);
    assert_int_equal(census.n_unknown, 0);
    for (unsigned i = 0; i < N; i += 3) {
        ash_fast_free(known[i]);
        known[i] = NULL;
    }
    census = walk(NULL);
    assert_int_equal(census.n_live, N - N / 3);
    assert_int_equal(n_met(), N - N / 3);
    struct ash_count count;
    ash_count_all(&count);
    assert_int_equal(census.n_live, count.live_blocks);
    assert_int_equal(census.live_bytes, count.live_bytes);
}

static void blocks_in_mailboxes_bins_and_holes_are_free(void **state)
{
    (void)state;
    get_many(known, N, 256);
    free_in_thread(known, 40);
    memset(known, 0, 40 * sizeof *known);
    my_heap();
    put_many(known + 60, 100);
    memset(known + 60, 0, 100 * sizeof *known);
    assert_int_equal(walk(NULL).n_live, N - 140);
    ash_holes_scan(my_heap(), true);
    struct census census = walk(NULL);
    assert_int_equal(census.n_live, N - 140);
    assert_true(census.n_free >= 140);
    assert_int_equal(n_met(), N - 140);
}

static void objects_of_all_sizes_are_met(void **state)
{
    (void)state;
    known[0] = get(70000);
    known[1] = get(10 << 20);
    known[2] = get(ASH_REGION_BYTES / 2 + 1);
    known[3] = ash_alloc_aligned(ASH_REGION_BYTES / 2, 3 * ASH_REGION_BYTES);
    assert_non_null(known[3]);
    struct census census = walk(NULL);
    assert_int_equal(n_met(), 4);
    assert_int_equal(census.n_live, 4);
}

static void pages_of_running_threads_are_unknown(void **state)
{
    (void)state;
    get(16);
    void *theirs[40];
    struct guest guest = {.at = theirs, .n = 40, .bytes = 100};
    guest_start(&guest);
    struct census census = walk(NULL);
    assert_int_equal(census.n_live, 1);
    assert_true(census.n_unknown >= 40);
    guest_end(&guest);
    census = walk(NULL); /* an orphan's are known */
    assert_int_equal(census.n_live, 41);
    assert_int_equal(census.n_unknown, 0);
    assert_int_equal(guest.heap->inbox, ASH_INBOX_ORPHAN);
}

static void *alloc_young(void *arg)
{
    *(void **)arg = ash_fast_malloc(100);
    return NULL;
}

static void blocks_of_starters_are_known(void **state)
{
    (void)state;
    get(16);
    in_thread(alloc_young, &known[0]);
    struct census census = walk(NULL);
    assert_int_equal(n_met(), 1);
    assert_int_equal(census.n_live, 2);
    assert_int_equal(census.n_unknown, 0);
}

static void a_walk_of_a_named_heap_meets_its_own(void **state)
{
    (void)state;
    struct ash_heap *heap = ash_named_new(), *other = ash_named_new();
    for (unsigned i = 0; i < N; i++) {
        known[i] = ash_named_alloc(heap, 16, 1 + i * 613 % 150000);
        assert_non_null(ash_named_alloc(other, 16, 50 + i));
        get(60 + i);
    }
    get(200000);
    struct census census = walk(heap);
    assert_int_equal(n_met(), N);
    assert_int_equal(census.n_live, N);
    assert_non_null(ash_named_alloc(heap, 16, ASH_REGION_BYTES / 2 + 1));
    assert_int_equal(walk(heap).n_live, N + 1);
    ash_named_free_all(heap);
    assert_int_equal(walk(heap).n_live, 0);
    assert_int_equal(walk(other).n_live, N);
}

static _Atomic bool churning;

static void *churn_huge(void *arg)
{
    (void)arg;
    while (atomic_load(&churning)) {
        void *p = get(ASH_REGION_BYTES / 2 + 1);
        sched_yield();
        ash_fast_free(p);
    }
    return NULL;
}

/* Without the lock around a huge head this faults in one run of three. */
static void huge_objects_may_vanish_under_a_walk(void **state)
{
    (void)state;
    pthread_t thread;
    atomic_store(&churning, true);
    assert_int_equal(pthread_create(&thread, NULL, churn_huge, NULL), 0);
    for (unsigned i = 0, n_met_huge = 0; i < 5000 && n_met_huge < 100; i++)
        n_met_huge += walk(NULL).live_bytes > ASH_REGION_BYTES / 2;
    atomic_store(&churning, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void the_visitor_can_end_the_walk(void **state)
{
    (void)state;
    get_many(known, N, 1000);
    get(100000);
    get(ASH_REGION_BYTES / 2 + 1);
    for (unsigned stop = 1; stop < 310; stop += 44) {
        struct census census = {.stop_after = stop};
        if (!ash_walk(NULL, visit, &census))
            assert_int_equal(census.n_live + census.n_free + census.n_unknown, stop);
    }
    struct census all = walk(NULL);
    struct census census = {.stop_after = all.n_live + all.n_free};
    assert_false(ash_walk(NULL, visit, &census)); /* at the huge object, the last */
}

static bool visit_and_allocate(void *arg, void *block, size_t bytes, enum ash_block_state state)
{
    (void)block, (void)bytes, (void)state;
    ash_fast_free(get(700));
    ash_fast_free(get(100000));
    ++*(unsigned *)arg;
    return true;
}

static void the_visitor_may_allocate(void **state)
{
    (void)state;
    get_many(known, N, 300);
    unsigned n = 0;
    assert_true(ash_walk(NULL, visit_and_allocate, &n));
    assert_true(n >= N);
    all_must_be_sound();
}

/* ---- verify ---- */

static const char *last_why;

static void note_fault(void *arg, const void *page, const char *why)
{
    assert_ptr_equal(page, arg);
    last_why = why;
}

static void verify_calls_for_each_fault(void **state)
{
    (void)state;
    get_many(known, 80, 1000);
    all_must_be_sound();
    struct ash_meta *page = page_of(known[0]);
    void *start = (void *)page->start;
    page->out++;
    assert_int_equal(ash_verify_all(note_fault, start), 1);
    assert_string_equal(last_why, "H4: blocks are missing");
    assert_int_equal(ash_verify_all(NULL, NULL), 1);
    page->out--;
    uintptr_t owner = page->owner;
    page->owner = (uintptr_t)&ash_heap_none;
    assert_int_equal(ash_verify_all(note_fault, start), 1);
    assert_string_equal(last_why, "H1: a page is on the list of another heap");
    page->owner = owner;
    all_must_be_sound();
}

static void verify_looks_into_the_bins(void **state)
{
    (void)state;
    void *p = get(1000), *q = get(2000);
    struct ash_meta *page = page_of(p);
    void **bin = &ash_tls.bin[page->cls], *saved = *bin;
    *bin = q;
    *(void **)q = NULL;
    assert_int_equal(ash_verify_all(note_fault, (void *)page->start), 1);
    assert_string_equal(last_why, "H3: the bin holds a block of another page");
    *bin = p;
    *(void **)p = p; /* a ring */
    assert_int_equal(ash_verify_all(note_fault, (void *)page->start), 1);
    assert_string_equal(last_why, "H2: the bin is longer than what its page gave out");
    *bin = saved;
    all_must_be_sound();
}

static void heaps_set_aside_are_not_verified(void **state)
{
    (void)state;
    struct ash_heap *heap = ash_named_new();
    known[0] = ash_named_alloc(heap, 16, 100);
    page_of(known[0])->out++;
    assert_int_equal(ash_verify_all(NULL, NULL), 1);
    ash_heap_quarantine(heap);
    assert_int_equal(ash_verify_all(NULL, NULL), 0);
    struct census census = {0};
    assert_true(ash_walk(NULL, visit, &census));
    assert_int_equal(census.n_live, 0);
    assert_true(census.n_unknown > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_meets_every_live_block_once),
        cmocka_unit_test(blocks_in_mailboxes_bins_and_holes_are_free),
        cmocka_unit_test(objects_of_all_sizes_are_met),
        cmocka_unit_test(pages_of_running_threads_are_unknown),
        cmocka_unit_test(blocks_of_starters_are_known),
        cmocka_unit_test(a_walk_of_a_named_heap_meets_its_own),
        cmocka_unit_test(huge_objects_may_vanish_under_a_walk),
        cmocka_unit_test(the_visitor_can_end_the_walk),
        cmocka_unit_test(the_visitor_may_allocate),
        cmocka_unit_test(verify_calls_for_each_fault),
        cmocka_unit_test(verify_looks_into_the_bins),
        cmocka_unit_test(heaps_set_aside_are_not_verified),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
