/* of_code.c: a pointer to a function. */
#include "misuse.h"

int main(int argc, char **argv)
{
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)main));
}
