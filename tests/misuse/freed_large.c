/* freed_large.c: a block of 3 MB that was freed already; its first argument may say how far in. */
#include "misuse.h"

int main(int argc, char **argv)
{
    misuse_warm_up();
    char *block = malloc(3000000);
    size_t offset = 0;
    if (argc > 1 && argv[1][0] == '+') {
        offset = strtoul(argv[1] + 1, NULL, 10);
        argc--, argv++;
    }
    free(block);
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)block + offset));
}
