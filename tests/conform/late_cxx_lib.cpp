/* late_cxx_lib.cpp: a C++ library for a C program: what its new does when memory is refused. */
#include <cstddef>
#include <new>

static unsigned n_calls;

static void give_up()
{
    n_calls++;
    std::set_new_handler(nullptr);
}

extern "C" {

/* 1: bad_alloc was thrown, as it should. */
int late_refused(std::size_t bytes)
{
    try {
        operator delete(operator new(bytes));
    } catch (const std::bad_alloc &) {
        return 1;
    }
    return 0;
}

/* 1: the nothrow form gave a null pointer. */
int late_refused_nothrow(std::size_t bytes)
{
    void *p = operator new(bytes, std::nothrow);
    operator delete(p);
    return p == nullptr;
}

/* How often the new-handler was called by a refused new, and by a refused nothrow new. */
unsigned late_handler_calls(std::size_t bytes, int nothrow)
{
    n_calls = 0;
    std::set_new_handler(give_up);
    if (nothrow)
        late_refused_nothrow(bytes);
    else
        late_refused(bytes);
    std::set_new_handler(nullptr);
    return n_calls;
}
}
