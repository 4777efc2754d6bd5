/* program.c: judging an executable file; see program.h. */
#include "live/program.h"
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PARTS_MAX 256u /* program or section headers that are looked at */
#define SYMBOLS_BYTES_MAX (64u << 20)
#define SCRIPT_DEPTH_MAX 4 /* a script whose interpreter is a script */

#if defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#define OUR_MACHINE EM_X86_64
#endif

struct elf {
    int fd;
    uint64_t bytes; /* of the file */
    Elf64_Ehdr head;
};

static bool read_part(const struct elf *elf, uint64_t at, void *ret_bytes, size_t n)
{
    return at <= elf->bytes && n <= elf->bytes - at &&
           pread(elf->fd, ret_bytes, n, (off_t)at) == (ssize_t)n;
}

/* ---- does it export malloc? ---- */

static char *read_section(const struct elf *elf, const Elf64_Shdr *section)
{
    if (section->sh_size == 0 || section->sh_size > SYMBOLS_BYTES_MAX)
        return NULL;
    char *bytes = malloc(section->sh_size + 1);
    if (bytes && !read_part(elf, section->sh_offset, bytes, section->sh_size)) {
        free(bytes);
        return NULL;
    }
    if (bytes)
        bytes[section->sh_size] = 0;
    return bytes;
}

static bool defines_malloc(const char *symbols, size_t n, const char *names, size_t names_n)
{
    for (size_t i = 0; i < n; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, symbols + i * sizeof(symbol), sizeof(symbol));
        if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
            symbol.st_name < names_n && strcmp(names + symbol.st_name, "malloc") == 0)
            return true;
    }
    return false;
}

static bool section_at(const struct elf *elf, unsigned i, Elf64_Shdr *ret_section)
{
    return i < elf->head.e_shnum && elf->head.e_shentsize == sizeof(*ret_section) &&
           read_part(elf, elf->head.e_shoff + (uint64_t)i * sizeof(*ret_section), ret_section,
                     sizeof(*ret_section));
}

static bool exports_malloc(const struct elf *elf)
{
    bool found = false;
    Elf64_Shdr symbols, names;
    for (unsigned i = 0; i < PARTS_MAX && !found && section_at(elf, i, &symbols); i++) {
        if (symbols.sh_type != SHT_DYNSYM || !section_at(elf, symbols.sh_link, &names))
            continue;
        char *symbol_bytes = read_section(elf, &symbols);
        char *name_bytes = read_section(elf, &names);
        if (symbol_bytes && name_bytes)
            found = defines_malloc(symbol_bytes, symbols.sh_size / sizeof(Elf64_Sym), name_bytes,
                                   names.sh_size);
        free(symbol_bytes);
        free(name_bytes);
    }
    return found;
}

/* ---- the file ---- */

/* The loader that the file names; false when it names none. */
static bool loader_of(const struct elf *elf, bool *ret_whole, char ret_path[PATH_MAX])
{
    bool found = false;
    *ret_whole = elf->head.e_phnum > 0 && elf->head.e_phentsize == sizeof(Elf64_Phdr);
    for (unsigned i = 0; *ret_whole && i < elf->head.e_phnum && i < PARTS_MAX; i++) {
        Elf64_Phdr part;
        uint64_t at = elf->head.e_phoff + (uint64_t)i * sizeof(part);
        *ret_whole = read_part(elf, at, &part, sizeof(part));
        if (*ret_whole && part.p_type == PT_LOAD)
            *ret_whole = part.p_offset <= elf->bytes && part.p_filesz <= elf->bytes - part.p_offset;
        if (!*ret_whole || part.p_type != PT_INTERP)
            continue;
        size_t n = part.p_filesz < PATH_MAX ? (size_t)part.p_filesz : PATH_MAX - 1;
        *ret_whole = read_part(elf, part.p_offset, ret_path, n);
        ret_path[n] = 0;
        found = true;
    }
    return found;
}

enum ash_program ash_program_judge_fd(int fd, bool *ret_elf)
{
    struct elf elf = {.fd = fd};
    struct stat status;
    char loader[PATH_MAX] = "";
    bool whole;
    *ret_elf = false;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return ASH_PROGRAM_GOOD;
    elf.bytes = (uint64_t)status.st_size;
    if (!read_part(&elf, 0, elf.head.e_ident, SELFMAG) ||
        memcmp(elf.head.e_ident, ELFMAG, SELFMAG) != 0)
        return ASH_PROGRAM_GOOD;
    *ret_elf = true;
    if (!read_part(&elf, 0, elf.head.e_ident, EI_NIDENT))
        return ASH_PROGRAM_CUT;
    if (elf.head.e_ident[EI_CLASS] != ELFCLASS64 || elf.head.e_ident[EI_DATA] != ELFDATA2LSB)
        return ASH_PROGRAM_OTHER_MACHINE;
    if (!read_part(&elf, 0, &elf.head, sizeof(elf.head)))
        return ASH_PROGRAM_CUT;
    if (elf.head.e_machine != OUR_MACHINE)
        return ASH_PROGRAM_OTHER_MACHINE;
    bool has_loader = loader_of(&elf, &whole, loader);
    if (!whole)
        return ASH_PROGRAM_CUT;
    if (!has_loader)
        return ASH_PROGRAM_STATIC;
    if (strstr(loader, "/ld-linux") == NULL)
        return ASH_PROGRAM_OTHER_LOADER;
    return exports_malloc(&elf) ? ASH_PROGRAM_OWN_MALLOC : ASH_PROGRAM_GOOD;
}

/* Would a start by this user raise rights? */
static bool raises(int fd)
{
    struct stat status;
    char rights[1];
    if (fstat(fd, &status) != 0)
        return false;
    if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
        return true;
    if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
        return true;
    return getuid() != 0 && fgetxattr(fd, "security.capability", rights, 0) > 0;
}

/* The interpreter that a script names in its first line. */
static bool interpreter_of(int fd, char ret_path[PATH_MAX])
{
    char line[256];
    ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[n] = 0;
    char *path = line + 2 + strspn(line + 2, " \t");
    path[strcspn(path, " \t\n")] = 0;
    memcpy(ret_path, path, strlen(path) + 1);
    return true;
}

/* The loader itself names none, but loads all the same. */
static bool is_loader(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "ld-linux", 8) == 0;
}

enum ash_program ash_program_judge(const char *path, bool *ret_elf)
{
    char at[PATH_MAX], real[PATH_MAX];
    enum ash_program program = ASH_PROGRAM_GOOD;
    *ret_elf = false;
    if (strlen(path) >= sizeof(at))
        return program;
    memcpy(at, path, strlen(path) + 1);
    for (int depth = 0; depth < SCRIPT_DEPTH_MAX; depth++) {
        int fd = open(at, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return program;
        bool elf;
        program = ash_program_judge_fd(fd, &elf);
        *ret_elf |= elf && depth == 0;
        if (program == ASH_PROGRAM_GOOD && elf && raises(fd))
            program = ASH_PROGRAM_RAISED;
        if (program == ASH_PROGRAM_STATIC && realpath(at, real) && is_loader(real))
            program = ASH_PROGRAM_GOOD;
        bool script = !elf && interpreter_of(fd, at);
        close(fd);
        if (!script)
            return program;
    }
    return program;
}

const char *ash_program_words(enum ash_program program)
{
    switch (program) {
    case ASH_PROGRAM_GOOD:
        return NULL;
    case ASH_PROGRAM_STATIC:
        return "a static program, nothing can be preloaded";
    case ASH_PROGRAM_RAISED:
        return "runs with raised privileges, preloads are ignored";
    case ASH_PROGRAM_OWN_MALLOC:
        return "brings its own malloc, which comes first";
    case ASH_PROGRAM_OTHER_LOADER:
        return "uses another C library than glibc";
    case ASH_PROGRAM_OTHER_MACHINE:
        return "a program for another architecture";
    case ASH_PROGRAM_CUT:
        return "an ELF file that ends too early";
    }
    return NULL;
}
