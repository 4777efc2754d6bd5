/* interior_large.c: a pointer 1 MB into a block of 3 MB; its first argument may say how far. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *block = malloc(3000000);
    size_t offset = 1000000;
    if (argc > 1 && argv[1][0] == '+') {
        offset = strtoul(argv[1] + 1, NULL, 10);
        argc--, argv++;
    }
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)block + offset));
}
