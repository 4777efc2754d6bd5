/* test_first_fit.c: the worked example, to the byte; order, splitting, joining, giving back. */
#include "ground.h"

#define PAGE ((size_t)4096)
#define N_PAGES 16 /* of the segment's first step */

/* Bytes by kind on resident pages, kept apart by whether the page holds a live byte. */
struct account {
    uintptr_t base;
    unsigned char resident[N_PAGES];
    bool is_live[N_PAGES];
    size_t usable, headers, holes, kept, meta;
    bool counts;
};

static bool account_run(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct account *account = arg;
    for (uintptr_t at = start; at < start + size; at++) {
        size_t page = (at - account->base) / PAGE;
        if (!account->counts)
            account->is_live[page] |= kind == ASH_LAB_BLOCK;
        else if (!(account->resident[page] & 1))
            continue;
        else if (kind == ASH_LAB_BLOCK)
            account->usable++;
        else if (kind == ASH_LAB_HEADER)
            account->headers++;
        else if (kind == ASH_LAB_META)
            account->meta++;
        else if (account->is_live[page])
            account->holes++;
        else
            account->kept++;
    }
    return true;
}

static struct account account_of(struct ground *ground, uintptr_t base)
{
    struct account account = {.base = base};
    assert_int_equal(mincore((void *)base, N_PAGES * PAGE, account.resident), 0);
    ground->strategy->each(ground->self, account_run, &account);
    account.counts = true;
    ground->strategy->each(ground->self, account_run, &account);
    return account;
}

static void the_worked_example_comes_out_to_the_byte(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_first_fit);
    char *a = ground_alloc(&ground, 100), *b = ground_alloc(&ground, 5000),
         *c = ground_alloc(&ground, 40);
    ground_free(&ground, b);
    struct account account = account_of(&ground, (uintptr_t)a - 16);
    assert_int_equal(ash_lab_memory_resident(ground.memory), 8192);
    assert_int_equal(account.usable, 100 + 40 + 4);
    assert_int_equal(account.headers, 16);
    assert_int_equal(account.holes, 8024);
    assert_int_equal(account.kept, 0);
    assert_int_equal(account.meta, 8);
    ground_free(&ground, a);
    ground_free(&ground, c);
    account = account_of(&ground, (uintptr_t)a - 16);
    assert_int_equal(account.usable + account.headers + account.holes, 0);
    assert_int_equal(account.kept, 8184);
    assert_int_equal(account.meta, 8);
    ground_close(&ground);
}

/* Three free blocks of 200 bytes apart, then one block of 100: which one it is cut from. */
static unsigned chosen(const char *order)
{
    struct ground ground = {.params = {{"order", order}}};
    ground_open(&ground, &ash_lab_first_fit);
    char *blocks[6];
    for (unsigned i = 0; i < 6; i++)
        blocks[i] = ground_alloc(&ground, 200);
    ground_free(&ground, blocks[2]);
    ground_free(&ground, blocks[0]);
    ground_free(&ground, blocks[4]);
    char *p = ground_alloc(&ground, 100);
    unsigned i = 0;
    while (blocks[i] != p)
        i++;
    /* the remainder keeps the parent's place: the next one comes from the same block */
    assert_ptr_equal(ground_alloc(&ground, 60), p + 112);
    ground_close(&ground);
    return i;
}

static void the_order_decides_and_the_remainder_keeps_its_place(void **state)
{
    (void)state;
    assert_int_equal(chosen("address"), 0);
    assert_int_equal(chosen("lifo"), 4);
    assert_int_equal(chosen("fifo"), 2);
}

static void neighbours_are_joined_now_later_or_never(void **state)
{
    (void)state;
    static const char *const values[] = {"now", "deferred", "never"};
    for (unsigned i = 0; i < 3; i++) {
        struct ground ground = {.params = {{"coalesce", values[i]}, {"grow", "4096"}}};
        ground_open(&ground, &ash_lab_first_fit);
        char *blocks[3];
        for (unsigned k = 0; k < 3; k++)
            blocks[k] = ground_alloc(&ground, 200);
        while (ash_lab_memory_count(ground.memory)->n_extend == 1)
            ground_alloc(&ground, 100); /* the top is used up to its last bytes */
        for (unsigned k = 0; k < 3; k++)
            ground_free(&ground, blocks[k]);
        assert_int_equal(ground_bytes(&ground, ASH_LAB_CACHED), i == 1 ? 3 * 208 : 0);
        char *p = ground_alloc(&ground, 600);
        assert_int_equal(p == blocks[0], i != 2);
        if (i == 1)
            assert_non_null(strstr(ground_why(&ground), "3 pending blocks were joined"));
        ground_close(&ground);
    }
}

static void memory_goes_back_as_the_parameter_says(void **state)
{
    (void)state;
    static const char *const values[] = {"none", "top", "pages"};
    for (unsigned i = 0; i < 3; i++) {
        struct ground ground = {.params = {{"return", values[i]}}};
        ground_open(&ground, &ash_lab_first_fit);
        ground_alloc(&ground, 16);
        char *p = ground_alloc(&ground, (size_t)1 << 20);
        memset(p, 1, (size_t)1 << 20);
        size_t mapped = ground_mapped(&ground);
        ground_free(&ground, p);
        assert_int_equal(ground_mapped(&ground) < mapped, i == 1);
        size_t resident = ash_lab_memory_resident(ground.memory);
        assert_true(i == 0 ? resident > (size_t)1 << 20 : resident <= 65536 + 2 * PAGE);
        ground_close(&ground);
    }
}

static void blocks_grow_and_shrink_where_they_are(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_first_fit);
    char *a = ground_alloc(&ground, 100), *b = ground_alloc(&ground, 100),
         *c = ground_alloc(&ground, 100);
    const struct ash_lab_strategy *strategy = ground.strategy;
    assert_null(strategy->resize(ground.self, a, 200));
    ground_free(&ground, b);
    assert_ptr_equal(strategy->resize(ground.self, a, 200), a);
    assert_ptr_equal(strategy->resize(ground.self, a, 20), a);
    assert_ptr_equal(ground_alloc(&ground, 100), a + 32);
    assert_ptr_equal(strategy->resize(ground.self, c, 100000), c); /* into the top, which grows */
    ground_close(&ground);
}

static void why_is_told_in_a_sentence(void **state)
{
    (void)state;
    struct ground ground = {0};
    ground_open(&ground, &ash_lab_first_fit);
    char *a = ground_alloc(&ground, 200);
    assert_non_null(strstr(ground_why(&ground), "the top, which had to grow"));
    ground_alloc(&ground, 16);
    ground_free(&ground, a);
    assert_string_equal(ground_why(&ground), "208 bytes are free; both neighbours are in use");
    ground_alloc(&ground, 100);
    assert_string_equal(ground_why(&ground), "the first that fits: 112 bytes of a free block of "
                                             "208, 1 looked at; 96 bytes are left of it");
    ground_free(&ground, a);
    assert_non_null(strstr(ground_why(&ground), "joined with the free block behind"));
    ground_close(&ground);
}

static void unknown_values_are_refused(void **state)
{
    (void)state;
    static const struct ash_lab_param params[][2] = {
        {{"order", "odd"}}, {{"coalesce", "x"}}, {{"top", "x"}}, {{"return", "x"}}};
    for (unsigned i = 0; i < ASH_COUNT_OF(params); i++) {
        const struct ash_lab_memory_options options = {.params = params[i]};
        struct ash_lab_memory *memory = ash_lab_memory_new(&options);
        void *self = calloc(1, ash_lab_first_fit.state_size);
        assert_false(ash_lab_first_fit.open(self, memory));
        free(self);
        ash_lab_memory_end(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_comes_out_to_the_byte),
        cmocka_unit_test(the_order_decides_and_the_remainder_keeps_its_place),
        cmocka_unit_test(neighbours_are_joined_now_later_or_never),
        cmocka_unit_test(memory_goes_back_as_the_parameter_says),
        cmocka_unit_test(blocks_grow_and_shrink_where_they_are),
        cmocka_unit_test(why_is_told_in_a_sentence),
        cmocka_unit_test(unknown_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
