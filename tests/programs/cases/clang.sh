#!/bin/sh
# clang: compiles C++ to optimised code and to LLVM's text, and explains a mistake.
# package: clang
# also: g++
# uses: fork
prepare()
{
    cat >work.cpp <<'CPP'
#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <regex>
#include <string>
#include <vector>

template <int N> struct Tower {
    std::map<int, Tower<N - 1>> below;
    std::vector<std::string> names{std::to_string(N)};
    long sum() const
    {
        return std::accumulate(below.begin(), below.end(), long(N) + long(names.size()),
                               [](long s, auto &item) { return s + item.second.sum(); });
    }
};
template <> struct Tower<0> {
    long sum() const { return 1; }
};

int main()
{
    Tower<6> tower;
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 30; j++)
            tower.below[i].below[j].below[i + j];
    std::cout << tower.sum() << std::regex_match("baba", std::regex("(ba)+")) << '\n';
}
CPP
}

work()
{
    run clang++ -O2 -o work "$IN/work.cpp"
    ./work
    run clang++ -O2 -S -emit-llvm -o - "$IN/work.cpp" | cksum
    echo 'int main() { return retrun; }' >wrong.cpp
    run clang++ -c wrong.cpp || echo "exit status $?"
}
