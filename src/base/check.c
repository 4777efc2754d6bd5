/* check.c: the end of a process in which a promise of ours does not hold; see check.h. */
#include "base/check.h"
#include "base/print.h"
#include <stdlib.h>
#include <unistd.h>

ASH_COLD _Noreturn void ash_fatal(const char *what, const char *file, int line)
{
    struct ash_line text;
    ash_line_init(&text);
    ash_line_fmt(&text, "ashlar: F01 a promise of Ashlar does not hold: %s (%s:%d)", what, file,
                 line);
    ash_line_str(&text, " | ashlar help F01");
    ash_line_write(&text, STDERR_FILENO);
    abort();
}
