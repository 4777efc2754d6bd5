/* freed_page.c: a block of 64 bytes whose whole page was released. */
#include "misuse.h"

enum { N_BLOCKS = 20000 };

int main(int argc, char **argv)
{
    misuse_warm_up();
    static char *blocks[N_BLOCKS];
    for (unsigned i = 0; i < N_BLOCKS; i++)
        blocks[i] = malloc(64);
    for (unsigned i = 0; i < N_BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[N_BLOCKS / 2]));
}
