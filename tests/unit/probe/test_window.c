/* test_window.c: windows of one file are claimed, closed, and found again. */
#include "probe/window.h"
#include "os/os.h"
#include "taped.h"

static void windows_follow_each_other(void **state)
{
    (void)state;
    taped_make();
    assert_int_equal(ash_probe_file_open(taped_path, 0, 0), 0);
    assert_string_equal(ash_probe_file_path(), taped_path);
    struct ash_probe_window windows[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct ash_trace_frame frame = {.type = ASH_TRACE_EVENTS, .thread = i + 1, .first_tick = 5};
        assert_true(ash_probe_window_claim(&windows[i], &frame));
        assert_int_equal(windows[i].at, ash_os_page_bytes() + i * ASH_TRACE_WINDOW_BYTES);
        struct ash_trace_writer writer = {.stacks = false};
        ash_trace_start(&writer, windows[i].bytes + ASH_TRACE_FRAME_BYTES, 1000, 5);
        struct ash_trace_event event = {.op = ASH_TRACE_FREE, .addr = 64, .tick = 9};
        assert_true(ash_trace_put(&writer, &event));
        if (i != 1)
            ash_probe_window_close(&windows[i], writer.at, 1);
    }
    ash_probe_window_forget(&windows[1]);
    ash_probe_file_finish(0);
    struct taped_count count = taped_events(taped_path);
    assert_int_equal(count.n_windows, 3);
    assert_int_equal(count.n_open, 1);
    assert_int_equal(count.ops[ASH_TRACE_FREE], 3);
    assert_int_equal(count.n_ends, 1);
    ash_probe_file_forget();
    assert_false(ash_probe_window_claim(&windows[0], &(struct ash_trace_frame){0}));
    taped_remove();
}

static void a_path_counts_from_the_folder_of_the_start(void **state)
{
    (void)state;
    taped_make();
    assert_int_equal(chdir(taped_folder), 0);
    assert_int_equal(ash_probe_file_open("a.ashtrace", 0, 0), 0);
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(ash_probe_file_path(), taped_path);
    taped_remove();
}

static void an_overlong_path_is_refused(void **state)
{
    (void)state;
    char path[2 * ASH_PROBE_PATH_MAX];
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = 0;
    assert_int_equal(ash_probe_file_open(path, 0, 0), -ENAMETOOLONG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_follow_each_other),
        cmocka_unit_test(a_path_counts_from_the_folder_of_the_start),
        cmocka_unit_test(an_overlong_path_is_refused),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
