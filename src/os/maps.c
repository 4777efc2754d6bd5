/* maps.c: which mapping an address lies in, from the kernel's own list; see os.h. */
#include "os/os.h"
#include "os/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What is read at once, and what is kept of a line: the longest path that fits struct
 * ash_map and all before it. */
#define READ_BYTES 1024
#define LINE_BYTES_MAX (73 + 256)
/* vm.max_map_count is a few ten thousand lines; a list longer than this is not believed. */
#define LIST_BYTES_MAX ((size_t)1 << 30)

/* A line at a time from a descriptor. */
struct reader {
    int fd;
    size_t next, end; /* what is left of piece */
    size_t n_read;
    char piece[READ_BYTES];
    char line[LINE_BYTES_MAX]; /* what is too long is cut */
};

/* Reads the next piece. false at the end of the list, or when it cannot be read. */
static bool read_piece(struct reader *reader)
{
    long n;
    do {
        n = ash_sys3(SYS_read, reader->fd, (long)reader->piece, sizeof reader->piece);
    } while (n == -EINTR);
    if (n <= 0 || reader->n_read > LIST_BYTES_MAX)
        return false;
    reader->n_read += (size_t)n;
    reader->next = 0;
    reader->end = (size_t)n;
    return true;
}

static bool read_line(struct reader *reader)
{
    size_t len = 0;
    for (;;) {
        if (reader->next == reader->end && !read_piece(reader))
            return false;
        char c = reader->piece[reader->next++];
        if (c == '\n')
            break;
        if (len < sizeof reader->line - 1)
            reader->line[len++] = c;
    }
    reader->line[len] = 0;
    return true;
}

/* Parses hex digits. Returns what follows them. */
static const char *parse_hex(const char *s, uintptr_t *ret_x)
{
    uintptr_t x = 0;
    for (;; s++) {
        unsigned digit = (unsigned)(*s - '0');
        if (digit > 9)
            digit = *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a' + 10) : 16;
        if (digit > 15)
            break;
        x = x << 4 | digit;
    }
    *ret_x = x;
    return s;
}

/* Steps over a field and the blanks behind it. */
static const char *skip_field(const char *s)
{
    s += strcspn(s, " ");
    return s + strspn(s, " ");
}

/* start-end rwxp offset device inode   path */
static bool parse_line(const char *line, struct ash_map *ret_map)
{
    uintptr_t start, end;
    const char *s = parse_hex(line, &start);
    if (*s != '-')
        return false;
    s = parse_hex(s + 1, &end);
    if (*s != ' ' || strlen(s) < 5)
        return false;
    ret_map->start = start;
    ret_map->end = end;
    ret_map->readable = s[1] == 'r';
    ret_map->writable = s[2] == 'w';
    ret_map->executable = s[3] == 'x';
    ret_map->zeroed = false;
    s++;
    for (int i = 0; i < 4; i++) /* permissions, offset, device, inode */
        s = skip_field(s);
    size_t n = ash_size_min(strlen(s), sizeof ret_map->path - 1);
    memcpy(ret_map->path, s, n);
    ret_map->path[n] = 0;
    return true;
}

/* The list of this thread, as /proc/self is empty once the first thread has ended; the older
 * name for kernels that do not know the other. */
static int open_list(void)
{
    static const char *const paths[] = {"/proc/thread-self/maps", "/proc/self/maps"};
    long fd = -ENOENT;
    for (size_t i = 0; fd < 0 && i < ASH_COUNT_OF(paths); i++) {
        do {
            fd = ash_sys6(SYS_openat, AT_FDCWD, (long)paths[i], O_RDONLY | O_CLOEXEC, 0, 0, 0);
        } while (fd == -EINTR);
    }
    return (int)fd;
}

bool ash_os_map_of(uintptr_t addr, struct ash_map *ret_map)
{
    struct reader reader;
    reader.fd = open_list();
    if (reader.fd < 0)
        return false;
    reader.next = reader.end = reader.n_read = 0;

    bool found = false;
    struct ash_map map = {.end = 0}, before = map;
    while (!found && read_line(&reader)) {
        before = map;
        if (!parse_line(reader.line, &map))
            break;
        found = addr >= map.start && addr < map.end;
        if (map.start > addr)
            break; /* the list is sorted */
    }
    ash_os_close(reader.fd);
    if (found && !map.path[0] && before.end == map.start && before.path[0] == '/') {
        memcpy(map.path, before.path, sizeof map.path);
        map.zeroed = true;
    }
    if (found)
        *ret_map = map;
    return found;
}
