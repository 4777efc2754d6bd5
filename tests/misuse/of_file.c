/* of_file.c: a pointer to a file that the program mapped. */
#include "misuse.h"
#include <fcntl.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    char *all = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (all == MAP_FAILED)
        return 2;
    return misuse_main(argc, argv, misuse_opaque((uintptr_t)all + 64));
}
