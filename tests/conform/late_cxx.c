/* late_cxx.c: a C program that opens a C++ library: its new throws, calls its new-handler (F15).
 *
 *     late_cxx LIBRARY      opened with RTLD_LOCAL, as languages open their extensions
 */
#include "conform.h"

static const char *library;

typedef int refused_call(size_t);
typedef unsigned handler_call(size_t, int);

static void *opened(void)
{
    static void *handle;
    if (!handle)
        handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    return handle;
}

static void a_refused_new_throws(void)
{
    CHECK_THAT(opened() != NULL, "%s", dlerror());
    refused_call *refused = (refused_call *)dlsym(opened(), "late_refused");
    CHECK(refused && refused((size_t)1 << 60) == 1);
    CHECK(refused(100) == 0);
}

static void a_refused_nothrow_new_is_null(void)
{
    refused_call *refused = (refused_call *)dlsym(opened(), "late_refused_nothrow");
    CHECK(refused && refused((size_t)1 << 60) == 1);
    CHECK(refused(100) == 0);
}

static void the_new_handler_is_called(void)
{
    handler_call *calls = (handler_call *)dlsym(opened(), "late_handler_calls");
    CHECK(calls != NULL);
    CHECK_THAT(calls((size_t)1 << 60, 0) == 1, "%u", calls((size_t)1 << 60, 0));
    CHECK_THAT(calls((size_t)1 << 60, 1) == 1, "nothrow: %u", calls((size_t)1 << 60, 1));
}

static const struct conform_case cases[] = {
    {"a refused new in a library opened late throws bad_alloc", a_refused_new_throws},
    {"a refused nothrow new there is a null pointer", a_refused_nothrow_new_is_null},
    {"the new-handler set there is called", the_new_handler_is_called},
};

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    library = argv[1];
    return conform_run(cases, sizeof cases / sizeof cases[0]);
}
