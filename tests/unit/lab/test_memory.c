/* test_memory.c: mapping, refusing, counting; every page is real. */
#include "lab/memory.h"
#include "base/base.h"
#include "child.h"

#define PAGE ((size_t)4096)

static struct ash_lab_memory *new_memory(void)
{
    static const struct ash_lab_param params[] = {{"order", "lifo"}, {NULL, NULL}};
    const struct ash_lab_memory_options options = {.params = params, .n_cpus = 3};
    struct ash_lab_memory *memory = ash_lab_memory_new(&options);
    assert_non_null(memory);
    return memory;
}

static void equal_calls_give_equal_addresses(void **state)
{
    (void)state;
    uintptr_t seen[2][4];
    for (unsigned run = 0; run < 2; run++) {
        struct ash_lab_memory *memory = new_memory();
        seen[run][0] = (uintptr_t)ash_lab_map(memory, 3 * PAGE, 0);
        seen[run][1] = (uintptr_t)ash_lab_extend(memory, 65536);
        seen[run][2] = (uintptr_t)ash_lab_map(memory, 1, (size_t)1 << 26);
        ash_lab_unmap(memory, (void *)(seen[run][0] + PAGE), PAGE);
        seen[run][3] = (uintptr_t)ash_lab_map(memory, PAGE, 0);
        ash_lab_memory_end(memory);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    assert_int_equal(seen[0][2] % ((size_t)1 << 26), 0);
    assert_int_equal(seen[0][3], seen[0][0] + PAGE); /* the lowest gap */
}

static void what_is_given_back_comes_again_as_zero(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    char *p = ash_lab_map(memory, 2 * PAGE, 0);
    memset(p, 1, 2 * PAGE);
    assert_int_equal(ash_lab_memory_resident(memory), 2 * PAGE);
    assert_true(ash_lab_purge(memory, p + PAGE, PAGE));
    assert_int_equal(ash_lab_memory_resident(memory), PAGE);
    assert_int_equal(p[PAGE], 0);
    ash_lab_unmap(memory, p, 2 * PAGE);
    assert_int_equal(ash_lab_memory_resident(memory), 0);
    assert_int_equal(ash_lab_memory_count(memory)->mapped_bytes, 0);
    assert_int_equal(ash_lab_memory_count(memory)->mapped_peak_bytes, 2 * PAGE);
    assert_ptr_equal(ash_lab_map(memory, PAGE, 0), p);
    assert_int_equal(*p, 0);
    char *q = ash_lab_extend(memory, (ptrdiff_t)PAGE);
    *q = 1;
    assert_ptr_equal(ash_lab_extend(memory, -(ptrdiff_t)PAGE), q + PAGE);
    assert_ptr_equal(ash_lab_extend(memory, (ptrdiff_t)PAGE), q);
    assert_int_equal(*q, 0);
    ash_lab_memory_end(memory);
}

static void use(void *arg)
{
    *(volatile char *)arg = 1;
}

static void what_is_not_mapped_faults(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    char *p = ash_lab_map(memory, 3 * PAGE, 0);
    ash_lab_unmap(memory, p + PAGE, PAGE);
    use(p);
    use(p + 2 * PAGE);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        use(p + PAGE);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ash_lab_memory_end(memory);
}

struct seen {
    unsigned n;
    uintptr_t starts[4];
    size_t sizes[4];
};

static void note(void *arg, uintptr_t start, size_t size)
{
    struct seen *seen = arg;
    seen->starts[seen->n] = start;
    seen->sizes[seen->n++] = size;
}

static void mappings_that_touch_are_one_and_are_given_back_in_parts(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    char *a = ash_lab_map(memory, 4 * PAGE, 0), *b = ash_lab_map(memory, 4 * PAGE, 0);
    assert_ptr_equal(b, a + 4 * PAGE);
    struct seen seen = {0};
    ash_lab_memory_each(memory, note, &seen);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.sizes[0], 8 * PAGE);
    ash_lab_unmap(memory, a + 3 * PAGE, 2 * PAGE);
    ash_lab_extend(memory, 1);
    seen.n = 0;
    ash_lab_memory_each(memory, note, &seen);
    assert_int_equal(seen.n, 3); /* the segment lies below */
    assert_true(seen.starts[0] < seen.starts[1]);
    assert_int_equal(seen.sizes[0], PAGE);
    assert_int_equal(seen.sizes[1], 3 * PAGE);
    assert_int_equal(seen.starts[2], (uintptr_t)b + PAGE);
    ash_lab_unmap(memory, a, 3 * PAGE);
    ash_lab_unmap(memory, b + PAGE, 3 * PAGE);
    assert_int_equal(ash_lab_memory_count(memory)->mapped_bytes, PAGE);
    ash_lab_memory_end(memory);
}

static void refusals_come_when_they_are_asked_for(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    ash_lab_memory_refuse_after(memory, 1);
    assert_non_null(ash_lab_map(memory, PAGE, 0));
    assert_null(ash_lab_extend(memory, (ptrdiff_t)PAGE));
    assert_non_null(ash_lab_extend(memory, (ptrdiff_t)PAGE));
    ash_lab_memory_set_limit(memory, 3 * PAGE);
    assert_null(ash_lab_map(memory, 2 * PAGE, 0));
    assert_non_null(ash_lab_map(memory, PAGE, 0));
    ash_lab_memory_set_limit(memory, 0);
    assert_null(ash_lab_map(memory, (size_t)1 << 40, 0));
    assert_int_equal(ash_lab_memory_count(memory)->n_refused, 3);
    ash_lab_memory_end(memory);
}

static void a_lock_is_waited_for_when_another_thread_had_it(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    int a, b;
    void *slots[2] = {NULL, NULL};
    ash_lab_lock(memory, &a);
    ash_lab_memory_set_thread(memory, 1, &slots[1]);
    assert_ptr_equal(ash_lab_slot(memory), &slots[1]);
    ash_lab_lock(memory, &a);
    ash_lab_lock(memory, &b);
    ash_lab_memory_set_thread(memory, 0, &slots[0]);
    ash_lab_lock(memory, &a);
    ash_lab_lock(memory, &a);
    assert_int_equal(ash_lab_memory_count(memory)->n_locked, 5);
    assert_int_equal(ash_lab_memory_count(memory)->n_waited, 2);
    ash_lab_memory_end(memory);
}

static void the_rest_is_as_the_driver_set_it(void **state)
{
    (void)state;
    struct ash_lab_memory *memory = new_memory();
    assert_int_equal(ash_lab_now(memory), 0);
    ash_lab_memory_set_now(memory, 7);
    assert_int_equal(ash_lab_now(memory), 7);
    assert_int_equal(ash_lab_cpus(memory), 3);
    assert_string_equal(ash_lab_param(memory, "order", "address"), "lifo");
    assert_string_equal(ash_lab_param(memory, "split", "32"), "32");
    ash_lab_step(memory, 5);
    assert_int_equal(ash_lab_memory_count(memory)->n_steps, 5);
    char *aside = ash_lab_aside(memory, 100);
    assert_int_equal(aside[99], 0);
    assert_ptr_equal(ash_lab_aside(memory, 1), aside + 128);
    assert_int_equal(ash_lab_memory_count(memory)->mapped_bytes, 0);
    assert_null(ash_lab_aside(memory, (size_t)1 << 40));
    ash_lab_memory_end(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_calls_give_equal_addresses),
        cmocka_unit_test(what_is_given_back_comes_again_as_zero),
        cmocka_unit_test(what_is_not_mapped_faults),
        cmocka_unit_test(mappings_that_touch_are_one_and_are_given_back_in_parts),
        cmocka_unit_test(refusals_come_when_they_are_asked_for),
        cmocka_unit_test(a_lock_is_waited_for_when_another_thread_had_it),
        cmocka_unit_test(the_rest_is_as_the_driver_set_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
