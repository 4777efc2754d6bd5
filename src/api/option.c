/* option.c: reading ASHLAR=; see option.h. */
#include "api/option.h"
#include "api/cgroup.h"
#include "base/print.h"
#include "heap/heap.h"
#include "os/os.h"
#include <stdlib.h>
#include <string.h>

struct ash_options ash_options;

#define PATH_BYTES sizeof(ash_options.stats_file)

struct word {
    const char *at;
    size_t n;
};

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.n && memcmp(word.at, text, word.n) == 0;
}

/* ---- values ---- */

static bool read_number(struct word word, uint64_t *ret_n)
{
    uint64_t n = 0;
    if (word.n == 0)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(word.at[i] - '0'), &n))
            return false;
    }
    *ret_n = n;
    return true;
}

/* 4096, 64k, 1.5G, 512MiB: units of 1024. */
static bool read_size(struct word word, uint64_t *ret_bytes)
{
    static const char units[] = "kmgt";
    size_t n = word.n;
    if (n && (word.at[n - 1] == 'B' || word.at[n - 1] == 'b'))
        n--;
    if (n && word.at[n - 1] == 'i')
        n--;
    unsigned shift = 0;
    if (n) {
        const char *unit = strchr(units, word.at[n - 1] | 0x20);
        if (unit && *unit) {
            shift = 10 * (unsigned)(unit - units + 1);
            n--;
        }
    }
    const char *point = memchr(word.at, '.', n);
    uint64_t whole, tenths = 0;
    if (!read_number((struct word){word.at, point ? (size_t)(point - word.at) : n}, &whole))
        return false;
    if (point) {
        struct word rest = {point + 1, n - (size_t)(point + 1 - word.at)};
        if (rest.n != 1 || shift == 0 || !read_number(rest, &tenths))
            return false;
    }
    if (whole > (UINT64_MAX >> 1) >> shift)
        return false;
    *ret_bytes = (whole << shift) + (tenths << shift) / 10;
    return true;
}

static bool read_either(struct word word, const char *no, const char *yes, bool *ret_yes)
{
    *ret_yes = word_is(word, yes);
    return *ret_yes || word_is(word, no);
}

static bool read_flag(struct word word, bool *ret_on)
{
    *ret_on = word_is(word, "1");
    return *ret_on || word_is(word, "0");
}

static bool read_calls(struct word word, unsigned *ret_calls)
{
    static const char *const names[] = {"mmap", "munmap", "mprotect", "madvise", "mremap"};
    unsigned calls = 0;
    while (word.n) {
        const char *plus = memchr(word.at, '+', word.n);
        struct word one = {word.at, plus ? (size_t)(plus - word.at) : word.n};
        unsigned i = 0;
        while (i < ASH_COUNT_OF(names) && !word_is(one, names[i]))
            i++;
        if (i == ASH_COUNT_OF(names))
            return false;
        calls |= 1u << i;
        word.at += one.n + (plus ? 1 : 0);
        word.n -= one.n + (plus ? 1 : 0);
    }
    *ret_calls = calls;
    return calls != 0;
}

static bool read_limit(struct word word, struct ash_options *to)
{
    to->limit_cgroup = word_is(word, "cgroup");
    return to->limit_cgroup || read_size(word, &to->limit_bytes);
}

static bool read_path(struct word word, char ret_path[PATH_BYTES])
{
    if (word.n == 0 || word.n >= PATH_BYTES)
        return false;
    memcpy(ret_path, word.at, word.n);
    ret_path[word.n] = 0;
    return true;
}

static bool read_stats(struct word word, struct ash_options *to)
{
    to->stats = true;
    if (word_is(word, "1")) {
        to->stats_file[0] = 0;
        return true;
    }
    return read_path(word, to->stats_file);
}

static bool read_stacks(struct word word, enum ash_record_stacks *ret_stacks)
{
    static const char *const names[] = {
        [ASH_RECORD_NONE] = "off", [ASH_RECORD_SAMPLED] = "sampled", [ASH_RECORD_ALL] = "all"};
    unsigned i = 0;
    while (i < ASH_COUNT_OF(names) && !word_is(word, names[i]))
        i++;
    if (i == ASH_COUNT_OF(names))
        return false;
    *ret_stacks = (enum ash_record_stacks)i;
    return true;
}

static bool read_check(struct word word, unsigned *ret_level)
{
    uint64_t n;
    if (!read_number(word, &n) || n > 1)
        return false;
    *ret_level = (unsigned)n;
    return true;
}

/* ---- keys ---- */

enum key {
#define X(key, value, fallback, help) KEY_##key,
    ASH_OPTIONS(X)
#undef X
        KEY_COUNT
};

static const struct {
    const char *name, *value, *fallback, *help;
} table[KEY_COUNT] = {
#define X(key, value, fallback, help) {#key, value, fallback, help},
    ASH_OPTIONS(X)
#undef X
};

static enum key find_key(struct word word)
{
    unsigned i = 0;
    while (i < KEY_COUNT && !word_is(word, table[i].name))
        i++;
    return (enum key)i;
}

static bool set_key(enum key key, struct word value, struct ash_options *to)
{
    switch (key) {
    case KEY_help:
        return read_flag(value, &to->help);
    case KEY_off:
        return read_flag(value, &to->off);
    case KEY_strict:
        return read_flag(value, &to->strict);
    case KEY_reaper:
        return read_flag(value, &to->reaper);
    case KEY_stats:
        return read_stats(value, to);
    case KEY_misuse:
        return read_either(value, "abort", "report", &to->misuse_report);
    case KEY_check:
        return read_check(value, &to->check);
    case KEY_limit:
        return read_limit(value, to);
    case KEY_region:
        return read_either(value, "auto", "sparse", &to->region_sparse);
    case KEY_thp:
        return read_either(value, "auto", "never", &to->thp_never);
    case KEY_trace:
        return read_path(value, to->trace_file);
    case KEY_trace_stacks:
        return read_stacks(value, &to->trace_stacks);
    case KEY_trace_forks:
        return read_flag(value, &to->trace_forks);
    case KEY_trace_pid:
        return read_number(value, &to->trace_pid) && to->trace_pid <= UINT32_MAX;
    case KEY_seed:
        return read_number(value, &to->seed);
    case KEY_fail_nth:
        return read_number(value, &to->fail_nth);
    case KEY_fail_rate:
        return read_number(value, &to->fail_rate);
    case KEY_fail_call:
        return read_calls(value, &to->fail_calls);
    case KEY_COUNT:
        break;
    }
    return false;
}

/* Letters to change, add or drop between a word and a name (Levenshtein). */
static unsigned distance(struct word word, const char *name)
{
    unsigned row[16];
    unsigned n = (unsigned)strlen(name);
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= word.n; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned change = diagonal + (word.at[i - 1] != name[j - 1]);
            unsigned skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < skip ? change : skip;
        }
    }
    return row[n];
}

static const char *nearest(struct word word)
{
    const char *best = NULL;
    unsigned best_n = 3; /* further away it is no slip of the finger */
    if (word.n > 32)
        return NULL;
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        unsigned n = distance(word, table[i].name);
        if (n < best_n) {
            best = table[i].name;
            best_n = n;
        }
    }
    return best;
}

static void say_unknown(struct word key, ash_option_say *say, void *arg)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_str(&line, "unknown option '");
    ash_line_strn(&line, key.at, key.n);
    ash_line_char(&line, '\'');
    const char *name = nearest(key);
    if (name)
        ash_line_fmt(&line, ", did you mean '%s'?", name);
    ash_line_char(&line, 0);
    say(arg, line.text);
}

static void say_value(enum key key, struct word value, ash_option_say *say, void *arg)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "option %s cannot be '", table[key].name);
    ash_line_strn(&line, value.at, value.n);
    ash_line_fmt(&line, "', it takes %s", table[key].value[0] ? table[key].value : "0 or 1");
    ash_line_char(&line, 0);
    say(arg, line.text);
}

/* One key or key=value. Number of problems. */
static unsigned parse_one(struct word item, struct ash_options *to, ash_option_say *say, void *arg)
{
    bool if_known = item.n && item.at[0] == '?';
    if (if_known) {
        item.at++;
        item.n--;
    }
    const char *equals = memchr(item.at, '=', item.n);
    struct word name = {item.at, equals ? (size_t)(equals - item.at) : item.n};
    struct word value = {"1", 1};
    if (equals)
        value = (struct word){equals + 1, item.n - name.n - 1};
    if (name.n == 0)
        return 0;
    enum key key = find_key(name);
    if (key == KEY_COUNT) {
        if (if_known)
            return 0;
        say_unknown(name, say, arg);
        return 1;
    }
    if (set_key(key, value, to))
        return 0;
    say_value(key, value, say, arg);
    return 1;
}

unsigned ash_option_parse(const char *text, struct ash_options *options, ash_option_say *say,
                          void *arg)
{
    unsigned problems = 0;
    while (*text) {
        size_t n = strcspn(text, ",");
        problems += parse_one((struct word){text, n}, options, say, arg);
        text += n + (text[n] == ',');
    }
    return problems;
}

/* ---- start ---- */

static void say_line(void *arg, const char *sentence)
{
    (void)arg;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "ashlar: E08 ASHLAR=: %s | ashlar help options", sentence);
    ash_line_write(&line, 2);
}

static void say_nothing(void *arg, const char *sentence)
{
    (void)arg;
    (void)sentence;
}

static void print_table(void)
{
    struct ash_line line;
    ash_line_init(&line);
    ash_line_str(&line, "ASHLAR=key,key=value,... (a key alone means 1)");
    ash_line_write(&line, 2);
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        ash_line_init(&line);
        ash_line_fmt(&line, "  %s%s%s", table[i].name, table[i].value[0] ? "=" : "",
                     table[i].value);
        while (line.len < 24)
            ash_line_char(&line, ' ');
        ash_line_fmt(&line, "%s (%s)", table[i].help, table[i].fallback);
        ash_line_write(&line, 2);
    }
}

/* What a control group leaves for blocks: it also pays for code, stacks, page tables and our
 * metadata, and it kills where we could still have said NULL. */
static uint64_t room_in_group(void)
{
    uint64_t limit = ash_cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup");
    uint64_t others = limit / 16 > ((uint64_t)4 << 20) ? limit / 16 : (uint64_t)4 << 20;
    return limit > 2 * others ? limit - others : limit;
}

static void apply(const struct ash_options *options)
{
    ash_misuse_mode = options->misuse_report ? ASH_MISUSE_GO_ON : ASH_MISUSE_ABORT;
    ash_misuse_check_level = options->check;
    uint64_t limit = options->limit_cgroup ? room_in_group() : options->limit_bytes;
    atomic_store_explicit(&ash_space_count.limit_bytes, (int64_t)limit, memory_order_relaxed);
    if (options->region_sparse)
        ash_region_force_sparse();
    if (options->thp_never)
        ash_purge_no_huge();
    uint64_t rate = options->fail_rate;
    if (options->fail_calls && !options->fail_nth && !rate)
        rate = 1; /* a kind alone: all calls of it */
    if (options->fail_nth || rate)
        ash_os_fail_set(options->fail_nth, rate,
                        options->fail_calls ? options->fail_calls : ASH_FAIL_ALL, options->seed);
}

void ash_option_start(void)
{
    const char *text = getenv("ASHLAR");
    if (!text || ash_os_is_secure())
        return;
    struct ash_options read = {0};
    unsigned problems = ash_option_parse(text, &read, say_nothing, NULL);
    if (read.off) /* wherever it stands: nothing is taken and nothing said */
        return;
    if (problems)
        ash_option_parse(text, &read, say_line, NULL);
    if (problems && read.strict)
        abort();
    ash_options = read;
    apply(&ash_options);
    if (ash_options.help)
        print_table();
}
