/* test_record.c: what a program calls is what its recording says, however it ends. */
#include "taped.h"

static void start(void)
{
    struct ash_record_wish wish = {.file = taped_path};
    taped_make();
    assert_int_equal(ash_record_start(&wish), 0);
}

static void every_kind_of_call_is_an_event(void **state)
{
    (void)state;
    start();
    void *p = get(100);
    p = ash_realloc(p, 5000);
    ash_fast_free(p);
    ash_fast_free(ash_alloc_zeroed(3, 7));
    p = ash_alloc_aligned(4096, 77);
    assert_true(ash_usable_bytes(p) >= 77);
    ash_free_sized(p, 77, 4096);
    assert_null(ash_realloc(get(16), 0)); /* a free */
    assert_null(ash_fast_malloc(SIZE_MAX / 2));
    assert_null(ash_alloc_zeroed(SIZE_MAX, 3));
    ash_record_finish();
    struct taped_count count = taped_events(taped_path);
    assert_int_equal(count.header.pid, getpid());
    assert_int_equal(count.ops[ASH_TRACE_MALLOC], 2);
    assert_int_equal(count.ops[ASH_TRACE_CALLOC], 1);
    assert_int_equal(count.ops[ASH_TRACE_REALLOC], 1);
    assert_int_equal(count.ops[ASH_TRACE_ALIGNED], 1);
    assert_int_equal(count.ops[ASH_TRACE_FREE], 3);
    assert_int_equal(count.ops[ASH_TRACE_FREE_SIZED], 1);
    assert_int_equal(count.more[ASH_TRACE_USABLE], 1);
    assert_int_equal(count.more[ASH_TRACE_FAILED], 2);
    assert_int_equal(count.more[ASH_TRACE_THREAD_BEGIN], 1);
    assert_int_equal(count.more[ASH_TRACE_THREAD_END], 1);
    /* aarch64 hands a small size over as its class: at most 15 bytes more each */
    assert_in_range(count.bytes_born, 100 + 5000 + 21 + 77 + 16 + 77,
                    100 + 5000 + 21 + 77 + 16 + 77 + 6 * 15);
    assert_int_equal(count.n_ends, 1);
    assert_int_equal(count.n_open, 0);
    all_must_be_sound();
    taped_remove();
}

static void *busy(void *arg)
{
    (void)arg;
    void *blocks[100];
    for (unsigned round = 0; round < 300; round++) {
        get_many(blocks, 100, 16 + round);
        put_many(blocks, 100);
    }
    return NULL;
}

static void threads_have_windows_of_their_own(void **state)
{
    (void)state;
    start();
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ash_record_finish();
    struct taped_count count = taped_events(taped_path);
    assert_true(count.ops[ASH_TRACE_MALLOC] >= 4 * 30000);
    assert_int_equal(count.ops[ASH_TRACE_FREE], 4 * 30000);
    assert_int_equal(count.more[ASH_TRACE_THREAD_BEGIN], count.more[ASH_TRACE_THREAD_END]);
    assert_int_equal(count.n_open, 0);
    assert_int_equal(count.n_dropped, 0);
    assert_true(count.n_windows >= 8);
    all_must_be_sound();
    taped_remove();
}

static void a_killed_program_leaves_all_but_nothing_out(void **state)
{
    (void)state;
    taped_make();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct ash_record_wish wish = {.file = taped_path};
        if (ash_record_start(&wish) != 0)
            _exit(1);
        busy(NULL);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    struct taped_count count = taped_events(taped_path);
    assert_true(count.ops[ASH_TRACE_MALLOC] >= 30000);
    assert_int_equal(count.ops[ASH_TRACE_FREE], 30000);
    assert_int_equal(count.n_open, 1);
    assert_int_equal(count.n_ends, 0);
    taped_remove();
}

static void a_child_writes_its_own_file_or_none(void **state)
{
    (void)state;
    taped_make();
    for (unsigned forks = 0; forks < 2; forks++) {
        fflush(NULL);
        pid_t parent = fork();
        if (parent == 0) {
            struct ash_record_wish wish = {.file = taped_path, .forks = forks};
            assert_int_equal(ash_record_start(&wish), 0);
            get(100);
            pid_t child = fork();
            for (unsigned i = 0; child == 0 && i < 1000; i++)
                ash_fast_free(get(48));
            if (child > 0)
                waitpid(child, NULL, 0);
            ash_record_finish();
            char path[256];
            snprintf(path, sizeof path, "%s/%s", taped_folder, child ? "parent" : "child");
            FILE *file = fopen(path, "w");
            fprintf(file, "%d", (int)getpid());
            fclose(file);
            _exit(0);
        }
        int status, pid = 0;
        assert_int_equal(waitpid(parent, &status, 0), parent);
        assert_int_equal(status, 0);
        char path[256];
        snprintf(path, sizeof path, "%s/child", taped_folder);
        FILE *file = fopen(path, "r");
        assert_int_equal(fscanf(file, "%d", &pid), 1);
        fclose(file);
        struct taped_count count = taped_events(taped_path);
        assert_int_equal(count.header.pid, parent);
        assert_true(count.ops[ASH_TRACE_FREE] < 1000);
        snprintf(path, sizeof path, "%s/a.%d.ashtrace", taped_folder, pid);
        assert_int_equal(access(path, F_OK) == 0, forks);
        if (!forks)
            continue;
        count = taped_events(path);
        assert_int_equal(count.header.parent, parent);
        assert_true(count.header.flags & ASH_TRACE_CHILD);
        assert_int_equal(count.more[ASH_TRACE_FORK], 1);
        assert_true(count.ops[ASH_TRACE_FREE] >= 1000);
    }
    taped_remove();
}

static void only_the_process_that_is_meant_records(void **state)
{
    (void)state;
    taped_make();
    struct ash_record_wish wish = {.file = taped_path, .pid = (uint32_t)getpid() + 1};
    assert_int_equal(ash_record_start(&wish), 0);
    assert_null(ash_hooks.watcher);
    assert_int_not_equal(access(taped_path, F_OK), 0);
    taped_remove();
}

static void a_full_disk_drops_events_and_counts_them(void **state)
{
    (void)state;
    start();
    struct rlimit limit = {200000, 200000}; /* the header and three windows */
    setrlimit(RLIMIT_FSIZE, &limit);
    for (unsigned i = 0; i < 5; i++)
        busy(NULL);
    ash_record_finish();
    struct taped_count count = taped_events(taped_path);
    assert_int_equal(count.n_windows, 2);
    assert_true(count.ops[ASH_TRACE_FREE] > 10000 && count.ops[ASH_TRACE_FREE] < 100000);
    assert_int_equal(count.n_ends, 1);
    taped_remove();
}

static void an_unwritable_place_is_an_answer(void **state)
{
    (void)state;
    struct ash_record_wish wish = {.file = "/no/such/folder/a.ashtrace"};
    assert_int_equal(ash_record_start(&wish), -ENOENT);
    assert_null(ash_hooks.watcher);
}

static void a_program_that_closes_all_files_goes_on(void **state)
{
    (void)state;
    start();
    busy(NULL);
    for (int fd = 3; fd < 1100; fd++)
        close(fd);
    char other[128];
    snprintf(other, sizeof other, "%s/other", taped_folder);
    int first = open(other, O_RDWR | O_CREAT, 0600);
    for (int fd = first; fd >= 0 && fd < 1010;) /* takes our number, too */
        fd = dup(first);
    for (unsigned i = 0; i < 5; i++)
        busy(NULL);
    ash_record_finish();
    struct taped_count count = taped_events(taped_path);
    assert_int_equal(count.ops[ASH_TRACE_FREE], 6 * 30000);
    struct stat status;
    assert_int_equal(stat(other, &status), 0);
    assert_int_equal(status.st_size, 0);
    taped_remove();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_call_is_an_event),
        cmocka_unit_test(threads_have_windows_of_their_own),
        cmocka_unit_test(a_killed_program_leaves_all_but_nothing_out),
        cmocka_unit_test(a_child_writes_its_own_file_or_none),
        cmocka_unit_test(only_the_process_that_is_meant_records),
        cmocka_unit_test(a_full_disk_drops_events_and_counts_them),
        cmocka_unit_test(an_unwritable_place_is_an_answer),
        cmocka_unit_test(a_program_that_closes_all_files_goes_on),
    };
    return scene_run(tests, ASH_COUNT_OF(tests), argc, argv);
}
