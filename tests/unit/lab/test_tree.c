/* test_tree.c: both orders of the tree against a plain array. */
#include "lab/tree.h"
#include "base/rng.h"
#include "lab/memory.h"
#include "child.h"

#define N_MAX 600

struct entry {
    uintptr_t at;
    size_t size;
};

static unsigned n;
static struct entry entries[N_MAX]; /* by address */

static void compare_first(const struct ash_tree *tree, unsigned from, size_t size)
{
    unsigned i = from;
    while (i < n && entries[i].size < size)
        i++;
    uint32_t found = ash_tree_first_fit(tree, n ? ash_tree_of(tree, entries[from].at) : 0, size);
    assert_int_equal(found ? ash_tree_node(tree, found)->at : 0, i < n ? entries[i].at : 0);
    if (found) {
        assert_int_equal(ash_tree_rank(tree, found), i);
        uint32_t before = ash_tree_before(tree, found);
        assert_int_equal(before ? ash_tree_node(tree, before)->at : 0, i ? entries[i - 1].at : 0);
    }
}

static void compare_smallest(const struct ash_tree *tree, size_t size)
{
    uintptr_t best = 0;
    size_t best_size = SIZE_MAX, largest = 0;
    for (unsigned i = 0; i < n; i++) {
        if (entries[i].size >= size && entries[i].size < best_size) {
            best = entries[i].at;
            best_size = entries[i].size;
        }
        largest = largest < entries[i].size ? entries[i].size : largest;
    }
    uint32_t found = ash_tree_smallest(tree, size);
    assert_int_equal(found ? ash_tree_node(tree, found)->at : 0, best);
    assert_int_equal(ash_tree_largest(tree), largest);
}

static void change(struct ash_tree *tree, uint64_t *rng)
{
    uint64_t x = ash_rng_next(rng);
    unsigned i = n ? (unsigned)(x >> 8) % n : 0;
    size_t size = 32 + (x >> 40) % 16 * 16;
    if (n && (x % 8 < 3 || n == N_MAX)) {
        ash_tree_remove(tree, ash_tree_of(tree, entries[i].at));
        memmove(entries + i, entries + i + 1, (--n - i) * sizeof *entries);
    } else if (n && x % 8 == 3 && (i + 1 == n || entries[i + 1].at > entries[i].at + 16)) {
        uint32_t node = ash_tree_of(tree, entries[i].at);
        entries[i] = (struct entry){entries[i].at + 16, size};
        ash_tree_replace(tree, node, entries[i].at, size, false);
    } else {
        uintptr_t at = (ash_rng_next(rng) >> 40) * 16 + 16;
        for (i = 0; i < n && entries[i].at < at; i++)
            ;
        if (i < n && entries[i].at == at)
            return;
        memmove(entries + i + 1, entries + i, (n++ - i) * sizeof *entries);
        entries[i] = (struct entry){at, size};
        assert_true(ash_tree_insert(tree, at, size, at) != 0);
    }
}

static void both_orders_answer_as_a_plain_array_does(void **state)
{
    (void)state;
    const struct ash_lab_memory_options options = {0};
    struct ash_lab_memory *memory = ash_lab_memory_new(&options);
    struct ash_tree tree = {0};
    uint64_t rng = 11;
    assert_true(ash_tree_open(&tree, memory));
    for (unsigned i = 0; i < 20000; i++) {
        change(&tree, &rng);
        size_t size = 32 + (ash_rng_next(&rng) >> 40) % 18 * 16;
        compare_first(&tree, n ? (unsigned)(ash_rng_next(&rng) >> 8) % n : 0, size);
        compare_smallest(&tree, size);
        if (i % 500 == 0)
            assert_true(ash_tree_check(&tree));
    }
    assert_int_equal(tree.n_held, n);
    ash_lab_memory_end(memory);
}

static void many_nodes_widen_the_table(void **state)
{
    (void)state;
    const struct ash_lab_memory_options options = {0};
    struct ash_lab_memory *memory = ash_lab_memory_new(&options);
    struct ash_tree tree = {0};
    assert_true(ash_tree_open(&tree, memory));
    size_t n_heads = tree.n_heads;
    for (uintptr_t i = 1; i <= 10000; i++)
        ash_tree_insert(&tree, i * 32, 32, i * 32);
    assert_true(tree.n_heads > n_heads);
    assert_true(ash_tree_check(&tree));
    for (uintptr_t i = 1; i <= 10000; i++)
        ash_tree_remove(&tree, ash_tree_of(&tree, i * 32));
    assert_true(ash_tree_check(&tree));
    assert_int_equal(ash_tree_first_fit(&tree, 0, 0), 0);
    ash_lab_memory_end(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_orders_answer_as_a_plain_array_does),
        cmocka_unit_test(many_nodes_widen_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
