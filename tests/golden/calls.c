/* calls.c: calls of malloc or free for an emulator to log: `calls malloc|free SIZE`.
 *
 * Prints three addresses: the entry of the function, and where the code of the library that
 * holds it begins and ends. Then makes the calls, which qemu.py finds in the log by them.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 64, WARM = 512 };

/* Volatile, so that the compiler neither sees a pair to remove nor calls something else. */
static void *(*volatile do_malloc)(size_t) = malloc;
static void (*volatile do_free)(void *) = free;

static void *warm[WARM];

struct range {
    uintptr_t inside, low, high;
};

/* Finds the executable part of the object that holds range->inside. */
static int find_range(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct range *range = arg;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        uintptr_t low = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        uintptr_t high = low + object->dlpi_phdr[i].p_memsz;
        if (!(object->dlpi_phdr[i].p_flags & PF_X) || range->inside < low || range->inside >= high)
            continue;
        range->low = low;
        range->high = high;
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: calls malloc|free SIZE\n");
        return 2;
    }
    int is_free = strcmp(argv[1], "free") == 0;
    size_t size = strtoul(argv[2], NULL, 10);
    struct range range = {.inside = is_free ? (uintptr_t)do_free : (uintptr_t)do_malloc};
    Dl_info where;
    if (!dladdr((void *)range.inside, &where) || !strstr(where.dli_fname, "libashlar")) {
        fprintf(stderr, "calls: %s is not Ashlar's; preload it\n", argv[1]);
        return 2;
    }
    dl_iterate_phdr(find_range, &range);

    for (int i = 0; i < WARM; i++)
        warm[i] = do_malloc(size);
    for (int i = 0; i < CALLS; i++) {
        if (is_free)
            do_free(warm[i]);
        else
            warm[i] = do_malloc(size);
    }
    printf("%#lx %#lx %#lx\n", (unsigned long)range.inside, (unsigned long)range.low,
           (unsigned long)range.high);
    return 0;
}
