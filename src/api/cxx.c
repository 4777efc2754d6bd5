/* cxx.c: operator new and delete in all their forms, by the names the C++ ABI gives them.
 *
 * The library links no C++. Where a program has a C++ library, new calls its new-handler and
 * throws its bad_alloc (F15), found by weak references; by dlsym when the library came later;
 * and under its own name when a plug-in brought it that the rest of the program does not see.
 *
 * Compiled with -fexceptions: a handler that throws unwinds through these frames.
 */
/* tidy: twin: tests/conform/operators.cpp; the embedded library has no such names. */
/* tidy: name: the C++ ABI names these functions. */
#include "api/init.h"
#include "base/errors.h"
#include "base/print.h"
#include "heap/fast.h"
#include "heap/heap.h"
#include <dlfcn.h>
#include <stdlib.h>

typedef void handler(void);

extern handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
extern void _ZSt17__throw_bad_allocv(void) __attribute__((weak));

/* The C++ library's own definition of a name, wherever it was loaded. NULL: there is none. */
static ASH_RARE void *in_cxx_library(const char *name)
{
    static const char *const files[] = {"libstdc++.so.6", "libc++.so.1"};
    /* by name: a linker warns of dlopen in a static program, which has no libraries anyway */
    void *(*open_loaded)(const char *, int);
    *(void **)&open_loaded = dlsym(RTLD_DEFAULT, "dlopen");
    void *found = NULL;
    for (size_t i = 0; open_loaded && !found && i < ASH_COUNT_OF(files); i++) {
        void *library = open_loaded(files[i], RTLD_LAZY | RTLD_NOLOAD);
        if (!library)
            continue;
        found = dlsym(library, name);
        dlclose(library);
    }
    return found;
}

static void *find(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    return found ? found : in_cxx_library(name);
}

static handler *new_handler(void)
{
    handler *(*get)(void) = _ZSt15get_new_handlerv;
    if (!get)
        *(void **)&get = find("_ZSt15get_new_handlerv");
    return get ? get() : NULL;
}

static ASH_COLD _Noreturn void throw_bad_alloc(void)
{
    void (*throw_it)(void) = _ZSt17__throw_bad_allocv;
    if (!throw_it)
        *(void **)&throw_it = find("_ZSt17__throw_bad_allocv");
    if (throw_it)
        throw_it();
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line, "ashlar: E10 %s | ashlar help E10", ash_error_sentence(ASH_E10));
    ash_line_write(&line, 2);
    abort();
}

/* The loop of the standard: the handler frees something, throws, or ends the program. */
static __attribute__((noinline, cold)) void *new_after_failure(size_t bytes, size_t align)
{
    for (;;) {
        handler *call = new_handler();
        if (!call)
            throw_bad_alloc();
        call();
        void *p = align ? ash_alloc_aligned(align, bytes) : ash_fast_malloc(bytes);
        if (p)
            return p;
    }
}

static __attribute__((noinline)) void *new_slow(size_t bytes)
{
    void *p = ash_fast_malloc(bytes);
    return ASH_LIKELY(p != NULL) ? p : new_after_failure(bytes, 0);
}

static inline void *new_plain(size_t bytes)
{
    void *p = ash_fast_try(bytes);
    return ASH_LIKELY(p != NULL) ? p : new_slow(bytes);
}

static inline void *new_aligned(size_t bytes, size_t align)
{
    if (ASH_UNLIKELY(!ash_is_power_of_two(align)))
        throw_bad_alloc(); /* no handler can help */
    void *p = ash_alloc_aligned(align, bytes);
    return ASH_LIKELY(p != NULL) ? p : new_after_failure(bytes, align);
}

/* C cannot catch what a handler throws. libstdc++'s own nothrow form calls the throwing one,
 * which is ours, and catches. */
static __attribute__((noinline, cold)) void *nothrow_after_failure(const char *name, size_t bytes,
                                                                   size_t align, const void *tag)
{
    if (!new_handler())
        return NULL;
    void *next = dlsym(RTLD_NEXT, name);
    if (!next)
        next = in_cxx_library(name);
    if (!next)
        return NULL;
    return align ? ((void *(*)(size_t, size_t, const void *))next)(bytes, align, tag)
                 : ((void *(*)(size_t, const void *))next)(bytes, tag);
}

static inline void *new_aligned_nothrow(const char *name, size_t bytes, size_t align,
                                        const void *tag)
{
    if (ASH_UNLIKELY(!ash_is_power_of_two(align)))
        return NULL;
    void *p = ash_alloc_aligned(align, bytes);
    return p ? p : nothrow_after_failure(name, bytes, align, tag);
}

void *_Znwm(size_t bytes)
{
    return new_plain(bytes);
}

void *_Znam(size_t bytes)
{
    return new_plain(bytes);
}

void *_ZnwmSt11align_val_t(size_t bytes, size_t align)
{
    return new_aligned(bytes, align);
}

void *_ZnamSt11align_val_t(size_t bytes, size_t align)
{
    return new_aligned(bytes, align);
}

void *_ZnwmRKSt9nothrow_t(size_t bytes, const void *tag)
{
    void *p = ash_fast_malloc(bytes);
    return p ? p : nothrow_after_failure("_ZnwmRKSt9nothrow_t", bytes, 0, tag);
}

void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag)
{
    void *p = ash_fast_malloc(bytes);
    return p ? p : nothrow_after_failure("_ZnamRKSt9nothrow_t", bytes, 0, tag);
}

void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t align, const void *tag)
{
    return new_aligned_nothrow("_ZnwmSt11align_val_tRKSt9nothrow_t", bytes, align, tag);
}

void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t align, const void *tag)
{
    return new_aligned_nothrow("_ZnamSt11align_val_tRKSt9nothrow_t", bytes, align, tag);
}

void _ZdlPv(void *p)
{
    ash_fast_free(p);
}

void _ZdaPv(void *p)
{
    ash_fast_free(p);
}

void _ZdlPvRKSt9nothrow_t(void *p, const void *tag)
{
    (void)tag;
    ash_fast_free(p);
}

void _ZdaPvRKSt9nothrow_t(void *p, const void *tag)
{
    (void)tag;
    ash_fast_free(p);
}

void _ZdlPvSt11align_val_t(void *p, size_t align)
{
    (void)align;
    ash_fast_free(p);
}

void _ZdaPvSt11align_val_t(void *p, size_t align)
{
    (void)align;
    ash_fast_free(p);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag)
{
    (void)align;
    (void)tag;
    ash_fast_free(p);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag)
{
    (void)align;
    (void)tag;
    ash_fast_free(p);
}

/* Sized forms state a size that the heap knows anyway; it is compared with check=1 only. */
static inline void delete_sized(void *p, size_t bytes, size_t align)
{
    if (ASH_UNLIKELY(ash_misuse_check_level != 0))
        ash_free_sized(p, bytes, align);
    else
        ash_fast_free(p);
}

void _ZdlPvm(void *p, size_t bytes)
{
    delete_sized(p, bytes, 0);
}

void _ZdaPvm(void *p, size_t bytes)
{
    delete_sized(p, bytes, 0);
}

void _ZdlPvmSt11align_val_t(void *p, size_t bytes, size_t align)
{
    delete_sized(p, bytes, align);
}

void _ZdaPvmSt11align_val_t(void *p, size_t bytes, size_t align)
{
    delete_sized(p, bytes, align);
}
