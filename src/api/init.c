/* init.c: what happens when the library is loaded and when the program ends. Calls before and
 * after work all the same (F8, F9): nothing here is needed by malloc or free, and nothing is
 * torn down. */
#include "api/init.h"
#include "api/anchor.h"
#include "api/option.h"
#include "api/stats.h"
#include "base/hooks.h"
#include "base/print.h"
#include "heap/heap.h"
#include "probe/probe.h"
#include <stdlib.h>

const char ash_init_linked;
#ifndef ASHLAR_EMBED /* which leaves malloc to the program */
static const char *const malloc_wanted __attribute__((used)) = &ash_malloc_linked;
#endif

/* The report comes at the second of two ends. A shared library's destructor runs while those of
 * others still have to free; what it registered before main runs last of all. A program that has
 * the library inside meets the two the other way round (F9). */
static unsigned n_ends;

static void end(void)
{
    if (++n_ends != 2)
        return;
    ash_record_finish();
    ash_stats_report();
}

static void registered_end(int status, void *unused)
{
    (void)status;
    (void)unused;
    end();
}

static void __attribute__((destructor(101))) destructors_end(void)
{
    end();
}

/* Last at start, so that what starts before it is not in the way of the first event. */
static void start_recording(void)
{
    const struct ash_record_wish wish = {.file = ash_options.trace_file,
                                         .pid = (uint32_t)ash_options.trace_pid,
                                         .forks = ash_options.trace_forks,
                                         .stacks = ash_options.trace_stacks};
    if (!wish.file[0])
        return;
    int bad = ash_record_start(&wish);
    if (!bad)
        return;
    struct ash_line line;
    ash_line_init(&line);
    ash_line_fmt(&line,
                 "ashlar: E08 cannot write the trace to %s (error %d) | check the path, its "
                 "permissions and the free space",
                 wish.file, -bad);
    ash_line_write(&line, 2);
}

static void __attribute__((constructor(101))) library_loaded(void)
{
    ash_option_start();
    ash_threads_init();
    ash_anchor_start(getenv("ASHLAR"));
    ash_stats_start();
    start_recording();
    if ((ash_options.stats || ash_hooks.watcher) && on_exit(registered_end, NULL) != 0)
        n_ends = 1;
    if (ash_options.reaper)
        ash_reaper_start();
}
