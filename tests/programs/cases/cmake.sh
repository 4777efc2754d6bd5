#!/bin/sh
# cmake: lists, strings and regular expressions of its language; configures and builds a project.
# package: cmake
# also: gcc make
# uses: fork
# set: ci
prepare()
{
    mkdir project
    cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(work C)
foreach(n RANGE 1 30)
    file(WRITE "${CMAKE_BINARY_DIR}/gen/f${n}.c" "int f${n}(int x) { return x + ${n}; }\n")
    add_library(part${n} STATIC "${CMAKE_BINARY_DIR}/gen/f${n}.c")
    list(APPEND calls "f${n}(1)")
    string(APPEND text "int f${n}(int);\n")
    list(APPEND parts part${n})
endforeach()
list(JOIN calls " + " sum)
file(WRITE "${CMAKE_BINARY_DIR}/gen/main.c"
     "#include <stdio.h>\n${text}\nint main(void) { printf(\"%d\\n\", ${sum}); return 0; }\n")
add_executable(work "${CMAKE_BINARY_DIR}/gen/main.c")
target_link_libraries(work ${parts})
CMAKE
    cat >work.cmake <<'CMAKE'
set(words "")
foreach(n RANGE 1 2500)
    math(EXPR square "${n} * ${n} % 9973")
    string(REGEX REPLACE "([0-9])([0-9])" "\\2-\\1" turned "${square}")
    list(APPEND words "w${turned}")
endforeach()
list(SORT words)
list(REMOVE_DUPLICATES words)
list(LENGTH words length)
string(SHA256 hash "${words}")
string(JSON object SET "{}" "words" "\"${length}\"")
message(STATUS "${length} ${hash} ${object}")
message(FATAL_ERROR "ends here")
CMAKE
}

work()
{
    run cmake -P "$IN/work.cmake" || echo "exit status $?"
    run cmake -S "$IN/project" -B build -G 'Unix Makefiles' >said
    grep -c . said
    run cmake --build build -j 2 >said
    grep -c Built said
    ./build/work
}
