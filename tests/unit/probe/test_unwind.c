/* test_unwind.c: the same callers as the C compiler's own unwinder finds, PC by PC. */
#include "probe/unwind.h"
#include "heap/scene.h"
#include "os/os.h"
#include <alloca.h>
#include <ucontext.h>
#include <unwind.h>

#define MAX 200u

struct walk {
    uintptr_t frames[MAX];
    size_t n;
};

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;
    if (walk->n == MAX || _Unwind_GetIP(context) == 0)
        return _URC_END_OF_STACK;
    walk->frames[walk->n++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static unsigned n_compared;

/* Both from here: from the second frame on they must be alike. */
static __attribute__((noinline)) size_t compare(void)
{
    static __thread struct ash_unwind_stack stack;
    struct walk theirs = {.n = 0}, ours = {.n = 0};
    _Unwind_Backtrace(note, &theirs);
    ours.n = ash_unwind(&stack, ours.frames, MAX);
    assert_true(ours.n > 2);
    size_t skip = 0; /* the program holds us: our own frame is there, too */
    while (skip < ours.n && ours.frames[skip] != theirs.frames[1])
        skip++;
    assert_true(skip < 3);
    assert_int_equal(ours.n - skip, theirs.n - 1);
    for (size_t i = 1; i < theirs.n; i++)
        assert_int_equal(ours.frames[skip + i - 1], theirs.frames[i]);
    n_compared++;
    return ours.n;
}

static __attribute__((noinline)) int deep(int n, volatile char *room)
{
    char *more = alloca((size_t)(n * 13 % 200 + 1));
    more[0] = room[0];
    int sum = n > 0 ? deep(n - 1, more) + more[0] : (int)compare();
    return sum + 1;
}

static void plain_frames_and_those_of_any_size(void **state)
{
    (void)state;
    char room[8] = "x";
    (void)deep(0, room);
    (void)deep(20, room);
    (void)deep(90, room);
}

static int by_value(const void *a, const void *b)
{
    compare();
    return *(const int *)a - *(const int *)b;
}

static void through_the_c_library(void **state)
{
    (void)state;
    int numbers[] = {5, 3, 9, 1};
    qsort(numbers, 4, sizeof numbers[0], by_value);
    assert_true(n_compared > 0);
}

static __attribute__((noinline)) void realigned(void)
{
    _Alignas(64) volatile char line[128];
    line[0] = 1;
    compare();
    line[1] = line[0];
}

static void through_realigned_stacks(void **state)
{
    (void)state;
    realigned();
}

static void handler(int number)
{
    (void)number;
    compare();
}

static void through_a_signal(void **state)
{
    (void)state;
    skip_if_emulated();
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    assert_true(n_compared > 0);
}

static void *in_a_thread(void *arg)
{
    char room[8] = "x";
    (void)deep(5, room);
    return arg;
}

static void in_threads(void **state)
{
    (void)state;
    in_thread(in_a_thread, NULL);
    in_thread(in_a_thread, NULL);
}

static ucontext_t back, other;

static void in_a_context(void)
{
    static struct ash_unwind_stack stack;
    uintptr_t frames[MAX];
    assert_true(ash_unwind(&stack, frames, MAX) >= 1);
    swapcontext(&other, &back);
}

static void on_a_stack_that_the_program_made(void **state)
{
    (void)state;
    size_t bytes = 256 * 1024;
    char *room = malloc(bytes);
    getcontext(&other);
    other.uc_stack.ss_sp = room;
    other.uc_stack.ss_size = bytes;
    makecontext(&other, in_a_context, 0);
    swapcontext(&back, &other);
    free(room);
}

static unsigned n_modules;

static void seen(const struct ash_unwind_module *module)
{
    assert_true(module->start < module->end);
    n_modules++;
}

static void each_module_is_told_once(void **state)
{
    (void)state;
    ash_unwind_seen = seen;
    ash_unwind_forget_modules();
    compare();
    unsigned n = n_modules;
    assert_true(n >= 1);
    compare();
    assert_int_equal(n_modules, n);
    ash_unwind_forget_modules();
    compare();
    assert_true(n_modules > n);
}

static void a_short_list_is_the_innermost(void **state)
{
    (void)state;
    struct ash_unwind_stack stack = {0};
    uintptr_t two[2], many[MAX];
    size_t n = ash_unwind(&stack, many, MAX);
    assert_int_equal(ash_unwind(&stack, two, 2), 2);
    assert_true(n > 2);
    assert_int_equal(two[1], many[1]);
    assert_int_equal(ash_unwind(&stack, two, 0), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_frames_and_those_of_any_size),
        cmocka_unit_test(through_the_c_library),
        cmocka_unit_test(through_realigned_stacks),
        cmocka_unit_test(through_a_signal),
        cmocka_unit_test(in_threads),
        cmocka_unit_test(on_a_stack_that_the_program_made),
        cmocka_unit_test(each_module_is_told_once),
        cmocka_unit_test(a_short_list_is_the_innermost),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
