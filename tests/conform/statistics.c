/* statistics.c: malloc_trim, malloc_info, mallinfo, mallinfo2, mallopt, malloc_stats (F24). */
#include "conform.h"
#include <ctype.h>
#include <sys/wait.h>

static void *blocks[4096];

static void hold_and_release(size_t bytes)
{
    for (size_t i = 0; i < 4096; i++)
        blocks[i] = malloc(bytes);
    for (size_t i = 0; i < 4096; i++)
        free(blocks[i]);
}

static void trim_takes_any_pad(void)
{
    static const size_t pads[] = {0, 1, 4096, 1 << 20, SIZE_MAX};
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++) {
        hold_and_release(700);
        errno = 94;
        int gave_back = malloc_trim(conform_opaque(pads[i]));
        CHECK_THAT(gave_back == 0 || gave_back == 1, "pad %zu: %d", pads[i], gave_back);
        CHECK_THAT(errno == 94, "pad %zu: errno %d", pads[i], errno);
    }
}

static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long n_pages = 0;
    if (!file || fscanf(file, "%*u %lu", &n_pages) != 1)
        n_pages = 0;
    if (file)
        fclose(file);
    return n_pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void trim_gives_memory_back(void)
{
    enum { N = 4096, BYTES = 4000 };
    for (size_t i = 0; i < N; i++)
        memset(blocks[i] = malloc(BYTES), 1, BYTES);
    size_t full = resident_bytes();
    for (size_t i = 0; i < N; i++)
        free(blocks[i]);
    malloc_trim(0);
    size_t empty = resident_bytes();
    CHECK_THAT(empty + (12 << 20) < full, "%zu KiB, then %zu KiB", full >> 10, empty >> 10);
}

static void trim_keeps_live_blocks(void)
{
    for (size_t i = 0; i < 4096; i++)
        conform_fill(blocks[i] = malloc(1 + i), 1 + i, 8);
    for (size_t i = 0; i < 4096; i += 2)
        free(blocks[i]);
    malloc_trim(0);
    for (size_t i = 1; i < 4096; i += 2) {
        CHECK(conform_lost(blocks[i], 1 + i, 1 + i, 8) < 0);
        free(blocks[i]);
    }
}

/* Is it one element, properly nested, with quoted attributes? Enough XML for malloc_info. */
static const char *xml_fault(const char *text)
{
    static char open[32][32];
    unsigned depth = 0, roots = 0;
    for (const char *s = text; *s;) {
        if (*s != '<') {
            if (depth == 0 && !isspace((unsigned char)*s))
                return "text outside the root";
            s++;
            continue;
        }
        bool closes = s[1] == '/', declares = s[1] == '?';
        const char *name = s + 1 + (closes || declares), *end = strchr(s, '>');
        if (!end)
            return "an open tag at the end";
        char word[32];
        int n = 0;
        for (; n < 31 && (isalnum((unsigned char)name[n]) || name[n] == '_'); n++)
            word[n] = name[n];
        word[n] = 0;
        unsigned quotes = 0;
        for (const char *q = s; q < end; q++)
            quotes += *q == '"';
        if (n == 0 || quotes % 2)
            return "a bad tag";
        if (closes && (depth == 0 || strcmp(open[--depth], word) != 0))
            return "a tag that closes another";
        if (!closes && !declares && end[-1] != '/') {
            roots += depth == 0;
            if (depth == 32)
                return "too deep";
            strcpy(open[depth++], word);
        }
        s = end + 1;
    }
    return depth ? "an element is not closed" : roots == 1 ? NULL : "not one root";
}

static void info_is_well_formed(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    CHECK(file != NULL);
    hold_and_release(100);
    int code = malloc_info(0, file);
    fclose(file);
    CHECK_THAT(code == 0, "%d", code);
    CHECK_THAT(xml_fault(text) == NULL, "%s", xml_fault(text));
    CHECK(strncmp(text, "<malloc version=\"", 17) == 0);
    free(text);
}

static void info_refuses_options(void)
{
    FILE *file = fopen("/dev/null", "w");
    CHECK(file != NULL);
    CHECK(malloc_info(1, file) == EINVAL);
    CHECK(malloc_info(-1, file) == EINVAL);
    fclose(file);
}

static void mallinfo2_follows_the_program(void)
{
    struct mallinfo2 before = mallinfo2();
    void *big = malloc(3 << 20);
    for (size_t i = 0; i < 4096; i++)
        blocks[i] = malloc(1000);
    struct mallinfo2 after = mallinfo2();
    size_t used_before = before.uordblks + before.hblkhd;
    size_t used_after = after.uordblks + after.hblkhd;
    CHECK_THAT(used_after >= used_before + (3 << 20) + 4000 * 1000, "%zu, then %zu", used_before,
               used_after);
    CHECK(after.arena + after.hblkhd >= used_after);
    for (size_t i = 0; i < 4096; i++)
        free(blocks[i]);
    free(big);
    struct mallinfo2 last = mallinfo2();
    CHECK_THAT(last.uordblks + last.hblkhd < used_after - 3000 * 1000, "%zu, then %zu", used_after,
               last.uordblks + last.hblkhd);
}

static void mallinfo_agrees_where_it_can(void)
{
    void *big = malloc(3 << 20);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    struct mallinfo2 wide = mallinfo2();
    CHECK_THAT(narrow.uordblks >= 0 && narrow.hblkhd >= 0 && narrow.arena >= 0, "%d %d %d",
               narrow.uordblks, narrow.hblkhd, narrow.arena);
    long difference = (long)(wide.uordblks + wide.hblkhd) - narrow.uordblks - narrow.hblkhd;
    CHECK_THAT(difference < 65536 && difference > -65536, "%ld", difference);
    free(big);
}

static void mallopt_accepts_the_known(void)
{
    static const struct {
        int option, value;
    } known[] = {{M_MMAP_THRESHOLD, 1 << 20},
                 {M_TRIM_THRESHOLD, 1 << 20},
                 {M_TOP_PAD, 65536},
                 {M_MMAP_MAX, 65536},
                 {M_ARENA_MAX, 1},
                 {M_ARENA_TEST, 2}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        errno = 95;
        CHECK_THAT(mallopt(known[i].option, known[i].value) == 1, "option %d", known[i].option);
        CHECK(errno == 95);
    }
    hold_and_release(100000);
}

static void stats_writes_to_stderr(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        malloc_stats();
        _exit(0);
    }
    close(ends[1]);
    char text[4096];
    ssize_t n, all = 0;
    while ((n = read(ends[0], text, sizeof text)) > 0)
        all += n;
    close(ends[0]);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_THAT(all > 20, "%zd bytes", all);
}

static const struct conform_case cases[] = {
    {"malloc_trim takes any pad and answers 0 or 1", trim_takes_any_pad},
    {"malloc_trim gives memory back", trim_gives_memory_back},
    {"malloc_trim keeps live blocks", trim_keeps_live_blocks},
    {"malloc_info writes well-formed XML", info_is_well_formed},
    {"malloc_info refuses options other than 0", info_refuses_options},
    {"mallinfo2 follows what the program holds", mallinfo2_follows_the_program},
    {"mallinfo agrees with mallinfo2", mallinfo_agrees_where_it_can},
    {"mallopt accepts the options of malloc.h", mallopt_accepts_the_known},
    {"malloc_stats writes to stderr", stats_writes_to_stderr},
};

CONFORM_MAIN(cases)
