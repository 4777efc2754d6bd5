/* init.c: what happens when the library is loaded and when the program ends. Calls before and
 * after work all the same (F8, F9): nothing here is needed by malloc or free, and nothing is
 * torn down. */
/* tidy: twin: tests/conform/early.c, late.c, silent.c: what it does is seen in a whole program. */
#include "api/init.h"
#include "api/anchor.h"
#include "api/option.h"
#include "api/stats.h"
#include "heap/heap.h"
#include <stdlib.h>

const char ash_init_linked;

static void __attribute__((constructor(101))) library_loaded(void)
{
    ash_option_start();
    ash_threads_init();
    ash_anchor_start(getenv("ASHLAR"));
    if (ash_options.reaper)
        ash_reaper_start();
}

static void __attribute__((destructor(101))) program_ends(void)
{
    ash_stats_report();
}
