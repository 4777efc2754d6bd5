/* reason.c: why a process does not run on Ashlar: static, raised privileges, its own malloc. */
#include "live/live.h"
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_HEADERS_MAX 64

/* Does the ELF file name an interpreter? A program without one is static. true when the file
 * cannot be judged. */
static bool is_dynamic(int fd)
{
    Elf64_Ehdr head;
    if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_phentsize != sizeof(Elf64_Phdr))
        return true;
    for (unsigned i = 0; i < head.e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
        Elf64_Phdr part;
        off_t at = (off_t)(head.e_phoff + i * sizeof(part));
        if (pread(fd, &part, sizeof(part), at) != (ssize_t)sizeof(part))
            return true;
        if (part.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static const char *own_malloc(pid_t pid)
{
    static const char *const known[][2] = {
        {"libjemalloc", "brings its own malloc: jemalloc"},
        {"libtcmalloc", "brings its own malloc: tcmalloc"},
        {"libmimalloc", "brings its own malloc: mimalloc"},
        {"libsnmalloc", "brings its own malloc: snmalloc"},
        {"vgpreload", "runs under valgrind"},
        {"libasan", "built with a sanitizer, which brings its own malloc"},
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
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "its program cannot be read";
    const char *why = NULL;
    if (!is_dynamic(fd))
        why = "a static program, nothing can be preloaded";
    else if (fstat(fd, &info) == 0 && (info.st_mode & (S_ISUID | S_ISGID)))
        why = "runs with raised privileges, preloads are ignored";
    close(fd);
    return why ? why : own_malloc(pid);
}
