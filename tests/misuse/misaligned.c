/* misaligned.c: pointers that no block begins at: 1, 8 or 60 bytes into a block of 64. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    if (argc < 2)
        return 2;
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    size_t offset = strtoul(argv[1], NULL, 10);
    return misuse_main(argc - 1, argv + 1, misuse_opaque((uintptr_t)blocks[50] + offset));
}
