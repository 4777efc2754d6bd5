# The page of a replay (ashlar lab --html): bundled by esbuild and put into the command as bytes.
# Without esbuild the command has none, and says so.
find_program(ESBUILD esbuild)
if(NOT ESBUILD OR NOT ASHLAR_REPORT)
    message(STATUS "ashlar lab --html is left out (Debian: esbuild, and -DASHLAR_REPORT=ON)")
    return()
endif()
set(report "${CMAKE_CURRENT_SOURCE_DIR}/report")
set(built "${CMAKE_CURRENT_BINARY_DIR}/report")
file(MAKE_DIRECTORY "${built}")
file(GLOB modules CONFIGURE_DEPENDS "${report}/lab/*.js" "${report}/src/*.js")
add_custom_command(OUTPUT "${built}/lab.html" VERBATIM
    DEPENDS ${modules} "${report}/lab.css" "${report}/page.css" "${report}/lab.html"
            "${report}/assemble.cmake"
    COMMAND "${ESBUILD}" "${report}/lab/main.js" --bundle --minify --target=es2020
            --log-level=warning "--outfile=${built}/lab.js"
    COMMAND "${ESBUILD}" "${report}/lab.css" --bundle --minify --log-level=warning
            "--outfile=${built}/lab.css"
    COMMAND "${CMAKE_COMMAND}" "-Dsource=${report}" "-Dbuilt=${built}" -Dname=lab
            -P "${report}/assemble.cmake")
set_source_files_properties(tools/lab/page.c PROPERTIES
    OBJECT_DEPENDS "${built}/lab.html"
    COMPILE_DEFINITIONS "ASHLAR_LAB_PAGE=\"${built}/lab.html\"")
