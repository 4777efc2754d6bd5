/* interior_medium.c: a pointer 48 bytes into a block of 20000, whose page has several slices. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[20];
    for (unsigned i = 0; i < 20; i++)
        blocks[i] = malloc(20000);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)blocks[10] + 48));
}
