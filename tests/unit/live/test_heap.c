/* test_heap.c: statistics from outside equal the library's own; damaged memory is survived.
 *
 * The reader is pointed at this process: at the library in it, and at a made-up heap.
 */
#include "live/live.h"
#include "api/anchor.h"
#include "ashlar.h"
#include "base/rng.h"
#include "child.h"
#include "heap/heap.h"
#include <pthread.h>

/* ---- the library in this process ---- */

static void read_self(struct ash_stat_values *ret_values)
{
    struct ash_live live;
    assert_int_equal(ash_live_attach(getpid(), &live), ASH_LIVE_OK);
    assert_int_equal(ash_live_stats(&live, ret_values), ASH_LIVE_OK);
}

static void assert_same(const struct ash_stat_values *read)
{
    struct ash_count own;
    ash_count_all(&own);
    assert_int_equal(read->malloc_count, own.malloc_count);
    assert_int_equal(read->free_count, own.free_count);
    assert_int_equal(read->remote_free_count, own.remote_free_count);
    assert_int_equal(read->live_blocks, own.live_blocks);
    assert_int_equal(read->live_bytes, own.live_bytes);
    assert_int_equal(read->mapped_bytes, own.mapped_bytes);
    assert_int_equal(read->committed_bytes, own.committed_bytes);
    assert_int_equal(read->peak_committed_bytes, own.peak_committed_bytes);
    assert_int_equal(read->dirty_bytes, own.dirty_bytes);
    assert_int_equal(read->purged_bytes, own.purged_bytes);
    assert_int_equal(read->region_count, own.region_count);
    assert_int_equal(read->page_count, own.page_count);
    assert_int_equal(read->large_count, own.large_count);
    assert_int_equal(read->large_bytes, own.large_bytes);
    assert_int_equal(read->huge_count, own.huge_count);
    assert_int_equal(read->huge_bytes, own.huge_bytes);
    assert_int_equal(read->thread_count, own.thread_count);
    assert_int_equal(read->orphan_count, own.orphan_count);
    assert_int_equal(read->starter_bytes, own.starter_bytes);
    assert_int_equal(read->retained_bytes, own.retained_bytes);
    assert_int_equal(read->limit_bytes, own.limit_bytes);
}

#define BLOCKS 4000

static void *free_some(void *blocks)
{
    void **p = blocks;
    for (int i = 0; i < BLOCKS; i += 3) {
        ashlar_free(p[i]);
        p[i] = ashlar_malloc(40);
    }
    return NULL;
}

static void outside_and_inside_agree(void **state)
{
    (void)state;
    static void *blocks[BLOCKS];
    uint64_t seed = 99;
    struct ash_stat_values read;
    ash_threads_init();
    ash_anchor_start(NULL);
    read_self(&read);
    assert_same(&read);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = ashlar_malloc(ash_rng_next(&seed) % (i % 50 ? 2000 : 300000));
        assert_non_null(blocks[i]);
    }
    void *huge = ashlar_malloc((size_t)1 << 30);
    assert_non_null(huge);
    read_self(&read);
    assert_same(&read);
    assert_true(read.live_blocks > BLOCKS);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_some, blocks), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ashlar_free(huge);
    read_self(&read);
    assert_same(&read);
    for (int i = 0; i < BLOCKS; i++)
        ashlar_free(blocks[i]);
    read_self(&read);
    assert_same(&read);
}

/* ---- a made-up heap, 8 groups of 8 slices of 4 KiB, to be damaged ---- */

#define SLICE_SHIFT 12
#define GROUP_SHIFT 15
#define REGION_SHIFT 18
#define GROUPS_AT 8192
#define REGION_AT (GROUPS_AT + 8 * 64)
#define FAKE_BINS 8

struct fake_heap {
    uint64_t next, inbox, tls, handed, remote, kind;
    uint64_t pad[2];
};

static struct {
    char region[16384];
    struct fake_heap heaps[4];
    uint64_t tls[FAKE_BINS];
    uint32_t class_bytes[FAKE_BINS];
    uint64_t blocks[64] __attribute__((aligned(16)));
    uint64_t regions, first_heap, counter;
} fake;

static uint64_t at(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static struct ash_live fake_live(void)
{
    struct ash_live live = {.pid = getpid()};
    live.anchor = (struct ash_anchor){.layout = ASH_ANCHOR_LAYOUT,
                                      .region_shift = REGION_SHIFT,
                                      .slice_shift = SLICE_SHIFT,
                                      .group_shift = GROUP_SHIFT,
                                      .first_group = 1,
                                      .regions = at(&fake.regions),
                                      .region_next = 0,
                                      .region_base = 8,
                                      .region_open_end = 16,
                                      .groups_offset = GROUPS_AT,
                                      .group_bytes = 64,
                                      .group_free = 0,
                                      .group_span = 4,
                                      .meta_bytes = 128,
                                      .meta_owner = 0,
                                      .meta_kind = 8,
                                      .meta_bsize = 16,
                                      .meta_n_slices = 24,
                                      .meta_attn = 32,
                                      .meta_attn0 = 40,
                                      .meta_out = 48,
                                      .meta_carved = 56,
                                      .meta_state = 64,
                                      .meta_xfree = 72,
                                      .kind_small = 1,
                                      .kind_medium = 2,
                                      .state_empty = 4,
                                      .heaps = at(&fake.first_heap),
                                      .heap_bytes = sizeof(struct fake_heap),
                                      .heap_next = 0,
                                      .heap_inbox = 8,
                                      .heap_tls = 16,
                                      .heap_handed = 24,
                                      .heap_remote = 32,
                                      .heap_kind = 40,
                                      .heap_kind_thread = 1,
                                      .heap_kind_starter = 2,
                                      .inbox_orphan = 1,
                                      .tls_bins = 0,
                                      .bin_count = FAKE_BINS,
                                      .class_bytes = at(fake.class_bytes),
                                      .page_bytes_max = sizeof(fake.blocks)};
#define X(name) live.anchor.name = at(&fake.counter);
    ASH_ANCHOR_COUNTERS(X)
#undef X
    return live;
}

static void put_u64(size_t offset, uint64_t x)
{
    memcpy(fake.region + offset, &x, sizeof(x));
}

/* One region with one group in use, whose first slice is a page of 32-byte blocks, 10 out. */
static void make_fake(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.regions = at(fake.region + REGION_AT);
    fake.first_heap = at(&fake.heaps[0]);
    put_u64(REGION_AT + 8, at(fake.region));
    put_u64(REGION_AT + 16, 2);
    put_u64(GROUPS_AT + 64, 0x7f);
    size_t meta = 8 * 128;
    put_u64(meta, at(&fake.heaps[0]));
    put_u64(meta + 8, 1);
    put_u64(meta + 16, 32);
    put_u64(meta + 48, 10);
    put_u64(meta + 56, 20);
    fake.heaps[0] = (struct fake_heap){
        .next = at(&fake.heaps[1]), .kind = 1, .handed = 100, .tls = at(fake.tls)};
    fake.heaps[1] = (struct fake_heap){.kind = 1, .inbox = 1, .handed = 5};
    fake.class_bytes[3] = 32;
    fake.tls[3] = at(&fake.blocks[0]); /* three blocks in a list: nobody has them */
    fake.blocks[0] = at(&fake.blocks[4]);
    fake.blocks[4] = at(&fake.blocks[8]);
}

static void a_made_up_heap_is_counted(void **state)
{
    (void)state;
    make_fake();
    struct ash_live live = fake_live();
    struct ash_stat_values values;
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_OK);
    assert_int_equal(values.page_count, 1);
    assert_int_equal(values.live_blocks, 7);
    assert_int_equal(values.live_bytes, 7 * 32);
    assert_int_equal(values.malloc_count, 102);
    assert_int_equal(values.orphan_count, 1);
    assert_int_equal(values.region_count, 1);
}

static void lists_in_circles_end(void **state)
{
    (void)state;
    struct ash_live live = fake_live();
    struct ash_stat_values values;
    make_fake();
    fake.heaps[1].next = at(&fake.heaps[0]);
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_GONE);
    make_fake();
    put_u64(REGION_AT, at(fake.region + REGION_AT));
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_GONE);
    make_fake();
    fake.blocks[8] = at(&fake.blocks[0]);
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_OK);
}

static void pointers_to_nothing_are_no_fault(void **state)
{
    (void)state;
    struct ash_live live = fake_live();
    struct ash_stat_values values;
    make_fake();
    fake.heaps[1].next = 8;
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_GONE);
    make_fake();
    fake.heaps[0].tls = 4096; /* the thread has just ended */
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_OK);
    assert_int_equal(values.live_blocks, 10);
    make_fake();
    fake.blocks[4] = UINT64_MAX - 15;
    assert_int_equal(ash_live_stats(&live, &values), ASH_LIVE_OK);
}

static void any_damage_ends_in_an_answer(void **state)
{
    (void)state;
    uint64_t seed = 20261;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct ash_live live = fake_live();
    struct ash_stat_values values;
    for (int i = 0; i < 4000; i++) {
        make_fake();
        uint64_t *words = (uint64_t *)&fake;
        for (int k = 0; k < 8; k++) {
            uint64_t wrong = ash_rng_next(&seed);
            if (k % 2) /* or an address of the made-up heap itself */
                wrong = at(&fake) + wrong % sizeof(fake) / 8 * 8;
            words[ash_rng_next(&seed) % (sizeof(fake) / sizeof(words[0]))] = wrong;
        }
        enum ash_live_error error = ash_live_stats(&live, &values);
        assert_true(error == ASH_LIVE_OK || error == ASH_LIVE_GONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_and_inside_agree),
        cmocka_unit_test(a_made_up_heap_is_counted),
        cmocka_unit_test(lists_in_circles_end),
        cmocka_unit_test(pointers_to_nothing_are_no_fault),
        cmocka_unit_test(any_damage_ends_in_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
