/* of_library.c: a pointer to data of the C library. */
#include "misuse.h"

int main(int argc, char **argv)
{
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)stdin));
}
