/* test_player.c: what the player asks of a target, entry by entry, with a target that only counts.
 */
#include "child.h"
#include "lab/player.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static char story[512];
static bool refuses, resizes;
static uint8_t room[1 << 20] __attribute__((aligned(4096)));
static size_t used;
static struct ash_lab_player player;

static void tell(const char *format, unsigned long long x)
{
    size_t n = strlen(story);
    snprintf(story + n, sizeof(story) - n, format, x);
}

static void turn(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    (void)target;
    tell(" t%llu", entry->thread);
}

static void *do_alloc(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    (void)target;
    tell(" a%llu", entry->size);
    if (refuses)
        return NULL;
    void *at = room + used;
    used += (entry->size + 15) & ~(size_t)15;
    return at;
}

static void *do_resize(struct ash_lab_target *target, void *at, const struct ash_lab_entry *entry)
{
    (void)target;
    tell(" r%llu", entry->size);
    return resizes ? at : NULL;
}

static void do_free(struct ash_lab_target *target, void *at)
{
    (void)target, (void)at;
    tell(" f", 0);
}

static size_t do_usable(struct ash_lab_target *target, void *at)
{
    (void)target, (void)at;
    return 256 << 10;
}

static uint64_t mapped(struct ash_lab_target *target)
{
    (void)target;
    return 0;
}

static bool check(struct ash_lab_target *target)
{
    (void)target;
    return true;
}

static bool sample(struct ash_lab_target *target, struct ash_lab_player *of,
                   struct ash_lab_sample *ret_sample, char ret_why[ASH_LAB_WHY_MAX])
{
    (void)target, (void)of, (void)ret_sample, (void)ret_why;
    return true;
}

struct list {
    const struct ash_lab_entry *entries;
    size_t i, n;
};

static int next(void *arg, struct ash_lab_entry *ret_entry)
{
    struct list *list = arg;
    if (list->i == list->n)
        return 0;
    *ret_entry = list->entries[list->i++];
    return 1;
}

static bool play(const struct ash_lab_entry *entries, size_t n, bool lazy)
{
    static struct ash_lab_progress progress;
    struct ash_lab_target target = {turn,   do_alloc, do_resize, do_free, do_usable, mapped,
                                    sample, check,    NULL,      false,   16};
    const struct ash_lab_order order = {
        .n_slots = 4, .n_threads = 3, .every = 100, .check_every = 100, .lazy_calloc = lazy};
    struct list list = {entries, 0, n};
    const struct ash_lab_feed feed = {next, &list};
    memset(&player, 0, sizeof(player));
    memset(room, 0, sizeof(room));
    player.order = &order;
    player.target = &target;
    player.progress = &progress;
    player.fd = open("/dev/null", O_WRONLY);
    story[0] = 0;
    used = 0;
    bool ok = ash_lab_play(&player, &feed);
    ash_lab_blocks_end(&player.blocks);
    close(player.fd);
    return ok;
}

static void entries_become_calls(void **state)
{
    (void)state;
    static const struct ash_lab_entry entries[] = {
        {.op = ASH_LAB_OP_MALLOC, .size = 100, .align = 16, .number = 1},
        {.op = ASH_LAB_OP_CAME, .thread = 2},
        {.op = ASH_LAB_OP_REALLOC, .size = 50, .number = 1, .thread = 2},
        {.op = ASH_LAB_OP_FREE, .thread = 2},
        {.op = ASH_LAB_OP_WENT, .thread = 2},
    };
    resizes = true;
    assert_true(play(entries, 5, false));
    assert_string_equal(story, " t0 a100 t2 t2 r50 t2 f t2");
    assert_int_equal(player.end.n_resized, 1);
    resizes = false;
}

static void what_was_refused_is_not_freed(void **state)
{
    (void)state;
    static const struct ash_lab_entry entries[] = {
        {.op = ASH_LAB_OP_MALLOC, .size = 100, .align = 16, .number = 1},
        {.op = ASH_LAB_OP_REALLOC, .size = 50, .number = 1},
        {.op = ASH_LAB_OP_FREE},
    };
    refuses = true;
    assert_true(play(entries, 3, false));
    assert_string_equal(story, " t0 a100 t0 a50 t0");
    assert_int_equal(player.end.n_refused, 2);
    refuses = false;
}

static void a_lazy_calloc_is_not_touched(void **state)
{
    (void)state;
    static const struct ash_lab_entry entries[] = {
        {.op = ASH_LAB_OP_CALLOC, .size = 128 << 10, .align = 16, .number = 1},
    };
    for (int lazy = 0; lazy < 2; lazy++) {
        assert_true(play(entries, 1, lazy));
        assert_int_equal(room[4] == 0 && room[4100] == 0, lazy);
    }
}

static void an_impossible_entry_ends_the_replay(void **state)
{
    (void)state;
    static const struct ash_lab_entry entries[] = {
        {.op = ASH_LAB_OP_MALLOC, .size = 1, .align = 16, .number = 1, .slot = 4},
    };
    assert_false(play(entries, 1, false));
    assert_true(player.has_fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_become_calls),
        cmocka_unit_test(what_was_refused_is_not_freed),
        cmocka_unit_test(a_lazy_calloc_is_not_touched),
        cmocka_unit_test(an_impossible_entry_ends_the_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
