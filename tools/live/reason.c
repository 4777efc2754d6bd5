/* reason.c: why a process does not run on Ashlar: its program, its rights, another malloc. */
#include "live/live.h"
#include "live/program.h"
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUX_MAX 64

/* Did the loader see raised privileges (AT_SECURE)? */
static bool is_raised(pid_t pid)
{
    char path[64];
    Elf64_auxv_t rows[AUX_MAX];
    snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, rows, sizeof(rows));
    close(fd);
    for (ssize_t i = 0; (i + 1) * (ssize_t)sizeof(rows[0]) <= n; i++)
        if (rows[i].a_type == AT_SECURE)
            return rows[i].a_un.a_val != 0;
    return false;
}

static const char *own_malloc(pid_t pid)
{
    static const char *const known[][2] = {
        {"/libjemalloc", "brings its own malloc: jemalloc"},
        {"/libtcmalloc", "brings its own malloc: tcmalloc"},
        {"/libmimalloc", "brings its own malloc: mimalloc"},
        {"/libsnmalloc", "brings its own malloc: snmalloc"},
        {"/libasan", "built with a sanitizer, which brings its own malloc"},
        {"/vgpreload", "runs under valgrind"},
    };
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    const char *why = NULL;
    char *line = NULL;
    size_t room = 0;
    while (maps && !why && getline(&line, &room, maps) > 0)
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (strstr(line, known[i][0]))
                why = known[i][1];
    free(line);
    if (maps)
        fclose(maps);
    return why;
}

const char *ash_live_why_not(pid_t pid)
{
    char path[64];
    bool elf;
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "its program cannot be read";
    enum ash_program program = ash_program_judge_fd(fd, &elf);
    close(fd);
    const char *named = own_malloc(pid);
    if (program == ASH_PROGRAM_GOOD && is_raised(pid))
        program = ASH_PROGRAM_RAISED;
    return named ? named : ash_program_words(program);
}
