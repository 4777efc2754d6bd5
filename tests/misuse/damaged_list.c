/* damaged_list.c: the first word of a freed block is overwritten, where the heap keeps a link. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    free(blocks[50]);
    free(blocks[51]);
    *(volatile uintptr_t *)misuse_opaque((uintptr_t)blocks[51]) = 0x4141414141414141;
    return misuse_main(argc, argv, blocks[0]);
}
