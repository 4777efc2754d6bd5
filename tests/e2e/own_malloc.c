/* own_malloc.c: a program that exports a malloc of its own; says "ready" and waits for the end of
 * its input. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static _Alignas(16) char room[1 << 20];
static size_t used;

void *malloc(size_t n)
{
    size_t taken = (n + 31) & ~(size_t)15;
    if (n > sizeof(room) || taken > sizeof(room) - used)
        return NULL;
    char *p = room + used;
    used += taken;
    *(size_t *)p = n;
    return p + 16;
}

void free(void *p)
{
    (void)p;
}

void *calloc(size_t count, size_t n)
{
    return n && count > sizeof(room) / n ? NULL : malloc(count * n); /* the room is fresh: zero */
}

void *realloc(void *p, size_t n)
{
    char *to = malloc(n);
    if (p && to) {
        size_t had = *(size_t *)((char *)p - 16);
        memcpy(to, p, had < n ? had : n);
    }
    return to;
}

int main(void)
{
    char *p = malloc(10);
    puts(p >= room && p < room + sizeof(room) ? "ready" : "not my malloc");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0;
}
