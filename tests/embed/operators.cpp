/* operators.cpp: a C++ program with the library linked in: its new, its malloc, and its C++
 * library's own calls are one heap. Its first name in the archive is operator new. */
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

static bool is_refused(std::size_t bytes)
{
    try {
        operator delete(operator new(bytes));
    } catch (const std::bad_alloc &) {
        return operator new(bytes, std::nothrow) == nullptr;
    }
    return false;
}

int main(int argc, char **)
{
    std::size_t one = static_cast<std::size_t>(argc);
    if (!is_refused(one << 60))
        return 1;
    std::free(operator new(one * 100)); /* of one heap, or the C library ends the program */
    operator delete(std::malloc(one * 100));
    try {
        throw std::runtime_error(std::string(one * 1000, 'x'));
    } catch (const std::runtime_error &error) {
        return std::string(error.what()).size() == one * 1000 ? 0 : 3;
    }
}
