# What a builder may choose, and where the outputs go.

string(COMPARE EQUAL "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}" ASHLAR_IS_TOP_LEVEL)

option(ASHLAR_CLI "Build the command ashlar (needs libsmartcols)" ${ASHLAR_IS_TOP_LEVEL})
option(ASHLAR_TESTS "Build and register the tests" ${ASHLAR_IS_TOP_LEVEL})
option(ASHLAR_INSTALL "Install rules for libraries, headers, manuals" ${ASHLAR_IS_TOP_LEVEL})
option(ASHLAR_REPORT "Build the HTML page of the benchmarks (needs esbuild)" ${ASHLAR_IS_TOP_LEVEL})
option(ASHLAR_REPLACE "Build the libraries that replace malloc; off under sanitizers" ON)
option(ASHLAR_WERROR "The project's warnings are errors (CI)" OFF)
option(ASHLAR_COVERAGE "Count executed lines with gcov" OFF)
option(ASHLAR_FUZZ "Build the fuzzers with libFuzzer (clang)" OFF)
set(ASHLAR_CONFIGS OFF CACHE STRING
    "Other configurations to register as tests: ON, or names separated by commas")
set(ASHLAR_SANITIZE "" CACHE STRING "Sanitizers, as after -fsanitize=")
set(ASHLAR_REGION_SHIFT 30 CACHE STRING "log2 of the bytes of a region")

# One list of build types: Release is optimised with symbols, Debug checks every invariant.
if(NOT CMAKE_BUILD_TYPE AND ASHLAR_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

if(ASHLAR_IS_TOP_LEVEL)
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
    set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()
