/* start.c: what a small process has resident of the library: `start LIBRARY LIMIT_KIB`, with the
 * library preloaded.
 *
 * The program allocates from two threads, moves, clears and frees. Then it counts the pages of the
 * library's file that are mapped in it. A kernel that maps fewer neighbours at a fault shows less.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 200 };

static void *work(void *unused)
{
    static _Thread_local char *blocks[BLOCKS];
    for (int i = 0; i < 4 * BLOCKS; i++) {
        char **at = &blocks[i % BLOCKS];
        free(*at);
        *at = i % 3 ? malloc((size_t)(i % 900)) : calloc(1, (size_t)(i % 5000));
        *at = i % 7 ? *at : realloc(*at, (size_t)(i % 300) + 1);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return unused;
}

/* KiB of the file at `path` that are mapped and unchanged. */
static long resident_kib(const char *path)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    if (!file)
        return -1;
    char line[4096];
    long sum = 0, kib;
    int ours = 0, seen = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned long first, last;
        if (sscanf(line, "%lx-%lx ", &first, &last) == 2) {
            ours = strstr(line, path) != NULL;
            seen |= ours;
        } else if (ours && sscanf(line, "Rss: %ld", &kib) == 1) {
            sum += kib;
        } else if (ours && sscanf(line, "Anonymous: %ld", &kib) == 1) {
            sum -= kib;
        }
    }
    fclose(file);
    return seen ? sum : -1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    work(NULL);
    pthread_join(thread, NULL);
    long kib = resident_kib(argv[1]), limit = atol(argv[2]);
    printf("%ld KiB of the library's file are resident, at most %ld expected\n", kib, limit);
    return kib < 0 || kib > limit;
}
