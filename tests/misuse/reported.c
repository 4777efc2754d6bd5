/* reported.c: ASHLAR=misuse=report: counts all, tells each place once, leaks, goes on.
 *
 * Two places free a wrong pointer and two reallocate it, ten times each.
 */
#include "misuse.h"
#include <ashlar.h>
#include <dlfcn.h>

static int not_a_block;

__attribute__((noinline)) static void first_place(void)
{
    free(misuse_opaque((uintptr_t)&not_a_block));
    __asm__ volatile("");
}

__attribute__((noinline)) static void second_place(void)
{
    free(misuse_opaque((uintptr_t)&not_a_block));
    __asm__ volatile("");
}

__attribute__((noinline)) static void third_place(void)
{
    if (realloc(misuse_opaque((uintptr_t)&not_a_block), 10) != NULL)
        printf("realloc gave a block\n");
}

__attribute__((noinline)) static void fourth_place(void)
{
    if (realloc(misuse_opaque((uintptr_t)&not_a_block), 10) != NULL)
        printf("realloc gave a block\n");
}

int main(void)
{
    misuse_begin();
    char *large = malloc(100000);
    for (unsigned i = 0; i < 10; i++) {
        errno = 7;
        first_place();
        second_place();
        if (errno != 7)
            printf("errno %d\n", errno);
        third_place();
        fourth_place();
    }
    /* a pointer into a block: the block lives on */
    memset(large, 1, 100000);
    free(misuse_opaque((uintptr_t)large + 64));
    for (unsigned i = 0; i < 100; i++)
        free(memset(malloc(100000), 2, 100000));
    for (unsigned i = 0; i < 100000; i++)
        if (large[i] != 1)
            return 1;
    free(large);
    size_t (*count)(struct ashlar_stats *, size_t) =
        (size_t(*)(struct ashlar_stats *, size_t))dlsym(RTLD_DEFAULT, "ashlar_stats");
    struct ashlar_stats stats = {0};
    if (count)
        count(&stats, sizeof stats);
    printf("%u mistakes were counted\n", (unsigned)stats.misuse_count);
    return 0;
}
