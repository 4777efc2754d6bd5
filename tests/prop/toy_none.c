/* toy_none.c: for subjects that have no bugs to choose from. */
#include "subject.h"

bool toy_choose(const char *bug)
{
    (void)bug;
    return false;
}
