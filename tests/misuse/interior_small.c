/* interior_small.c: a pointer 16 bytes into a block of 64. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++) /* enough that the thread has a heap of its own */
        blocks[i] = malloc(64);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[50] + 16));
}
