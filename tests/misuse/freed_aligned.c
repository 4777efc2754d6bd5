/* freed_aligned.c: a block aligned to 1 MiB that was freed already. */
#include "misuse.h"

int main(int argc, char **argv)
{
    misuse_warm_up();
    char *block = memalign(1 << 20, 100);
    free(block);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)block));
}
