/* operators.cpp: the forms of new and delete, and the new-handler (F15). */
#include "conform.h"
#include <cstddef>
#include <new>
#include <vector>

/* Called as functions, so that no pair is optimised away. */
static void plain_and_array(void)
{
    static const size_t sizes[] = {0, 1, 16, 100, 5000, 70000, 9 << 20};
    for (size_t bytes : sizes) {
        errno = 101;
        void *p = operator new(bytes), *q = operator new[](bytes);
        void *r = operator new(bytes, std::nothrow), *s = operator new[](bytes, std::nothrow);
        CHECK_THAT(p && q && r && s && p != q && q != r && r != s, "%zu", bytes);
        CHECK(conform_is_aligned(p, 16) && conform_is_aligned(q, 16));
        CHECK(conform_is_aligned(r, 16) && conform_is_aligned(s, 16));
        memset(p, 1, bytes);
        operator delete(p);
        operator delete[](q);
        operator delete(r, std::nothrow);
        operator delete[](s, std::nothrow);
        CHECK_THAT(errno == 101, "%zu: errno %d", bytes, errno);
    }
}

static void sized(void)
{
    for (size_t bytes = 0; bytes <= 200000; bytes += bytes / 4 + 1) {
        operator delete(operator new(bytes), bytes);
        operator delete[](operator new[](bytes), bytes);
    }
}

static void aligned(void)
{
    for (size_t align = 1; align <= 1 << 20; align *= 2)
        for (size_t bytes = 0; bytes <= 100000; bytes += bytes + 1) {
            std::align_val_t a{align};
            void *p = operator new(bytes, a), *q = operator new[](bytes, a);
            void *r = operator new(bytes, a, std::nothrow);
            void *s = operator new[](bytes, a, std::nothrow);
            CHECK_THAT(p && q && r && s, "align %zu size %zu", align, bytes);
            CHECK(conform_is_aligned(p, align) && conform_is_aligned(q, align));
            CHECK(conform_is_aligned(r, align) && conform_is_aligned(s, align));
            operator delete(p, a);
            operator delete[](q, bytes, a);
            operator delete(r, a, std::nothrow);
            operator delete[](s, a, std::nothrow);
            operator delete(operator new(bytes, a), bytes, a);
            operator delete[](operator new[](bytes, a), a);
        }
}

static void of_null(void)
{
    operator delete(nullptr);
    operator delete[](nullptr);
    operator delete(nullptr, 8);
    operator delete[](nullptr, 8);
    operator delete(nullptr, std::nothrow);
    operator delete (nullptr, std::align_val_t{64});
    operator delete (nullptr, 8, std::align_val_t{64});
    operator delete[](nullptr, 8, std::align_val_t{64});
    operator delete[](nullptr, std::align_val_t{64}, std::nothrow);
}

static void mixed_with_malloc(void)
{
    /* not allowed by the standard, true of every allocator on Linux, relied on */
    free(operator new(100));
    operator delete(malloc(100));
    free(operator new (100, std::align_val_t{128}));
}

enum form { PLAIN, ARRAY, ALIGNED, ALIGNED_ARRAY, N_FORMS };

static void *make(form f, size_t bytes)
{
    switch (f) {
    case PLAIN:
        return operator new(bytes);
    case ARRAY:
        return operator new[](bytes);
    case ALIGNED:
        return operator new (bytes, std::align_val_t{64});
    default:
        return operator new[](bytes, std::align_val_t{64});
    }
}

static void *make_nothrow(form f, size_t bytes)
{
    switch (f) {
    case PLAIN:
        return operator new(bytes, std::nothrow);
    case ARRAY:
        return operator new[](bytes, std::nothrow);
    case ALIGNED:
        return operator new (bytes, std::align_val_t{64}, std::nothrow);
    default:
        return operator new[](bytes, std::align_val_t{64}, std::nothrow);
    }
}

static const size_t refused[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, (size_t)1 << 60};

/* libstdc++ 12 rounds the size of an aligned new up, and it wraps to 0. */
static bool wraps_elsewhere(int f, size_t bytes)
{
    return f >= ALIGNED && bytes == SIZE_MAX && !conform_on_ashlar();
}

static void refused_is_bad_alloc(void)
{
    for (int f = PLAIN; f < N_FORMS; f++)
        for (size_t bytes : refused) {
            bool caught = wraps_elsewhere(f, bytes);
            try {
                if (!caught)
                    make((form)f, conform_opaque(bytes));
            } catch (const std::bad_alloc &) {
                caught = true;
            }
            CHECK_THAT(caught, "form %d, %zx", f, bytes);
        }
}

static void refused_nothrow_is_null(void)
{
    for (int f = PLAIN; f < N_FORMS; f++)
        for (size_t bytes : refused)
            CHECK_THAT(wraps_elsewhere(f, bytes) ||
                           make_nothrow((form)f, conform_opaque(bytes)) == nullptr,
                       "form %d, %zx", f, bytes);
}

static void array_overflow_throws(void)
{
    bool caught = false;
    try {
        volatile size_t n = SIZE_MAX / 4;
        double *volatile p = new double[n];
        delete[] p;
    } catch (const std::bad_alloc &) { /* which bad_array_new_length is, gcc's choice */
        caught = true;
    }
    CHECK(caught);
}

static unsigned n_handler_calls;

static void handler_that_gives_up(void)
{
    if (++n_handler_calls == 3)
        std::set_new_handler(nullptr);
}

static void handler_is_called_until_none(void)
{
    for (int f = PLAIN; f < N_FORMS; f++) {
        n_handler_calls = 0;
        std::set_new_handler(handler_that_gives_up);
        bool caught = false;
        try {
            make((form)f, conform_opaque((size_t)1 << 60));
        } catch (const std::bad_alloc &) {
            caught = true;
        }
        CHECK_THAT(caught && n_handler_calls == 3, "form %d: %u calls", f, n_handler_calls);
        n_handler_calls = 0;
        std::set_new_handler(handler_that_gives_up);
        CHECK(make_nothrow((form)f, conform_opaque((size_t)1 << 60)) == nullptr);
        CHECK_THAT(n_handler_calls == 3, "nothrow form %d: %u calls", f, n_handler_calls);
    }
    std::set_new_handler(nullptr);
}

struct own_error {
    int value;
};

static void handler_that_throws(void)
{
    throw own_error{42};
}

static void what_the_handler_throws_arrives(void)
{
    std::set_new_handler(handler_that_throws);
    for (int f = PLAIN; f < N_FORMS; f++) {
        int value = 0;
        try {
            make((form)f, conform_opaque((size_t)1 << 60));
        } catch (const own_error &error) {
            value = error.value;
        }
        CHECK_THAT(value == 42, "form %d: %d", f, value);
    }
    std::set_new_handler(nullptr);
}

static void handler_that_throws_bad_alloc(void)
{
    throw std::bad_alloc();
}

static void nothrow_catches_bad_alloc_of_the_handler(void)
{
    std::set_new_handler(handler_that_throws_bad_alloc);
    for (int f = PLAIN; f < N_FORMS; f++)
        CHECK_THAT(make_nothrow((form)f, conform_opaque((size_t)1 << 60)) == nullptr, "form %d", f);
    std::set_new_handler(nullptr);
}

static void containers_work(void)
{
    std::vector<std::vector<int>> rows;
    for (int i = 0; i < 500; i++)
        rows.push_back(std::vector<int>((size_t)i, i));
    long sum = 0;
    for (const auto &row : rows)
        for (int x : row)
            sum += x;
    CHECK_THAT(sum == 41541750, "%ld", sum);
}

struct alignas(128) wide {
    char bytes[200];
};

static void over_aligned_types(void)
{
    for (size_t n = 1; n < 100; n++) {
        wide *volatile p = new wide[n];
        CHECK(conform_is_aligned(p, 128));
        delete[] p;
    }
}

static const conform_case cases[] = {
    {"new, new[], nothrow: aligned to 16, errno untouched", plain_and_array},
    {"sized delete", sized},
    {"aligned new and delete", aligned},
    {"delete of a null pointer", of_null},
    {"new and free, malloc and delete", mixed_with_malloc},
    {"a refused new throws bad_alloc", refused_is_bad_alloc},
    {"a refused nothrow new is a null pointer", refused_nothrow_is_null},
    {"an array whose size wraps throws", array_overflow_throws},
    {"the new-handler is called until there is none", handler_is_called_until_none},
    {"what the new-handler throws arrives", what_the_handler_throws_arrives},
    {"nothrow new catches bad_alloc of the new-handler", nothrow_catches_bad_alloc_of_the_handler},
    {"containers work", containers_work},
    {"over-aligned types are aligned", over_aligned_types},
};

CONFORM_MAIN(cases)
