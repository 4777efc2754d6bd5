/* of_bss.c: a pointer to zeroed data of the program. */
#include "misuse.h"

static char zeroed[100000];

int main(int argc, char **argv)
{
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)(zeroed + 50000)));
}
