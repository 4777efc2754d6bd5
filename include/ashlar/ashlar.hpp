// ashlar.hpp: Ashlar for C++17: a memory resource and an allocator for containers.
//
//     ashlar::resource pool;                          // a heap of its own, freed as a whole
//     std::pmr::vector<int> numbers{&pool};
//     std::vector<int, ashlar::allocator<int>> more;  // the ordinary heap, explicitly
//     std::pmr::set_default_resource(ashlar::default_resource());
//
// Errors   std::bad_alloc.
// Threads  As ashlar.h: both may be used from any thread; destroying a resource needs that nobody
//          uses its blocks any more.
#ifndef ASHLAR_HPP
#define ASHLAR_HPP

#include "../ashlar.h"

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>

namespace ashlar {

// A heap of its own. Blocks that were not given back go when it does.
class resource final : public std::pmr::memory_resource {
public:
    resource() : heap_(ashlar_heap_new())
    {
        if (!heap_)
            throw std::bad_alloc();
    }
    ~resource() override { ashlar_heap_destroy(heap_); }
    resource(const resource &) = delete;
    resource &operator=(const resource &) = delete;

    // Frees every block at once.
    void release() noexcept { ashlar_heap_free_all(heap_); }

private:
    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        void *p = ashlar_heap_aligned_alloc(heap_, align, bytes);
        if (!p)
            throw std::bad_alloc();
        return p;
    }
    void do_deallocate(void *p, std::size_t, std::size_t) override { ashlar_heap_free(heap_, p); }
    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        return this == &other;
    }

    struct ashlar_heap *heap_;
};

// The ordinary heap as a resource: one for the whole program, never destroyed, so that containers
// in static storage may keep it.
inline std::pmr::memory_resource *default_resource() noexcept
{
    class ordinary final : public std::pmr::memory_resource {
        void *do_allocate(std::size_t bytes, std::size_t align) override
        {
            void *p = ashlar_aligned_alloc(align, bytes);
            if (!p)
                throw std::bad_alloc();
            return p;
        }
        void do_deallocate(void *p, std::size_t, std::size_t) override { ashlar_free(p); }
        bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
        {
            return this == &other;
        }
    };
    alignas(ordinary) static unsigned char room[sizeof(ordinary)];
    static std::pmr::memory_resource *const only = ::new (room) ordinary;
    return only;
}

// The ordinary heap, whatever the program's malloc is.
template <class T> struct allocator {
    using value_type = T;

    allocator() noexcept = default;
    template <class U> allocator(const allocator<U> &) noexcept {}

    T *allocate(std::size_t n)
    {
        if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
            throw std::bad_array_new_length();
        void *p = alignof(T) > 16 ? ashlar_aligned_alloc(alignof(T), n * sizeof(T))
                                  : ashlar_malloc(n * sizeof(T));
        if (!p)
            throw std::bad_alloc();
        return static_cast<T *>(p);
    }
    void deallocate(T *p, std::size_t) noexcept { ashlar_free(p); }

    template <class U> bool operator==(const allocator<U> &) const noexcept { return true; }
    template <class U> bool operator!=(const allocator<U> &) const noexcept { return false; }
};

} // namespace ashlar
#endif
