/* of_mmap.c: a pointer to a mapping that the program made. */
#include "misuse.h"
#include <sys/mman.h>

int main(int argc, char **argv)
{
    /* Between two without rights, so that the kernel does not merge it with a neighbour. */
    char *all = mmap(NULL, 3 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + (1 << 20), 1 << 20, PROT_READ | PROT_WRITE) != 0)
        return 2;
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)all + (1 << 20)));
}
