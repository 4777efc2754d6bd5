/* freed_small_others.c: a block of 64 bytes that was freed already, and others after it. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    for (unsigned i = 50; i < 60; i++)
        free(blocks[i]);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[50]));
}
