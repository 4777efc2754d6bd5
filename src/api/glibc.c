/* glibc.c: the calls by which glibc's malloc is asked and tuned, answered with our numbers.
 *
 * mallinfo: arena is what is committed, uordblks what is handed out, fordblks the rest of it,
 * ordblks only whether there is such rest,
 * hblks and hblkhd the objects above 64 KiB, keepcost what malloc_trim would give back at once.
 * mallopt accepts glibc's parameters and changes nothing: there is nothing here that they mean.
 */
/* tidy: twin: tests/conform/statistics.c; the embedded library has no such names. */
/* tidy: name: glibc names these functions. */
/* tidy: vocabulary: and their fields and parameters. */
#include "api/init.h"
#include "api/stats.h"
#include "heap/heap.h"
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

static struct mallinfo2 totals_of(const struct ash_stat_values *values)
{
    size_t objects = values->large_bytes + values->huge_bytes;
    size_t small = values->live_bytes > objects ? values->live_bytes - objects : 0;
    size_t pages = values->committed_bytes > objects ? values->committed_bytes - objects : 0;
    size_t rest = pages > small ? pages - small : 0;
    return (struct mallinfo2){
        .arena = pages,
        .ordblks = rest ? 1 : 0,
        .hblks = values->large_count + values->huge_count,
        .hblkhd = objects,
        .uordblks = small,
        .fordblks = rest,
        .keepcost = values->dirty_bytes,
    };
}

struct mallinfo2 mallinfo2(void)
{
    struct ash_stat_values values;
    ash_stats_gather(&values);
    return totals_of(&values);
}

static int as_int(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = as_int(wide.arena),
        .ordblks = as_int(wide.ordblks),
        .hblks = as_int(wide.hblks),
        .hblkhd = as_int(wide.hblkhd),
        .uordblks = as_int(wide.uordblks),
        .fordblks = as_int(wide.fordblks),
        .keepcost = as_int(wide.keepcost),
    };
}

void malloc_stats(void)
{
    ash_stats_write_fd(ASH_STAT_TEXT, 2);
}

static void put_pair(FILE *stream, const char *type, size_t count, size_t bytes)
{
    fprintf(stream, "<total type=\"%s\" count=\"%zu\" size=\"%zu\"/>\n", type, count, bytes);
}

static void put_size(FILE *stream, const char *element, const char *type, uint64_t bytes)
{
    fprintf(stream, "<%s type=\"%s\" size=\"%zu\"/>\n", element, type, (size_t)bytes);
}

/* The totals as glibc writes them, where "rest" is what is free, and then our table. */
int malloc_info(int options, FILE *stream)
{
    if (options != 0)
        return EINVAL; /* the code itself, as glibc does */
    struct ash_stat_values values;
    ash_stats_gather(&values);
    struct mallinfo2 totals = totals_of(&values);
    fprintf(stream, "<malloc version=\"1\">\n");
    put_pair(stream, "fast", 0, 0);
    put_pair(stream, "rest", totals.ordblks, totals.fordblks);
    put_pair(stream, "mmap", totals.hblks, totals.hblkhd);
    put_size(stream, "system", "current", values.committed_bytes);
    put_size(stream, "system", "max", values.peak_committed_bytes);
    put_size(stream, "aspace", "total", values.mapped_bytes);
    put_size(stream, "aspace", "mprotect", values.committed_bytes);
    const uint64_t *value = (const uint64_t *)&values;
    for (size_t i = 0; i < ASH_STAT_N; i++)
        fprintf(stream, "<ashlar name=\"%s\" value=\"%zu\"/>\n", ash_stat_table[i].name,
                (size_t)value[i]);
    fprintf(stream, "</malloc>\n");
    return ferror(stream) ? -1 : 0;
}

int mallopt(int parameter, int value)
{
    (void)value;
    switch (parameter) {
    case M_MXFAST:
    case M_TRIM_THRESHOLD:
    case M_TOP_PAD:
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
        return 1;
    default:
        return 0;
    }
}
