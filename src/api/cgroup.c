/* cgroup.c: reading memory limits; see cgroup.h. */
#include "api/cgroup.h"
#include "base/print.h"
#include "os/os.h"
#include <string.h>

/* Version 1 says "no limit" with a number just below 2^63. */
#define NO_LIMIT ((uint64_t)1 << 60)

/* The number in a file; 0 for "max", for none, and for no such file. */
static uint64_t read_limit(const char *path)
{
    char text[64];
    if (ash_os_read_file(path, text, sizeof(text)) <= 0)
        return 0;
    uint64_t bytes = 0;
    for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++)
        if (__builtin_mul_overflow(bytes, 10, &bytes) ||
            __builtin_add_overflow(bytes, (uint64_t)(*digit - '0'), &bytes))
            return 0;
    return bytes < NO_LIMIT ? bytes : 0;
}

/* The path of this process in a hierarchy: what follows "0::" or ":memory:" in its line. */
static char *path_in(char *text, const char *mark)
{
    char *at = strstr(text, mark);
    if (!at)
        return NULL;
    at += strlen(mark);
    at[strcspn(at, "\n")] = 0;
    return at;
}

/* The least limit of the group and of those above it; shortens path on its way. */
static uint64_t least_limit(const char *root, char *path, const char *file)
{
    uint64_t least = 0;
    for (;;) {
        struct ash_line line;
        ash_line_init(&line);
        ash_line_fmt(&line, "%s%s/%s", root, path, file);
        uint64_t bytes = read_limit(line.text);
        if (bytes && (!least || bytes < least))
            least = bytes;
        char *slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

uint64_t ash_cgroup_limit(const char *groups, const char *mount)
{
    char text[2048];
    if (ash_os_read_file(groups, text, sizeof(text)) <= 0)
        return 0;
    char copy[sizeof(text)];
    memcpy(copy, text, sizeof(text));
    char *path = path_in(copy, "0::");
    uint64_t bytes = path ? least_limit(mount, path, "memory.max") : 0;
    path = path_in(text, ":memory:");
    if (bytes || !path)
        return bytes;
    struct ash_line root;
    ash_line_init(&root);
    ash_line_fmt(&root, "%s/memory", mount);
    return least_limit(root.text, path, "memory.limit_in_bytes");
}
