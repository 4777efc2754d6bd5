/* process.c: finding processes and reading their memory; see live.h. */
#include "live/live.h"
#include "base/errors.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAPPING_MAX                                                                                \
    ((size_t)16 << 20) /* data of a library; larger mappings are not looked through */
#define ANCHOR_ALIGN 64
#define FIELDS_TO_FLAGS 7          /* behind the name in /proc/PID/stat */
#define KERNEL_THREAD 0x00200000ul /* PF_KTHREAD, flags in /proc/PID/stat (proc(5)) */

static FILE *open_proc(pid_t pid, const char *file)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return fopen(path, "re");
}

static bool read_proc(pid_t pid, const char *file, char *ret_text, size_t n)
{
    FILE *f = open_proc(pid, file);
    if (!f)
        return false;
    size_t got = fread(ret_text, 1, n - 1, f);
    fclose(f);
    ret_text[got] = 0;
    return true;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void ash_live_each(bool (*visit)(void *arg, pid_t pid), void *arg)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return;
    struct dirent *entry;
    bool more = true;
    while (more && (entry = readdir(dir)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]))
            more = visit(arg, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(dir);
}

bool ash_live_is_kernel(pid_t pid)
{
    char text[512];
    if (!read_proc(pid, "stat", text, sizeof(text)))
        return false;
    /* The name in brackets may hold anything; the fields behind it may not. */
    char *field = strrchr(text, ')');
    for (int i = 0; field && i < FIELDS_TO_FLAGS; i++)
        field = strchr(field + 1, ' ');
    return field && (strtoul(field, NULL, 10) & KERNEL_THREAD) != 0;
}

/* ---- reading ---- */

static bool read_by_file(pid_t pid, uint64_t addr, void *ret_bytes, size_t n)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = pread(fd, ret_bytes, n, (off_t)addr);
    close(fd);
    return got == (ssize_t)n;
}

static bool read_memory(pid_t pid, uint64_t addr, void *ret_bytes, size_t n)
{
    struct iovec to = {ret_bytes, n};
    struct iovec from = {(void *)(uintptr_t)addr, n};
    ssize_t got = process_vm_readv(pid, &to, 1, &from, 1, 0);
    if (got == (ssize_t)n)
        return true;
    return got < 0 && (errno == ENOSYS || errno == EPERM) && read_by_file(pid, addr, ret_bytes, n);
}

bool ash_live_read(const struct ash_live *live, uint64_t addr, void *ret_bytes, size_t n)
{
    return read_memory(live->pid, addr, ret_bytes, n);
}

/* ---- the anchor ---- */

struct mapping {
    uint64_t start, end;
    bool readable, writable, is_file;
};

#define FIELDS_TO_PATH 4

/* "start-end rights offset device inode   path", where a path may hold blanks. */
static bool parse_mapping(char *line, struct mapping *ret_mapping)
{
    char *at = line;
    line[strcspn(line, "\n")] = 0;
    ret_mapping->start = strtoull(at, &at, 16);
    if (*at != '-')
        return false;
    ret_mapping->end = strtoull(at + 1, &at, 16);
    if (at[0] != ' ' || strlen(at) < 5 || ret_mapping->end <= ret_mapping->start)
        return false;
    ret_mapping->readable = at[1] == 'r';
    ret_mapping->writable = at[2] == 'w';
    for (int i = 0; i < FIELDS_TO_PATH && at; i++)
        at = strchr(at + 1, ' ');
    ret_mapping->is_file = at && at[strspn(at, " ")] == '/';
    return true;
}

/* Looks for an anchor in one mapping. */
static enum ash_anchor_fault scan(pid_t pid, const struct mapping *mapping,
                                  struct ash_anchor *ret_anchor)
{
    size_t n = mapping->end - mapping->start;
    enum ash_anchor_fault found = ASH_ANCHOR_NONE;
    char *bytes = n <= MAPPING_MAX ? malloc(n) : NULL;
    if (!bytes)
        return found;
    if (read_memory(pid, mapping->start, bytes, n))
        for (size_t at = 0; at + ANCHOR_ALIGN <= n && found == ASH_ANCHOR_NONE;
             at += ANCHOR_ALIGN) {
            if (memcmp(bytes + at, ASH_ANCHOR_MAGIC, sizeof(ASH_ANCHOR_MAGIC)) != 0)
                continue;
            found = ash_anchor_judge(bytes + at, n - at, mapping->start + at, ret_anchor);
        }
    free(bytes);
    return found;
}

static enum ash_live_error as_error(enum ash_anchor_fault fault)
{
    switch (fault) {
    case ASH_ANCHOR_GOOD:
        return ASH_LIVE_OK;
    case ASH_ANCHOR_NONE:
        return ASH_LIVE_NOT_ASHLAR;
    case ASH_ANCHOR_LAYOUT_OTHER:
        return ASH_LIVE_OTHER;
    case ASH_ANCHOR_DAMAGED:
        return ASH_LIVE_GONE;
    }
    return ASH_LIVE_NOT_ASHLAR;
}

/* Data of files only: the library's, or the program's own when it was linked in. */
static bool may_hold_anchor(const struct mapping *mapping)
{
    return mapping->readable && mapping->writable && mapping->is_file;
}

static enum ash_live_error find_anchor(pid_t pid, struct ash_anchor *ret_anchor)
{
    FILE *maps = open_proc(pid, "maps");
    if (!maps)
        return errno == EACCES || errno == EPERM ? ASH_LIVE_DENIED : ASH_LIVE_GONE;
    char *line = NULL;
    size_t room = 0;
    enum ash_anchor_fault fault = ASH_ANCHOR_NONE;
    bool some = false, refused = false;
    while (fault == ASH_ANCHOR_NONE && getline(&line, &room, maps) > 0) {
        struct mapping mapping;
        char probe = 0;
        if (!parse_mapping(line, &mapping) || !may_hold_anchor(&mapping))
            continue;
        some = true;
        errno = 0;
        if (!read_memory(pid, mapping.start, &probe, 1) && (errno == EPERM || errno == EACCES)) {
            refused = true;
            break;
        }
        fault = scan(pid, &mapping, ret_anchor);
    }
    free(line);
    fclose(maps);
    if (refused)
        return ASH_LIVE_DENIED;
    if (!some && kill(pid, 0) != 0 && errno == ESRCH)
        return ASH_LIVE_GONE;
    return as_error(fault);
}

enum ash_live_error ash_live_attach(pid_t pid, struct ash_live *ret_live)
{
    memset(ret_live, 0, sizeof(*ret_live));
    ret_live->pid = pid;
    if (!read_proc(pid, "comm", ret_live->command, sizeof(ret_live->command)))
        return ASH_LIVE_NOBODY;
    ret_live->command[strcspn(ret_live->command, "\n")] = 0;
    ash_anchor_clean_text(ret_live->command, sizeof(ret_live->command));
    return find_anchor(pid, &ret_live->anchor);
}

/* ---- names ---- */

/* The first argument that is no option, in a command line as /proc shows it; or NULL. */
static const char *first_operand(const char *line, size_t size)
{
    const char *at = line + strlen(line) + 1;
    while (at < line + size && *at == '-')
        at += strlen(at) + 1;
    return at < line + size && *at ? at : NULL;
}

/* The program's name, or that of the script an interpreter runs. */
static bool has_name(pid_t pid, const char *name)
{
    char text[4096];
    if (read_proc(pid, "comm", text, sizeof(text))) {
        text[strcspn(text, "\n")] = 0;
        if (strcmp(text, name) == 0)
            return true;
    }
    memset(text, 0, sizeof(text));
    if (!read_proc(pid, "cmdline", text, sizeof(text) - 1))
        return false;
    if (strcmp(last_part(text), name) == 0)
        return true;
    const char *argument = first_operand(text, sizeof(text));
    return argument && strcmp(last_part(argument), name) == 0;
}

struct search {
    const char *name;
    FILE *list;
    struct ash_live *found;
    unsigned n;
    enum ash_live_error why; /* of one that has the name but cannot be used */
};

static bool try_name(void *arg, pid_t pid)
{
    struct search *search = arg;
    if (pid == getpid() || !has_name(pid, search->name))
        return true;
    struct ash_live live;
    enum ash_live_error error = ash_live_attach(pid, &live);
    if (error != ASH_LIVE_OK) {
        search->why = error;
        if (search->n == 0)
            *search->found = live;
        return true;
    }
    if (search->n++ == 0)
        *search->found = live;
    if (search->list)
        fprintf(search->list, "  %d  %s\n", (int)pid, live.command);
    return true;
}

enum ash_live_error ash_live_find(const char *name, struct ash_live *ret_live, FILE *list)
{
    char *end;
    long pid = strtol(name, &end, 10);
    if (*name && *end == 0)
        return pid > 0 && pid < INT32_MAX ? ash_live_attach((pid_t)pid, ret_live) : ASH_LIVE_NOBODY;
    memset(ret_live, 0, sizeof(*ret_live));
    if (!*name)
        return ASH_LIVE_NOBODY;
    /* Once to count, once more to list the candidates only when there are several. */
    struct search search = {name, NULL, ret_live, 0, ASH_LIVE_NOBODY};
    ash_live_each(try_name, &search);
    if (search.n == 1)
        return ASH_LIVE_OK;
    if (search.n == 0)
        return search.why;
    struct search again = {name, list, ret_live, 0, ASH_LIVE_NOBODY};
    ash_live_each(try_name, &again);
    return ASH_LIVE_AMBIGUOUS;
}

/* ---- words ---- */

static enum ash_error code_of(enum ash_live_error error)
{
    switch (error) {
    case ASH_LIVE_DENIED:
        return ASH_T02;
    case ASH_LIVE_NOT_ASHLAR:
        return ASH_T03;
    case ASH_LIVE_OTHER:
        return ASH_T04;
    case ASH_LIVE_GONE:
        return ASH_T08;
    default:
        return ASH_T01;
    }
}

void ash_live_say(enum ash_live_error error, const char *target, const struct ash_live *live)
{
    enum ash_error code = code_of(error);
    fprintf(stderr, "ashlar: %s %s: %s", ash_error_name(code),
            error == ASH_LIVE_AMBIGUOUS ? "several processes have this name"
                                        : ash_error_sentence(code),
            target);
    if (error == ASH_LIVE_OTHER)
        fprintf(stderr, " (library %.15s, layout %u; this command reads layout %u)",
                live->anchor.version, live->anchor.layout, ASH_ANCHOR_LAYOUT);
    const char *why = error == ASH_LIVE_NOT_ASHLAR ? ash_live_why_not(live->pid) : NULL;
    if (why)
        fprintf(stderr, " (%s)", why);
    fprintf(stderr, " | ashlar help %s\n  %s\n", ash_error_name(code), ash_error_advice(code));
}
