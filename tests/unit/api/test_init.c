/* test_init.c: what ASHLAR= does to a whole program, from its start to its end: this program runs
 * itself with an option and a part to play, and looks at what the part left behind. */
#include "ashlar.h"
#include "child.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[64];
static const char *options, *part; /* of the next run */
static void *kept;                 /* until the destructor */

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int run_self(void)
{
    if (setenv("ASHLAR", options, 1) != 0)
        return 126;
    execl("/proc/self/exe", "test_init", part, folder, (char *)NULL);
    return 127;
}

static struct child run(const char *with, const char *what)
{
    if (getenv("ASHLAR_EMULATED")) /* /proc/self/exe would be the emulator */
        skip();
    options = with;
    part = what;
    return child_run(run_self);
}

/* ---- parts ---- */

/* The lowest free descriptor, which is 2 after it was closed. */
static int take_number(const char *file)
{
    return open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static int play(const char *what)
{
    kept = ashlar_malloc(70000);
    ashlar_free(ashlar_malloc(100));
    if (strcmp(what, "plain") == 0)
        return kept ? 0 : 1;
    if (strcmp(what, "refused") == 0)
        return ashlar_malloc((size_t)64 << 20) == NULL && errno == ENOMEM ? 0 : 1;
    if (strcmp(what, "_exit") == 0)
        _exit(0);
    close(2);
    if (strcmp(what, "closes") == 0)
        return 0;
    if (strcmp(what, "reuses_all") == 0)
        for (int fd = 3; fd < 1100; fd++)
            close(fd);
    if (take_number(path_of("taken")) != 2)
        return 1;
    if (strcmp(what, "reuses_all") == 0)
        for (int fd = 3; fd < 1010; fd++)
            if (take_number(path_of("taken")) < 0)
                return 0; /* a lower limit on descriptors */
    return 0;
}

static void __attribute__((destructor)) free_late(void)
{
    ashlar_free(kept);
}

/* ---- what they leave ---- */

static const char *contents(const char *path)
{
    static char text[8192];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

static void without_options_nothing_is_said(void **state)
{
    (void)state;
    struct child child = run("", "plain");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.text, "");
}

static void off_says_nothing_wherever_it_stands(void **state)
{
    (void)state;
    struct child child = run("nonsense,strict,stats,off", "plain");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.text, "");
}

static void statistics_come_at_the_end(void **state)
{
    (void)state;
    struct child child = run("stats", "plain");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.text, "malloc_count"));
}

static void statistics_know_what_destructors_freed(void **state)
{
    (void)state;
    char with[160];
    snprintf(with, sizeof with, "stats=%s", path_of("end.json"));
    assert_int_equal(run(with, "plain").status, 0);
    assert_non_null(strstr(contents(path_of("end.json")), "\"large_count\":0,"));
    unlink(path_of("end.json"));
}

static void statistics_reach_a_stderr_that_the_program_closed(void **state)
{
    (void)state;
    struct child child = run("stats", "closes");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.text, "malloc_count"));
}

static void a_file_that_became_descriptor_2_stays_as_it_is(void **state)
{
    (void)state;
    struct child child = run("stats", "reuses");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.text, "malloc_count"));
    assert_string_equal(contents(path_of("taken")), "");
}

static void nothing_is_written_where_every_number_is_another_file_s(void **state)
{
    (void)state;
    struct child child = run("stats", "reuses_all");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.text, "");
    assert_string_equal(contents(path_of("taken")), "");
}

static void a_program_that_leaves_at_once_reports_nothing(void **state)
{
    (void)state;
    struct child child = run("stats", "_exit");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.text, "");
}

static void forms_follow_the_name_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *name, *start;
    } forms[] = {{"a.json", "{\"schema\":1,"}, {"a.prom", "# "}, {"a.txt", "Ashlar "}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char with[160];
        snprintf(with, sizeof with, "stats=%s", path_of(forms[i].name));
        assert_int_equal(run(with, "plain").status, 0);
        const char *text = contents(path_of(forms[i].name));
        assert_int_equal(strncmp(text, forms[i].start, strlen(forms[i].start)), 0);
        unlink(path_of(forms[i].name));
    }
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct child child = run("stats=/nonexistent/file", "plain");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.text, "ashlar: E08 cannot write statistics to /nonexistent/file"));
}

static void help_prints_the_table_and_the_program_goes_on(void **state)
{
    (void)state;
    struct child child = run("help", "plain");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.text, "misuse=abort|report"));
}

static void an_unknown_key_is_told_once_and_strict_ends_the_program(void **state)
{
    (void)state;
    struct child child = run("stast", "plain");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.text, "ashlar: E08 ASHLAR=: unknown option 'stast', did you mean "
                                    "'stats'? | ashlar help options\n");
    child = run("stast,strict", "plain");
    assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
}

static void a_limit_refuses_what_is_above(void **state)
{
    (void)state;
    assert_int_equal(run("limit=32M", "refused").status, 0);
    assert_int_equal(run("limit=32M,limit=0", "refused").status, 1 << 8);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ashlar-init-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("taken"));
    return rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        snprintf(folder, sizeof folder, "%s", argv[2]);
        return play(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_nothing_is_said),
        cmocka_unit_test(off_says_nothing_wherever_it_stands),
        cmocka_unit_test(statistics_come_at_the_end),
        cmocka_unit_test(statistics_know_what_destructors_freed),
        cmocka_unit_test(statistics_reach_a_stderr_that_the_program_closed),
        cmocka_unit_test(a_file_that_became_descriptor_2_stays_as_it_is),
        cmocka_unit_test(nothing_is_written_where_every_number_is_another_file_s),
        cmocka_unit_test(a_program_that_leaves_at_once_reports_nothing),
        cmocka_unit_test(forms_follow_the_name_of_the_file),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
        cmocka_unit_test(help_prints_the_table_and_the_program_goes_on),
        cmocka_unit_test(an_unknown_key_is_told_once_and_strict_ends_the_program),
        cmocka_unit_test(a_limit_refuses_what_is_above),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
