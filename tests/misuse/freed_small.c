/* freed_small.c: a block of 64 bytes that was freed already, its page in use. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    free(blocks[50]);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[50]));
}
