/* never_given.c: an address in a page of 64-byte blocks that no call ever returned. */
#include "misuse.h"

int main(int argc, char **argv)
{
    uintptr_t last = 0;
    for (unsigned i = 0; i < 100; i++) {
        uintptr_t p = (uintptr_t)malloc(64);
        last = p > last ? p : last;
    }
    return misuse_main(argc, argv, misuse_opaque(last + (uintptr_t)64 * 300));
}
