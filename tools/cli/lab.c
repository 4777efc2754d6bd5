/* lab.c: `ashlar lab info FILE`. */
#include "cli/cli.h"
#include <string.h>

int ash_verb_lab_run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "info") == 0) {
        argv[1] = (char *)"ashlar lab info";
        return ash_cli_lab_info(argc - 1, argv + 1);
    }
    return ash_cli_lab_info(argc, argv);
}
