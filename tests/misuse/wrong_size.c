/* wrong_size.c: a block freed by a size or an alignment that it was not asked for with.
 *
 *     wrong_size ASKED ALIGN STATED STATED_ALIGN      an alignment of 0: none
 */
#include "misuse.h"

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    misuse_begin();
    size_t asked = strtoul(argv[1], NULL, 10), align = strtoul(argv[2], NULL, 10);
    size_t stated = strtoul(argv[3], NULL, 10), stated_align = strtoul(argv[4], NULL, 10);
    void *p = NULL;
    for (unsigned i = 0; i < 2; i++) /* the second lies at no rounder address than asked for */
        p = align ? aligned_alloc(align, asked) : malloc(asked);
    if (stated_align)
        free_aligned_sized(p, stated_align, stated);
    else
        free_sized(p, stated);
    printf("went on\n");
    return 0;
}
