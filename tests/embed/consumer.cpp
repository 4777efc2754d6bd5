/* consumer.cpp: a C++ program of somebody else: containers on a heap of their own. */
#include <ashlar/ashlar.hpp>
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

int main()
{
    ashlar::resource pool;
    {
        std::pmr::map<int, std::pmr::string> names(&pool);
        for (int i = 0; i < 1000; i++)
            names.emplace(i, "a name that is too long for the string itself");
        std::vector<int, ashlar::allocator<int>> numbers;
        for (int i = 0; i < 100000; i++)
            numbers.push_back(i);
        if (names.size() != 1000 || numbers.back() != 99999)
            return 1;
    }
    pool.release();
    struct alignas(256) wide {
        char bytes[300];
    };
    std::pmr::polymorphic_allocator<wide> wides(&pool);
    wide *block = wides.allocate(3);
    if (reinterpret_cast<std::uintptr_t>(block) % 256 != 0)
        return 1;
    wides.deallocate(block, 3);
    std::pmr::set_default_resource(ashlar::default_resource());
    std::pmr::vector<std::pmr::string> texts(1000, "a text that is too long for the string itself");
    if (texts.get_allocator().resource() != ashlar::default_resource() || texts.size() != 1000)
        return 1;
    std::puts("containers live on Ashlar");
    return 0;
}
