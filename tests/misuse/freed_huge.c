/* freed_huge.c: a block of 1.5 GiB that was freed already. */
#include "misuse.h"

int main(int argc, char **argv)
{
    misuse_warm_up();
    char *block = malloc((size_t)3 << 29);
    free(block);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)block));
}
