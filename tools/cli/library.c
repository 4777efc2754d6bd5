/* library.c: where the libraries are that programs are preloaded with; see library.h. */
#include "cli/library.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libashlar.so.0"

bool ash_cli_is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* `file` beside the command or where it is installed, absolute: the program may change its
 * directory and start others. */
static bool find(const char *file, char ret_path[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = 0;
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
        const char *triplet = strrchr(ASHLAR_LIBDIR, '/');
        char installed[PATH_MAX];
        snprintf(installed, sizeof(installed), "../lib%s/", triplet ? triplet : "");
        const char *const beside[] = {"lib/", installed, "../lib/"};
        for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
            if (snprintf(ret_path, PATH_MAX, "%s/%s%s", self, beside[i], file) < PATH_MAX &&
                ash_cli_is_file(ret_path))
                return true;
    }
    snprintf(ret_path, PATH_MAX, "%s/%s", ASHLAR_LIBDIR, file);
    return ash_cli_is_file(ret_path);
}

bool ash_cli_library(char ret_path[PATH_MAX])
{
    const char *named = getenv("ASHLAR_LIBRARY");
    if (!named)
        return find(LIBRARY, ret_path);
    snprintf(ret_path, PATH_MAX, "%s", named);
    char real[PATH_MAX];
    if (!ash_cli_is_file(named) || !realpath(named, real))
        return false;
    memcpy(ret_path, real, sizeof(real));
    return true;
}

bool ash_cli_lab_library(const char *name, char ret_path[PATH_MAX])
{
    char file[128];
    snprintf(file, sizeof(file), "libashlar-lab-%.64s.so", name);
    return find(file, ret_path);
}
