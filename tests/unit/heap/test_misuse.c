/* test_misuse.c: each mistake of a program has its line, to the letter, and report mode goes on. */
#include "scene.h"
#include <sys/mman.h>

#define CAP 64u /* blocks of 1 KiB in a page */

/* What the child does wrong; set before it is forked. */
static void *victim;
static size_t stated_bytes, stated_align;

static int free_victim(void)
{
    ash_fast_free(victim);
    return 0;
}

static int realloc_victim(void)
{
    return ash_realloc(victim, 10) != NULL;
}

static int ask_victim(void)
{
    return (int)ash_usable_bytes(victim);
}

static int free_victim_sized(void)
{
    ash_free_sized(victim, stated_bytes, stated_align);
    return 0;
}

static char wanted[CHILD_TEXT_BYTES];

__attribute__((format(printf, 1, 2))) static const char *line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = snprintf(wanted, sizeof wanted, "ashlar: ");
    vsnprintf(wanted + n, sizeof wanted - (size_t)n, format, args);
    va_end(args);
    return wanted;
}

/* The part aborts, and says exactly this line. */
static void must_say(child_part *part, const char *text)
{
    struct child child = child_run(part);
    char whole[CHILD_TEXT_BYTES + 2];
    snprintf(whole, sizeof whole, "%s\n", text);
    assert_string_equal(child.text, whole);
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGABRT);
}

/* ---- what a pointer is ---- */

static int free_twice_and_refill(void)
{
    ash_fast_free(victim);
    ash_fast_free(victim);
    for (unsigned i = 0; i < 200; i++)
        get(64);
    return 0;
}

static void a_double_free_of_the_owner_is_seen_at_the_refill(void **state)
{
    (void)state;
    victim = get(64);
    must_say(free_twice_and_refill,
             line("E01 double free: %p (a block of 64 B, seen when its page was looked at) | "
                  "ashlar help E01",
                  victim));
}

static void a_free_of_released_memory_is_a_double_free(void **state)
{
    (void)state;
    victim = get(3000);
    ash_fast_free(victim);
    ash_thread_idle();
    static const char why[] = "its memory was freed before and belongs to no block now";
    must_say(free_victim, line("E01 double free: %p (%s) | ashlar help E01", victim, why));
    must_say(realloc_victim,
             line("E04 realloc of a freed block: %p (%s) | ashlar help E04", victim, why));
    must_say(ask_victim, line("E05 malloc_usable_size of a freed block: %p (%s) | ashlar help E05",
                              victim, why));
    victim = get(200000);
    ash_fast_free(victim);
    must_say(free_victim, line("E01 double free: %p (%s) | ashlar help E01", victim, why));
    victim = get(ASH_REGION_BYTES / 2 + 1);
    ash_fast_free(victim);
    must_say(free_victim, line("E01 double free: %p (%s) | ashlar help E01", victim, why));
}

static void a_pointer_into_a_block_is_named_with_its_block(void **state)
{
    (void)state;
    char *p = get(1000), *large = get(200000);
    victim = large + 70000;
    must_say(free_victim,
             line("E02 free of a pointer into a block: %p (70000 bytes into the block of 256.0 KiB "
                  "at %p) | ashlar help E02",
                  victim, (void *)large));
    victim = p + 8;
    must_say(realloc_victim, line("E04 realloc of a pointer into a block: %p (8 bytes into the "
                                  "block of 1.0 KiB at %p) | ashlar help E04",
                                  victim, (void *)p));
    must_say(ask_victim, line("E05 malloc_usable_size of a pointer into a block: %p (8 bytes into "
                              "the block of 1.0 KiB at %p) | ashlar help E05",
                              victim, (void *)p));
}

static const char constant[] = "a constant";
static char datum[64] = {1};

static void must_be_foreign(void *p, const char *why)
{
    victim = p;
    must_say(free_victim,
             line("E03 free of a pointer no heap gave out: %p (%s) | ashlar help E03", p, why));
}

static void a_foreign_pointer_is_named_by_what_it_is(void **state)
{
    (void)state;
    skip_if_emulated();
    get(16);
    char on_the_stack[32];
    must_be_foreign(on_the_stack, "the stack of the main thread");
    must_be_foreign((void *)16, "a small number, not an address");
    must_be_foreign((void *)(uintptr_t)&constant, "constants of unit_heap_misuse");
    must_be_foreign(datum, "data of unit_heap_misuse");
    must_be_foreign((void *)(uintptr_t)&free_victim, "code of unit_heap_misuse");
    void *mapped = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(mprotect((char *)mapped + 8192, 4096, PROT_NONE), 0);
    assert_int_equal(mprotect(mapped, 4096, PROT_NONE), 0);
    must_be_foreign((char *)mapped + 4096, "an anonymous mapping of 4.0 KiB of the program");
    munmap(mapped, 12288);
    must_be_foreign((char *)mapped + 4096, "nothing is mapped there");
    victim = sbrk(4096);
    if (victim != (void *)-1)
        must_be_foreign(victim, "the brk heap, which another allocator uses");
}

static void *free_on_a_threads_stack(void *arg)
{
    char here[16];
    victim = here;
    ash_fast_free(here);
    return arg;
}

static int free_a_threads_stack(void)
{
    in_thread(free_on_a_threads_stack, NULL);
    return 0;
}

static void the_stack_of_a_thread_is_named(void **state)
{
    (void)state;
    get(16);
    child_must_abort(free_a_threads_stack, "the stack of thread ");
}

static void a_block_that_was_never_handed_out_is_foreign(void **state)
{
    (void)state;
    char *p = get(1000);
    victim = (char *)page_of(p)->start + 40 * 1024;
    must_say(realloc_victim,
             line("E04 realloc of a pointer no heap gave out: %p (in a page of the heap, but "
                  "never handed out) | ashlar help E04",
                  victim));
    must_say(ask_victim,
             line("E05 malloc_usable_size of a pointer no heap gave out: %p (in a page of the "
                  "heap, but never handed out) | ashlar help E05",
                  victim));
}

/* ---- sizes ---- */

static void a_wrong_size_is_named(void **state)
{
    (void)state;
    victim = get(1000);
    stated_bytes = 100;
    stated_align = 0;
    must_say(free_victim_sized, line("E06 sized free with a wrong size: %p (stated 100 bytes, the "
                                     "block has 1024) | ashlar help E06",
                                     victim));
    stated_bytes = 1025;
    must_say(free_victim_sized, line("E06 sized free with a wrong size: %p (stated 1025 bytes, the "
                                     "block has 1024) | ashlar help E06",
                                     victim));
    victim = get(100000);
    stated_bytes = 1000;
    must_say(free_victim_sized, line("E06 sized free with a wrong size: %p (stated 1000 bytes, the "
                                     "block has 131072) | ashlar help E06",
                                     victim));
}

static void a_wrong_alignment_is_named(void **state)
{
    (void)state;
    char *page_start = (char *)page_of(get(64))->start;
    get(64);
    victim = page_start + 64;
    stated_bytes = 64;
    stated_align = 128;
    must_say(free_victim_sized,
             line("E07 sized free with a wrong alignment: %p (stated 128, the address is a "
                  "multiple of 64 only) | ashlar help E07",
                  victim));
    stated_align = 48;
    must_say(free_victim_sized, line("E07 sized free with a wrong alignment: %p (stated 48, which "
                                     "is no power of two) | ashlar help E07",
                                     victim));
}

/* ---- lists ---- */

/* Frees it and overwrites its first word. */
static int write_to_a_freed_block(void)
{
    ash_fast_free(victim);
    *(uintptr_t *)victim = 0x4141414141414141u;
    for (unsigned i = 0; i < 200; i++)
        get(64);
    return 0;
}

static void a_write_to_a_freed_block_is_named(void **state)
{
    (void)state;
    victim = get(64);
    must_say(write_to_a_freed_block,
             line("E09 damaged heap: %p (a freed block of 64 B was written to: its link "
                  "0x4141414141414141 leaves its page) | ashlar help E09",
                  victim));
}

static int free_an_interior_pointer(void)
{
    ash_fast_free((char *)victim + 8);
    for (unsigned i = 0; i < 200; i++)
        get(64);
    return 0;
}

static void an_interior_pointer_on_the_owners_list_is_named(void **state)
{
    (void)state;
    victim = get(64);
    must_say(free_an_interior_pointer,
             line("E02 free of a pointer into a block: %p (8 bytes into the block of 64 B at %p) | "
                  "ashlar help E02",
                  (void *)((char *)victim + 8), victim));
}

static int free_an_uncarved_block(void)
{
    ash_fast_free((char *)page_of(victim)->start + 900 * 64);
    for (unsigned i = 0; i < 200; i++)
        get(64);
    return 0;
}

static void an_uncarved_block_on_the_owners_list_is_named(void **state)
{
    (void)state;
    victim = get(64);
    must_say(free_an_uncarved_block,
             line("E03 free of a pointer no heap gave out: %p (in a page of the heap, but never "
                  "handed out) | ashlar help E03",
                  (void *)(page_of(victim)->start + 900 * 64)));
}

static int free_in_a_ring(void)
{
    void *other = get(64);
    ash_fast_free(victim);
    ash_fast_free(other);
    ash_fast_free(victim);
    ash_misuse_check_level = 1;
    for (unsigned i = 0; i < 200; i++)
        get(64);
    return 0;
}

static void with_checks_the_whole_list_is_looked_at(void **state)
{
    (void)state;
    victim = get(64);
    must_say(free_in_a_ring,
             line("E01 double free: %p (a block of 64 B, seen when its page was looked at) | "
                  "ashlar help E01",
                  victim));
}

static void *blocks[CAP];

/* Each block twice: by the owner, and by another thread. */
static int free_more_than_there_are(void)
{
    free_in_thread(blocks, CAP);
    put_many(blocks, CAP);
    ash_thread_idle();
    return 0;
}

static void more_frees_than_blocks_are_seen(void **state)
{
    (void)state;
    get_many(blocks, CAP, 1024);
    get(1024);
    victim = (void *)page_of(blocks[0])->start;
    struct child child = child_run(free_more_than_there_are);
    assert_true(WIFSIGNALED(child.status));
    assert_memory_equal(child.text, "ashlar: E01 double free: 0x", 27);
}

/* ---- report mode ---- */

static int misuse_often(void)
{
    ash_misuse_mode = ASH_MISUSE_GO_ON;
    for (unsigned i = 0; i < 50; i++)
        ash_fast_free(datum);
    return ash_misuse_count != 50;
}

static unsigned lines_in(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void report_mode_tells_each_place_once_and_counts_all(void **state)
{
    (void)state;
    get(16);
    struct child child = child_run(misuse_often);
    assert_int_equal(child.status, 0);
    assert_int_equal(lines_in(child.text), 1);
}

static int misuse_everything(void)
{
    ash_misuse_mode = ASH_MISUSE_GO_ON;
    get(1000);
    char *p = get(1000);
    ash_fast_free(datum);
    if (ash_realloc(datum, 5) || ash_usable_bytes(datum))
        return 1;
    ash_free_sized(p, 5, 0);
    ash_free_sized(p, 1000, 4096 * 16);
    void *large = get(100000);
    ash_fast_free(large);
    ash_fast_free(large);
    /* lists of the owner, all wrong; a page is told of once */
    char *q = get(64);
    ash_fast_free(q);
    ash_fast_free(q);
    for (unsigned i = 0; i < 100; i++)
        get(64);
    q = get(128);
    ash_fast_free(q + 8);
    for (unsigned i = 0; i < 100; i++)
        get(128);
    q = get(192);
    ash_fast_free(q);
    *(uintptr_t *)q = 0x4141414141414141u;
    for (unsigned i = 0; i < 100; i++)
        get(192);
    return ash_misuse_count < 8 ? 2 : 0;
}

static void report_mode_survives_every_mistake(void **state)
{
    (void)state;
    get(16);
    struct child child = child_run(misuse_everything);
    if (child.status != 0)
        print_error("%s", child.text);
    assert_int_equal(child.status, 0);
    static const char *const codes[] = {"E01", "E02", "E03", "E04", "E05", "E06", "E07", "E09"};
    for (size_t i = 0; i < ASH_COUNT_OF(codes); i++)
        if (!strstr(child.text, codes[i]))
            fail_msg("%s is missing: %s", codes[i], child.text);
}

static int overfree_and_go_on(void)
{
    ash_misuse_mode = ASH_MISUSE_GO_ON;
    for (unsigned round = 0; round < 3; round++) {
        free_in_thread(blocks, CAP);
        put_many(blocks, CAP);
    }
    for (unsigned i = 0; i < 500; i++)
        get(1024);
    return ash_misuse_count == 0;
}

static void report_mode_survives_more_frees_than_blocks(void **state)
{
    (void)state;
    get_many(blocks, CAP, 1024);
    get(1024);
    child_must_pass(overfree_and_go_on);
}

static void more_places_than_are_remembered_are_only_counted(void **state)
{
    (void)state;
    struct ash_meta *page = page_of(get(64));
    ash_misuse_mode = ASH_MISUSE_GO_ON;
    int saved = dup(STDERR_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    /* a page is a place: there are as many as we like */
    struct ash_meta *pages = calloc(300, sizeof *pages);
    dup2(ends[1], STDERR_FILENO);
    for (unsigned i = 0; i < 300; i++) {
        pages[i].start = page->start;
        pages[i].bsize = 64;
        pages[i].recip = page->recip;
        pages[i].cap = page->cap;
        pages[i].n_slices = 1;
        ash_misuse_overfreed(&pages[i]);
    }
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    unsigned n_lines = 0;
    char text[4096];
    ssize_t n;
    while ((n = read(ends[0], text, sizeof text - 1)) > 0) {
        text[n] = 0;
        n_lines += lines_in(text);
    }
    close(ends[0]);
    free(pages);
    assert_int_equal(n_lines, 256);
    assert_int_equal(ash_misuse_count, 300);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_double_free_of_the_owner_is_seen_at_the_refill),
        cmocka_unit_test(a_free_of_released_memory_is_a_double_free),
        cmocka_unit_test(a_pointer_into_a_block_is_named_with_its_block),
        cmocka_unit_test(a_foreign_pointer_is_named_by_what_it_is),
        cmocka_unit_test(the_stack_of_a_thread_is_named),
        cmocka_unit_test(a_block_that_was_never_handed_out_is_foreign),
        cmocka_unit_test(a_wrong_size_is_named),
        cmocka_unit_test(a_wrong_alignment_is_named),
        cmocka_unit_test(a_write_to_a_freed_block_is_named),
        cmocka_unit_test(an_interior_pointer_on_the_owners_list_is_named),
        cmocka_unit_test(an_uncarved_block_on_the_owners_list_is_named),
        cmocka_unit_test(with_checks_the_whole_list_is_looked_at),
        cmocka_unit_test(more_frees_than_blocks_are_seen),
        cmocka_unit_test(report_mode_tells_each_place_once_and_counts_all),
        cmocka_unit_test(report_mode_survives_every_mistake),
        cmocka_unit_test(report_mode_survives_more_frees_than_blocks),
        cmocka_unit_test(more_places_than_are_remembered_are_only_counted),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
