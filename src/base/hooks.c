/* hooks.c: the one table of calls upwards; see hooks.h. */
#include "base/hooks.h"

struct ash_hooks ash_hooks;
