/* freed_by_thread.c: a block of 64 bytes that another thread freed, and ended. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    misuse_free_in_thread(blocks[50]);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[50]));
}
