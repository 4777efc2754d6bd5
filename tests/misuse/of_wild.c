/* of_wild.c: addresses that are none: the first argument says which. */
#include "misuse.h"

static const struct {
    const char *name;
    uintptr_t addr;
} wild[] = {
    {"small", 0x1234},
    {"one", 1},
    {"minus_one", UINTPTR_MAX},
    {"unmapped", 0x10000000000},
    {"last_of_user", 0x7ffffffff000},
    {"not_canonical", 0x800000000000},
    {"pattern", 0x5a5a5a5a5a5a5a5a},
    {"kernel", 0xffffffff81000000},
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++)
        if (strcmp(argv[1], wild[i].name) == 0)
            return misuse_main(argc - 1, argv + 1, misuse_opaque(wild[i].addr));
    return 2;
}
