#!/bin/sh
# g++: compiles templates of the standard library, and runs the program with threads.
# package: g++
# uses: threads fork
# set: ci
prepare()
{
    cat >work.cpp <<'CPP'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <regex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct alignas(128) Wide {
    char bytes[128];
};

int main()
{
    std::vector<long> sums(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([t, &sums] {
            std::map<std::string, std::vector<int>> table;
            for (int i = 0; i < 40000; i++)
                table["key " + std::to_string(i % 997)].push_back(i * t);
            for (auto &[key, values] : table)
                sums[t] += key.size() + values.size() + values.back();
        });
    for (auto &thread : threads)
        thread.join();
    for (long sum : sums)
        std::cout << sum << '\n';
    std::regex words("(\\w+) (\\w+)");
    std::cout << std::regex_replace(std::string("one two three four"), words, "$2 $1") << '\n';
    std::vector<std::unique_ptr<Wide>> wide;
    for (int i = 0; i < 1000; i++)
        wide.push_back(std::make_unique<Wide>());
    bool aligned = std::all_of(wide.begin(), wide.end(), [](auto &w) {
        return reinterpret_cast<std::uintptr_t>(w.get()) % 128 == 0;
    });
    try {
        std::vector<char> huge(std::size_t(1) << 62);
    } catch (const std::bad_alloc &) {
        std::cout << "bad_alloc, aligned " << aligned << '\n';
    }
    return 13;
}
CPP
}

work()
{
    run g++ -std=c++17 -O2 -Wall -o work "$IN/work.cpp"
    status=0
    run ./work || status=$?
    echo "exit status $status"
}
