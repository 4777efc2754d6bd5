/* unseen.c: what the default level does not see: writes and reads where they do not belong.
 *
 *     unseen overflow | write_after_free | read_after_free
 */
#include "misuse.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    misuse_begin();
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = malloc(64);
    volatile char *block = misuse_opaque((uintptr_t)blocks[50]);
    if (strcmp(argv[1], "overflow") == 0) {
        block[64] = 1;
    } else if (strcmp(argv[1], "write_after_free") == 0) {
        free(blocks[50]);
        block[40] = 1;
    } else if (strcmp(argv[1], "read_after_free") == 0) {
        block[40] = 7;
        free(blocks[50]);
        printf("read %d\n", block[40]);
    }
    misuse_allocate();
    printf("went on\n");
    return 0;
}
