/* of_glibc.c: a block of another heap in the process, the C library's own. */
#include "misuse.h"
#include <dlfcn.h>

int main(int argc, char **argv)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    void *(*other)(size_t) = (void *(*)(size_t))dlsym(libc, "__libc_malloc");
    if (!other)
        return 2;
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)other(100)));
}
