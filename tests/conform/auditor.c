/* auditor.c: an audit library (LD_AUDIT) that allocates whenever the dynamic linker calls it. */
#include <link.h>
#include <stdlib.h>

unsigned la_version(unsigned version)
{
    free(malloc(1000));
    return version;
}

static void *kept[64];
static unsigned n_kept;

unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie)
{
    (void)map, (void)space, (void)cookie;
    kept[n_kept++ % 64] = malloc(100);
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

unsigned la_objclose(uintptr_t *cookie)
{
    (void)cookie;
    free(malloc(2000));
    return 0;
}
