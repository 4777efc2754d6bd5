# What `install` brings: libraries, headers, command, manuals, pkg-config and find_package files.
if(NOT ASHLAR_INSTALL OR NOT TARGET ashlar_shared)
    return()
endif()
include(CMakePackageConfigHelpers)

set(PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/ashlar")

install(TARGETS ashlar_shared ashlar_static ashlar_embed EXPORT ashlar
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET ashlar_cli)
    install(TARGETS ashlar_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(FILES tools/lab/lab.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ashlar")
    install(TARGETS ${ASHLAR_SHIMS} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

# relative, so that a tree installed with another prefix or moved still finds itself
file(RELATIVE_PATH ASHLAR_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" ASHLAR_PC_PREFIX "${ASHLAR_PC_PREFIX}")
configure_file(cmake/ashlar.pc.in ashlar.pc @ONLY)
configure_file(cmake/ashlar-embed.pc.in ashlar-embed.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ashlar.pc" "${CMAKE_CURRENT_BINARY_DIR}/ashlar-embed.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

configure_package_config_file(cmake/AshlarConfig.cmake.in ashlar-config.cmake
                              INSTALL_DESTINATION "${PACKAGE_DIR}")
write_basic_package_version_file(ashlar-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ashlar-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/ashlar-config-version.cmake"
        DESTINATION "${PACKAGE_DIR}")
install(EXPORT ashlar NAMESPACE ashlar:: FILE ashlar-targets.cmake DESTINATION "${PACKAGE_DIR}")

# Manuals are written in scdoc's format and turned into roff while building.
file(GLOB MANUALS CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/docs/man/*.scd")
find_program(SCDOC scdoc)
if(MANUALS AND SCDOC)
    set(ROFF_FILES "")
    foreach(manual IN LISTS MANUALS)
        get_filename_component(page "${manual}" NAME_WLE)           # ashlar-run.1
        string(REGEX REPLACE ".*\\." "" section "${page}")
        set(roff "${CMAKE_BINARY_DIR}/man/man${section}/${page}")
        add_custom_command(OUTPUT "${roff}" DEPENDS "${manual}" VERBATIM
            COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/man/man${section}"
            COMMAND sh -c "'${SCDOC}' < '${manual}' > '${roff}'")
        install(FILES "${roff}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
        list(APPEND ROFF_FILES "${roff}")
    endforeach()
    add_custom_target(ashlar_manuals ALL DEPENDS ${ROFF_FILES})
elseif(MANUALS)
    message(STATUS "scdoc is missing (Debian: scdoc): manuals are left out")
endif()

# `uninstall` removes what the last install wrote, by its own list.
add_custom_target(uninstall VERBATIM
    COMMAND sh -c "sed \"s|^|$DESTDIR|\" '${CMAKE_BINARY_DIR}/install_manifest.txt' | \
                   xargs -r -d '\\n' rm -fv")
