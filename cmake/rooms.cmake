# Rooms: folders whose sources belong to a target without being listed.

# All .c files of the given rooms below `where`. A room that does not exist yet has none.
function(ashlar_room_sources out where)
    set(found "")
    foreach(room IN LISTS ARGN)
        file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${where}/${room}/*.c")
        list(APPEND found ${files})
    endforeach()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Gives a library the public headers, in the build tree and where they are installed.
function(ashlar_public_headers library)
    target_include_directories(${library} PUBLIC
        "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries(${library} PRIVATE $<BUILD_INTERFACE:ashlar_flags>)
    if(ASHLAR_SANITIZE)
        target_link_options(${library} PUBLIC -fsanitize=${ASHLAR_SANITIZE})
    endif()
endfunction()

# Target ashlar::smartcols, or one line that names the package.
function(ashlar_find_smartcols)
    if(TARGET ashlar::smartcols)
        return()
    endif()
    find_path(SMARTCOLS_INCLUDE libsmartcols/libsmartcols.h)
    find_library(SMARTCOLS_LIBRARY smartcols)
    if(NOT SMARTCOLS_INCLUDE OR NOT SMARTCOLS_LIBRARY)
        message(FATAL_ERROR "libsmartcols is missing (Debian: libsmartcols-dev). "
                            "Run `make deps`, or leave the command out: -DASHLAR_CLI=OFF")
    endif()
    add_library(ashlar::smartcols UNKNOWN IMPORTED GLOBAL)
    set_target_properties(ashlar::smartcols PROPERTIES
        IMPORTED_LOCATION "${SMARTCOLS_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${SMARTCOLS_INCLUDE}")
endfunction()

# Targets ashlar::zlib and ashlar::zstd, or one line that names the package: packed traces.
function(ashlar_find_packers)
    foreach(packer IN ITEMS "zlib zlib.h z zlib1g-dev" "zstd zstd.h zstd libzstd-dev")
        separate_arguments(words UNIX_COMMAND "${packer}")
        list(GET words 0 name)
        list(GET words 1 header)
        list(GET words 2 library)
        list(GET words 3 package)
        if(TARGET ashlar::${name})
            continue()
        endif()
        find_path(${name}_INCLUDE "${header}")
        find_library(${name}_LIBRARY "${library}")
        if(NOT ${name}_INCLUDE OR NOT ${name}_LIBRARY)
            message(FATAL_ERROR "${header} is missing (Debian: ${package}). "
                                "Run `make deps`, or leave the command out: -DASHLAR_CLI=OFF")
        endif()
        add_library(ashlar::${name} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(ashlar::${name} PROPERTIES IMPORTED_LOCATION "${${name}_LIBRARY}"
                              INTERFACE_INCLUDE_DIRECTORIES "${${name}_INCLUDE}")
    endforeach()
endfunction()

# Target ashlar::dw, or one line that names the package: names of code addresses.
function(ashlar_find_dw)
    if(TARGET ashlar::dw)
        return()
    endif()
    find_path(DW_INCLUDE elfutils/libdwfl.h)
    find_library(DW_LIBRARY dw)
    if(NOT DW_INCLUDE OR NOT DW_LIBRARY)
        message(FATAL_ERROR "elfutils/libdwfl.h is missing (Debian: libdw-dev). "
                            "Run `make deps`, or leave the command out: -DASHLAR_CLI=OFF")
    endif()
    add_library(ashlar::dw UNKNOWN IMPORTED GLOBAL)
    set_target_properties(ashlar::dw PROPERTIES IMPORTED_LOCATION "${DW_LIBRARY}"
                          INTERFACE_INCLUDE_DIRECTORIES "${DW_INCLUDE}")
endfunction()
