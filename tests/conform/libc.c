/* libc.c: the C library's own functions that allocate, on this malloc. */
#include "conform.h"
#include <argz.h>
#include <dirent.h>
#include <envz.h>
#include <ftw.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <obstack.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>
#include <wordexp.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static void strdup_family(void)
{
    for (size_t n = 0; n < 3000; n = n * 2 + 1) {
        char text[4096];
        memset(text, 'x', n);
        text[n] = 0;
        char *a = strdup(text), *b = strndup(text, n / 2);
        CHECK(a && strcmp(a, text) == 0 && b && strlen(b) == n / 2);
        CHECK(malloc_usable_size(a) > n); /* it is a block of this malloc */
        free(b);
        a = realloc(a, n + 100);
        CHECK(a && strcmp(a, text) == 0);
        free(a);
    }
    wchar_t *wide = wcsdup(L"wide");
    CHECK(wide && wcscmp(wide, L"wide") == 0);
    free(wide);
}

static void asprintf_family(void)
{
    for (int width = 1; width < 100000; width *= 3) {
        char *text = NULL;
        CHECK(asprintf(&text, "%*d", width, 7) == width);
        CHECK(malloc_usable_size(text) > (size_t)width && text[width - 1] == '7');
        free(text);
    }
}

static void getline_grows_its_buffer(void)
{
    FILE *file = tmpfile();
    CHECK(file != NULL);
    for (size_t n = 1; n < 200000; n *= 5)
        fprintf(file, "%0*d\n", (int)n, 3);
    rewind(file);
    char *line = NULL;
    size_t room = 0, n_lines = 0;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0; n_lines++)
        CHECK(line[n - 1] == '\n' && line[n - 2] == '3' && malloc_usable_size(line) >= room);
    CHECK_THAT(n_lines == 8, "%zu", n_lines);
    free(line);
    line = malloc(1); /* a buffer of ours is taken over */
    room = 1;
    rewind(file);
    CHECK(getdelim(&line, &room, '\n', file) == 2);
    free(line);
    fclose(file);
}

static void scanf_allocates(void)
{
    char *word = NULL, *set = NULL;
    CHECK(sscanf("hello   world", "%ms %m[a-z]", &word, &set) == 2);
    CHECK(strcmp(word, "hello") == 0 && strcmp(set, "world") == 0);
    free(word);
    free(set);
}

static void memstream(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    for (unsigned i = 0; i < 20000; i++)
        fprintf(file, "%u,", i);
    fclose(file);
    CHECK(n == strlen(text) && strncmp(text, "0,1,2,3,", 8) == 0);
    CHECK(malloc_usable_size(text) > n);
    free(text);
}

static void obstack_grows_and_is_freed(void)
{
    struct obstack stack;
    obstack_init(&stack);
    char *first = obstack_alloc(&stack, 10);
    for (unsigned i = 0; i < 1000; i++) {
        obstack_grow(&stack, "0123456789", 10);
        if (i % 100 == 99)
            CHECK(strncmp(obstack_finish(&stack), "0123456789", 10) == 0);
    }
    CHECK(obstack_alloc(&stack, 500000) != NULL);
    CHECK(obstack_printf(&stack, "%d", 12345) == 5);
    obstack_1grow(&stack, 0);
    CHECK(strcmp(obstack_finish(&stack), "12345") == 0);
    obstack_free(&stack, first);
    obstack_free(&stack, NULL);
}

static void paths(void)
{
    char *here = getcwd(NULL, 0), *canonical = canonicalize_file_name("/proc/../proc/self");
    char *real = realpath("/proc/../usr", NULL);
    CHECK(here && canonical && real);
    CHECK(strcmp(real, "/usr") == 0);
    free(here);
    free(canonical);
    free(real);
}

static int every_entry(const struct dirent *entry)
{
    return entry->d_name[0] != 0;
}

static void directories(void)
{
    struct dirent **entries;
    int n = scandir("/usr/lib", &entries, every_entry, alphasort);
    CHECK(n > 2);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    glob_t found;
    CHECK(glob("/usr/l*", 0, NULL, &found) == 0 && found.gl_pathc >= 1);
    globfree(&found);
    wordexp_t words;
    CHECK(wordexp("one two ~", &words, WRDE_NOCMD) == 0 && words.we_wordc == 3);
    wordfree(&words);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void trees_and_tables(void)
{
    static char keys[5000][8];
    void *root = NULL;
    CHECK(hcreate(6000));
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(keys[i], sizeof keys[i], "%u", i * 7919 % 5000);
        tsearch(keys[i], &root, compare);
        ENTRY entry = {keys[i], keys[i]};
        CHECK(hsearch(entry, ENTER) != NULL);
    }
    for (unsigned i = 0; i < 5000; i++)
        CHECK(tdelete(keys[i], &root, compare) != NULL);
    CHECK(root == NULL);
    hdestroy();
}

static void vectors(void)
{
    char *list = NULL;
    size_t n = 0;
    for (unsigned i = 0; i < 500; i++)
        CHECK(argz_add(&list, &n, "word") == 0);
    CHECK(argz_count(list, n) == 500);
    CHECK(envz_add(&list, &n, "name", "value") == 0);
    CHECK(strcmp(envz_get(list, n, "name"), "value") == 0);
    free(list);
}

static void environment(void)
{
    for (unsigned i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "CONFORM_%u", i);
        CHECK(setenv(name, "a value that is not quite short", 1) == 0);
    }
    for (unsigned i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "CONFORM_%u", i);
        CHECK(getenv(name) && unsetenv(name) == 0);
    }
}

static void expressions_and_conversions(void)
{
    regex_t expression;
    CHECK(regcomp(&expression, "(a|b)*c{2,30}[[:alpha:]]+", REG_EXTENDED) == 0);
    regmatch_t matches[3];
    CHECK(regexec(&expression, "abbaccccxyz", 3, matches, 0) == 0);
    regfree(&expression);
    iconv_t converter = iconv_open("UTF-16", "UTF-8");
    if (converter != (iconv_t)-1)
        iconv_close(converter);
    locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    CHECK(locale != (locale_t)0);
    freelocale(locale);
}

static void names_of_hosts(void)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    CHECK(getaddrinfo("127.0.0.1", "80", &hints, &found) == 0);
    freeaddrinfo(found);
}

static void sorting_of_large_arrays(void)
{
    size_t n = 300000; /* qsort takes a temporary block */
    unsigned *numbers = malloc(n * sizeof *numbers);
    for (size_t i = 0; i < n; i++)
        numbers[i] = (unsigned)(i * 2654435761u);
    qsort(numbers, n / 16, 16 * sizeof *numbers, compare);
    free(numbers);
}

static const struct conform_case cases[] = {
    {"strdup, strndup, wcsdup", strdup_family},
    {"asprintf", asprintf_family},
    {"getline and getdelim", getline_grows_its_buffer},
    {"scanf with %m", scanf_allocates},
    {"open_memstream", memstream},
    {"obstack", obstack_grows_and_is_freed},
    {"getcwd, realpath, canonicalize_file_name", paths},
    {"scandir, glob, wordexp", directories},
    {"tsearch, hsearch", trees_and_tables},
    {"argz, envz", vectors},
    {"setenv", environment},
    {"regcomp, iconv, newlocale", expressions_and_conversions},
    {"getaddrinfo", names_of_hosts},
    {"qsort of a large array", sorting_of_large_arrays},
};

CONFORM_MAIN(cases)
