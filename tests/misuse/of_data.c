/* of_data.c: a pointer to initialised data of the program. */
#include "misuse.h"

static int answer = 42;

int main(int argc, char **argv)
{
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)(&answer)));
}
