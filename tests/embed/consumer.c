/* consumer.c: a C program of somebody else: `consumer yes|no`, whether its malloc is Ashlar's.
 *
 * Uses the ashlar_ calls and a heap of its own, and looks at the statistics to see whether
 * malloc is counted by Ashlar, as the first argument says it must or must not be.
 */
#include <ashlar.h>
#include <ashlar/inspect.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 20000, BYTES = 1000 };

static void *blocks[BLOCKS];

static int fail(const char *what)
{
    fprintf(stderr, "consumer: %s\n", what);
    return 1;
}

static uint64_t live_bytes(void)
{
    struct ashlar_stats stats;

    return ashlar_stats(&stats, sizeof stats) >= sizeof stats ? stats.live_bytes : 0;
}

static bool count_live(void *arg, void *block, size_t bytes, enum ashlar_block_state state)
{
    (void)block;
    (void)bytes;
    *(int *)arg += state == ASHLAR_BLOCK_LIVE;
    return true;
}

/* Whether live bytes of Ashlar grow with blocks of malloc; the compiler must not drop the pairs. */
static bool malloc_is_ashlars(void)
{
    uint64_t before = live_bytes();

    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BYTES);
        if (blocks[i])
            memset(blocks[i], i, BYTES);
    }
    bool grown = live_bytes() - before > BLOCKS * BYTES / 2;
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return grown;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fail("usage: consumer yes|no");
    if (strcmp(ashlar_version(), ASHLAR_VERSION) != 0)
        return fail("header and library are of different versions");

    char *text = ashlar_malloc(100);
    text = ashlar_realloc(text, 5000);
    if (!text || ashlar_usable_size(text) < 5000)
        return fail("ashlar_realloc");
    memset(text, 1, 5000);
    ashlar_free(text);

    struct ashlar_heap *heap = ashlar_heap_new();
    if (!heap)
        return fail("ashlar_heap_new");
    for (int i = 0; i < 100; i++)
        if (!ashlar_heap_alloc(heap, 40))
            return fail("ashlar_heap_alloc");
    int live = 0;
    if (!ashlar_heap_walk(heap, count_live, &live) || live != 100)
        return fail("ashlar_heap_walk does not see 100 blocks");
    ashlar_heap_destroy(heap);
    if (ashlar_verify(NULL, NULL) != 0)
        return fail("ashlar_verify finds faults");

    bool expected = strcmp(argv[1], "yes") == 0;
    if (malloc_is_ashlars() != expected)
        return fail(expected ? "malloc is not Ashlar's" : "malloc was replaced");
    printf("malloc is %s\n", expected ? "Ashlar's" : "the program's own");
    return 0;
}
