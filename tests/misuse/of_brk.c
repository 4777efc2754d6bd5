/* of_brk.c: a pointer to memory that the program took from the kernel by sbrk. */
#include "misuse.h"

int main(int argc, char **argv)
{
    char *own = sbrk(1 << 16);
    if (own == (char *)-1)
        return 2;
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)own + 4096));
}
