/* test_channel.c: records come out as they went in, in any pieces; nonsense is noticed. */
#include "child.h"
#include "lab/channel.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct ash_lab_fault heard[4];
static unsigned n_heard;

static void hear(void *arg, const struct ash_lab_record *record, const void *bytes)
{
    assert_null(arg);
    assert_int_equal(record->kind, ASH_LAB_FAULT);
    assert_int_equal(record->n, sizeof(heard[0]));
    memcpy(&heard[n_heard++], bytes, sizeof(heard[0]));
}

static void records_arrive_whole(void **state)
{
    (void)state;
    int first[2], second[2];
    struct ash_lab_inbox inbox = {0};
    uint8_t bytes[2048];
    assert_int_equal(pipe(first) | pipe(second), 0);
    fcntl(second[0], F_SETFL, O_NONBLOCK);
    for (uint64_t i = 0; i < 3; i++) {
        struct ash_lab_fault fault = {.kind = 2, .entry = i, .words = "why"};
        assert_true(ash_lab_tell(first[1], ASH_LAB_FAULT, &fault, sizeof(fault)));
    }
    ssize_t n = read(first[0], bytes, sizeof(bytes));
    n_heard = 0;
    for (ssize_t i = 0; i < n; i += 7) { /* in pieces of seven bytes */
        ssize_t part = n - i < 7 ? n - i : 7;
        assert_int_equal(write(second[1], bytes + i, (size_t)part), part);
        assert_int_equal(ash_lab_listen(&inbox, second[0], hear, NULL), 1);
    }
    assert_int_equal(n_heard, 3);
    assert_int_equal(heard[2].entry, 2);
    assert_int_equal(ash_lab_listen(&inbox, second[0], hear, NULL), 1); /* nothing there yet */
    close(second[1]);
    assert_int_equal(ash_lab_listen(&inbox, second[0], hear, NULL), 0);
    ash_lab_inbox_end(&inbox);
}

static void nonsense_is_noticed(void **state)
{
    (void)state;
    int fds[2];
    struct ash_lab_inbox inbox = {0};
    struct ash_lab_record record = {.kind = 77, .n = 1};
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], &record, sizeof(record)), sizeof(record));
    assert_int_equal(ash_lab_listen(&inbox, fds[0], hear, NULL), -1);
    ash_lab_inbox_end(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_arrive_whole),
        cmocka_unit_test(nonsense_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
