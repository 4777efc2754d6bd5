/* destroyed_heap.c: a block of a heap that the program made and destroyed.
 *
 *     destroyed_heap small|large CALL...
 */
#include "misuse.h"
#include <ashlar.h>
#include <dlfcn.h>

static void *named(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

int main(int argc, char **argv)
{
    struct ashlar_heap *(*make)(void) = (struct ashlar_heap * (*)(void)) named("ashlar_heap_new");
    void *(*take)(struct ashlar_heap *, size_t) =
        (void *(*)(struct ashlar_heap *, size_t))named("ashlar_heap_alloc");
    void (*destroy)(struct ashlar_heap *) =
        (void (*)(struct ashlar_heap *))named("ashlar_heap_destroy");
    if (argc < 2 || !make || !take || !destroy)
        return 2;
    misuse_warm_up();
    struct ashlar_heap *heap = make();
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = take(heap, strcmp(argv[1], "small") == 0 ? 64 : 100000);
    destroy(heap);
    return misuse_main(argc - 1, argv + 1, misuse_opaque((uintptr_t)blocks[50]));
}
