/* exports.c: the malloc family is whole: every function of malloc.h, and of stdlib.h and C++ that
 * hands out or takes a block, comes from the object that malloc comes from (F24).
 *
 *     exports [MALLOC_H]      default /usr/include/malloc.h
 */
#include "conform.h"
#include <ctype.h>

static const char *header = "/usr/include/malloc.h";

/* The file that the dynamic linker takes a function from, NULL when there is none. */
static const char *home_of(const char *name)
{
    Dl_info found;
    void *at = dlsym(RTLD_DEFAULT, name);
    return at && dladdr(at, &found) ? found.dli_fname : NULL;
}

static bool lives_with_malloc(const char *name)
{
    const char *home = home_of(name), *with = home_of("malloc");
    return home && with && strcmp(home, with) == 0;
}

static bool is_data(const char *name)
{
    return strcmp(name, "obstack_alloc_failed_handler") == 0;
}

/* The last word before the first "(" that follows "extern", as glibc writes its headers. */
static bool declared_name(const char *declaration, char *ret_name, size_t room)
{
    const char *paren = strchr(declaration, '(');
    while (paren && paren > declaration && isspace((unsigned char)paren[-1]))
        paren--;
    const char *first = paren;
    while (first && first > declaration && (isalnum((unsigned char)first[-1]) || first[-1] == '_'))
        first--;
    if (!paren || first == paren || (size_t)(paren - first) >= room)
        return false;
    memcpy(ret_name, first, (size_t)(paren - first));
    ret_name[paren - first] = 0;
    return true;
}

static void every_function_of_malloc_h(void)
{
    static char text[65536];
    FILE *file = fopen(header, "r");
    if (!file)
        SKIP("no malloc.h here");
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    unsigned n_names = 0;
    for (const char *s = text; (s = strstr(s, "\nextern ")) != NULL; s++) {
        char name[64];
        if (!declared_name(s, name, sizeof name) || is_data(name) || !home_of(name))
            continue;
        n_names++;
        CHECK_THAT(lives_with_malloc(name), "%s is in %s", name, home_of(name));
    }
    CHECK_THAT(n_names >= 15, "%u names found", n_names);
}

/* Declared elsewhere, or by other standards. */
static const char *const c_names[] = {"malloc",         "calloc",
                                      "realloc",        "reallocarray",
                                      "free",           "aligned_alloc",
                                      "posix_memalign", "memalign",
                                      "valloc",         "pvalloc",
                                      "malloc_trim",    "malloc_info",
                                      "malloc_stats",   "malloc_usable_size",
                                      "mallinfo",       "mallinfo2",
                                      "mallopt",        "cfree"};

static void every_function_of_c_and_posix(void)
{
    for (size_t i = 0; i < sizeof c_names / sizeof c_names[0]; i++) {
        void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
        bool is_known = libc && dlsym(libc, c_names[i]);
        CHECK_THAT(!is_known || lives_with_malloc(c_names[i]), "%s is in %s", c_names[i],
                   home_of(c_names[i]));
    }
}

/* glibc's functions under names that wrappers of malloc call. */
static const char *const wrapped_names[] = {"__libc_malloc",  "__libc_free",     "__libc_calloc",
                                            "__libc_realloc", "__libc_memalign", "__libc_valloc",
                                            "__libc_pvalloc"};

static void every_function_that_wrappers_call(void)
{
    for (size_t i = 0; i < sizeof wrapped_names / sizeof wrapped_names[0]; i++)
        CHECK_THAT(lives_with_malloc(wrapped_names[i]), "%s is in %s", wrapped_names[i],
                   home_of(wrapped_names[i]));
}

static const char *const c23_and_cxx_names[] = {
    "free_sized",
    "free_aligned_sized",
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

static void every_function_of_c23_and_cxx(void)
{
    ONLY_ON_ASHLAR(); /* glibc 2.36 is C17, and C++ has a library of its own */
    for (size_t i = 0; i < sizeof c23_and_cxx_names / sizeof c23_and_cxx_names[0]; i++)
        CHECK_THAT(lives_with_malloc(c23_and_cxx_names[i]), "%s", c23_and_cxx_names[i]);
}

static const struct conform_case cases[] = {
    {"every function that malloc.h declares", every_function_of_malloc_h},
    {"every function of C and POSIX", every_function_of_c_and_posix},
    {"every function that wrappers of malloc call", every_function_that_wrappers_call},
    {"every function of C23 and C++", every_function_of_c23_and_cxx},
};

int main(int argc, char **argv)
{
    if (argc > 1)
        header = argv[1];
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
