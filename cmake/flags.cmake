# Compiler and linker flags, carried by three interface targets:
#   ashlar_flags      warnings, sanitizers, coverage: every target of ours
#   ashlar_internal   the above and the include path of src/: tests that look inside
#   ashlar_strict     the above and the warnings that only library and command must pass

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
if(ASHLAR_IS_TOP_LEVEL)
    # -O2: the golden instruction counts are those of -O2. Assertions have their own switch.
    set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
    set(CMAKE_C_FLAGS_DEBUG "-O1 -g3")
endif()

find_package(Threads REQUIRED)

add_library(ashlar_flags INTERFACE)
target_link_libraries(ashlar_flags INTERFACE Threads::Threads)
target_compile_options(ashlar_flags INTERFACE -Wall -Wextra
    $<$<COMPILE_LANGUAGE:C>:-Wshadow -Wstrict-prototypes -Wvla>)
if(ASHLAR_WERROR)
    target_compile_options(ashlar_flags INTERFACE -Werror)
endif()
if(ASHLAR_SANITIZE)
    target_compile_options(ashlar_flags INTERFACE -fsanitize=${ASHLAR_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(ashlar_flags INTERFACE -fsanitize=${ASHLAR_SANITIZE})
endif()
if(ASHLAR_COVERAGE)
    target_compile_options(ashlar_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(ashlar_flags INTERFACE --coverage)
endif()

add_library(ashlar_internal INTERFACE)
target_link_libraries(ashlar_internal INTERFACE ashlar_flags)
target_include_directories(ashlar_internal INTERFACE
    "${CMAKE_CURRENT_SOURCE_DIR}/src" "${CMAKE_CURRENT_SOURCE_DIR}/include")
target_compile_definitions(ashlar_internal INTERFACE
    _GNU_SOURCE ASH_REGION_SHIFT=${ASHLAR_REGION_SHIFT}
    $<$<CONFIG:Debug>:ASH_DEBUG_BUILD=1>)

add_library(ashlar_strict INTERFACE)
target_link_libraries(ashlar_strict INTERFACE ashlar_internal)
target_compile_options(ashlar_strict INTERFACE -Wconversion)

# Names that the compiler must not believe to know inside the library that defines them.
set(ASHLAR_NO_BUILTIN malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign
    valloc pvalloc malloc_usable_size)
list(TRANSFORM ASHLAR_NO_BUILTIN PREPEND -fno-builtin-)

# Objects of the library. Position independent and initial-exec: one compilation serves the shared
# and the static library, and a static link relaxes the thread-local accesses by itself.
function(ashlar_library_objects name)
    add_library(${name} OBJECT ${ARGN})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
                          C_VISIBILITY_PRESET hidden)
    target_link_libraries(${name} PRIVATE ashlar_strict)
    target_compile_definitions(${name} PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
    target_compile_options(${name} PRIVATE ${ASHLAR_NO_BUILTIN} -ftls-model=initial-exec
                           -fno-semantic-interposition -fno-plt -fexceptions
                           # misuse=report knows a place by the address that free returns to
                           -foptimize-sibling-calls)
endfunction()
