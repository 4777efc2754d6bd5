/* library.h: where the libraries are that programs are preloaded with. */
#ifndef ASH_CLI_LIBRARY_H
#define ASH_CLI_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

/* libashlar.so.0: named by ASHLAR_LIBRARY, beside the command (build tree), in the tree that the
 * command is installed in, or where this build installs. The path is absolute. false: ret_path
 * says where it was looked for last. */
bool ash_cli_library(char ret_path[PATH_MAX]);
/* libashlar-lab-NAME.so, in the same places but the first. */
bool ash_cli_lab_library(const char *name, char ret_path[PATH_MAX]);
bool ash_cli_is_file(const char *path);

#endif
