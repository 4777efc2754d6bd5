/* of_stack.c: a pointer to a variable on the first thread's stack. */
#include "misuse.h"

int main(int argc, char **argv)
{
    int here = argc;
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)&here));
}
