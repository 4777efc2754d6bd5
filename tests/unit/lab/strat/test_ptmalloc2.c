/* test_ptmalloc2.c: what is known of glibc 2.36, fact by fact; and the addresses of the real one.
 *
 * The comparison needs a heap that nobody used before: the program starts itself anew for it.
 */
#include "ground.h"
#include "base/rng.h"
#include <gnu/libc-version.h>
#include <malloc.h>

/* --- facts --- */

static void seven_chunks_of_a_size_wait_in_the_thread_cache(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_ptmalloc2);
    char *blocks[12];
    for (unsigned i = 0; i < 12; i++)
        blocks[i] = ground_alloc(&ground, 300);
    for (unsigned i = 0; i < 12; i++)
        ground_free(&ground, blocks[i]);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 7 * 320);
    ground_close(&ground);
}

static void small_chunks_beyond_the_cache_are_fast_and_not_joined(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_ptmalloc2);
    char *blocks[12];
    for (unsigned i = 0; i < 12; i++)
        blocks[i] = ground_alloc(&ground, 100);
    for (unsigned i = 0; i < 12; i++)
        ground_free(&ground, blocks[i]);
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 12 * 112);
    ground_alloc(&ground, 1500); /* a large request joins them: five go to the top */
    assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), 7 * 112);
    ground_close(&ground);
}

static void growth_leaves_a_pad_and_trimming_keeps_it(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_ptmalloc2);
    char *blocks[4];
    ground_alloc(&ground, 1);
    assert_int_equal(ground_mapped(&ground), 132 << 10); /* what every small program shows */
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = ground_alloc(&ground, 120000);
    size_t mapped = ground_mapped(&ground);
    for (unsigned i = 4; i-- > 0;)
        ground_free(&ground, blocks[i]);
    assert_true(ground_mapped(&ground) < mapped);
    assert_true(ground_mapped(&ground) <= (136 << 10));
    ground_close(&ground);
}

static void the_threshold_of_mappings_rises(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_ptmalloc2);
    ground_alloc(&ground, 1);
    const struct ash_lab_memory_count *count = ash_lab_memory_count(ground.memory);
    char *p = ground_alloc(&ground, 1 << 20);
    assert_int_equal(count->n_map, 1);
    assert_int_equal((uintptr_t)p % 4096, 16);
    ground_free(&ground, p);
    ground_alloc(&ground, 1 << 19); /* below the size that was freed: from the top */
    assert_int_equal(count->n_map, 1);
    ground_alloc(&ground, 1 << 21);
    assert_int_equal(count->n_map, 2);
    ground_close(&ground);
}

static void threads_get_arenas_up_to_eight_per_cpu(void **state)
{
    (void)state;
    enum { N = 18 }; /* two CPUs */
    struct ground ground = {0};
    void *slots[N] = {NULL};
    uintptr_t heaps[N];
    ground_open(&ground, &ash_lab_ptmalloc2);
    for (unsigned i = 0; i < N; i++) {
        ash_lab_memory_set_thread(ground.memory, i, &slots[i]);
        heaps[i] = (uintptr_t)ground_alloc(&ground, 100) >> 26;
    }
    for (unsigned i = 1; i < 16; i++)
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(heaps[i], heaps[k]);
    assert_int_equal(heaps[16], heaps[0]); /* in turn */
    ash_lab_memory_set_thread(ground.memory, 5, &slots[5]);
    ground.strategy->thread(ground.self, ASH_LAB_WENT);
    assert_null(slots[5]);
    ground_alloc(&ground, 100);
    assert_int_equal((uintptr_t)ground_alloc(&ground, 100) >> 26, heaps[5]); /* left by it */
    ground_close(&ground);
}

static void a_second_heap_goes_when_it_is_empty(void **state)
{
    (void)state;
    struct ground ground = {0};
    void *slot = NULL;
    ground_open(&ground, &ash_lab_ptmalloc2);
    ground_alloc(&ground, 1);
    ash_lab_memory_set_thread(ground.memory, 1, &slot);
    static char *blocks[800];
    for (unsigned i = 0; i < ASH_COUNT_OF(blocks); i++)
        blocks[i] = ground_alloc(&ground, 100000);
    size_t mapped = ground_mapped(&ground);
    assert_true(mapped > (size_t)128 << 20);
    assert_true(ground.strategy->check(ground.self));
    for (unsigned i = ASH_COUNT_OF(blocks); i-- > 0;)
        ground_free(&ground, blocks[i]);
    assert_int_equal(ground_mapped(&ground), mapped - ((size_t)64 << 20));
    assert_true(ash_lab_memory_resident(ground.memory) < 1 << 20);
    ground_close(&ground);
}

/* --- the real one --- */

#define N_BLOCKS 3000

struct pair {
    char *real, *model;
};

/* false: both lie in the main heap, and not at the same place in it. */
static bool agree(const struct pair *pair, const struct pair *first)
{
    size_t real = (size_t)(pair->real - first->real), model = (size_t)(pair->model - first->model);
    bool is_far = real >> 32 != 0;
    return is_far == (model >> 32 != 0) && (is_far || real == model);
}

/* The same random calls to both. Returns the number of the first that differs, or -1. */
static long compare(uint64_t seed, unsigned size_log2_max)
{
    static struct pair pairs[N_BLOCKS];
    struct ground ground = {0};
    const struct ash_lab_strategy *strategy = &ash_lab_ptmalloc2;
    struct pair first = {NULL, NULL};
    ground_open(&ground, strategy);
    for (long i = 0; i < 40000; i++) {
        uint64_t x = ash_rng_next(&seed);
        struct pair *pair = &pairs[(x >> 8) % N_BLOCKS];
        size_t size = (x >> 32) % ((size_t)1 << (x >> 20) % (size_log2_max + 1)) + 1;
        size_t align = (x & 0xf0) == 0 ? (size_t)32 << (x >> 4) % 6 : 16;
        if (pair->real && x % 8 < 2 && size_log2_max < 17) {
            pair->model = strategy->resize(ground.self, pair->model, size);
            pair->real = realloc(pair->real, size);
        } else if (pair->real) {
            strategy->free(ground.self, pair->model);
            free(pair->real);
            *pair = (struct pair){NULL, NULL};
            continue;
        } else {
            pair->model = strategy->alloc(ground.self, size, align);
            pair->real = align > 16 ? memalign(align, size) : malloc(size);
        }
        first = first.real ? first : *pair;
        if (!pair->model || !pair->real || !agree(pair, &first) ||
            malloc_usable_size(pair->real) != strategy->usable(ground.self, pair->model))
            return i;
    }
    return -1;
}

static void addresses_are_those_of_the_real_one(void **state)
{
    (void)state;
    static const char *const logs[] = {"8", "11", "13", "16", "20"};
    if (strcmp(gnu_get_libc_version(), "2.36") != 0 || getenv("ASHLAR_EMULATED"))
        skip();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    for (unsigned i = 0; i < ASH_COUNT_OF(logs); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execl("/proc/self/exe", "compare", logs[i], (char *)NULL);
            _exit(3);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return compare((uint64_t)argv[1][0] + 7, (unsigned)atoi(argv[1])) != -1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_chunks_of_a_size_wait_in_the_thread_cache),
        cmocka_unit_test(small_chunks_beyond_the_cache_are_fast_and_not_joined),
        cmocka_unit_test(growth_leaves_a_pad_and_trimming_keeps_it),
        cmocka_unit_test(the_threshold_of_mappings_rises),
        cmocka_unit_test(threads_get_arenas_up_to_eight_per_cpu),
        cmocka_unit_test(a_second_heap_goes_when_it_is_empty),
        cmocka_unit_test(addresses_are_those_of_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
