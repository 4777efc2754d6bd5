/* of_constants.c: a pointer to a string literal. */
#include "misuse.h"

static const char text[] = "not a block";

int main(int argc, char **argv)
{
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)(text)));
}
