/* glibc.c: the calls by which glibc's malloc is asked and tuned, answered with our numbers.
 *
 * mallinfo: arena is what is committed, uordblks what is handed out, fordblks the rest of it,
 * hblks and hblkhd the objects above 64 KiB, keepcost what malloc_trim would give back at once.
 * mallopt accepts glibc's parameters and changes nothing: there is nothing here that they mean.
 */
/* tidy: twin: tests/conform/statistics.c; the embedded library has no such names. */
/* tidy: name: glibc names these functions. */
/* tidy: vocabulary: and their fields and parameters. */
#include "api/stats.h"
#include "heap/heap.h"
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

struct mallinfo2 mallinfo2(void)
{
    struct ash_stat_values values;
    ash_stats_gather(&values);
    size_t objects = values.large_bytes + values.huge_bytes;
    size_t small = values.live_bytes > objects ? values.live_bytes - objects : 0;
    size_t pages = values.committed_bytes > objects ? values.committed_bytes - objects : 0;
    return (struct mallinfo2){
        .arena = pages,
        .ordblks = values.free_count ? 1 : 0,
        .hblks = values.large_count + values.huge_count,
        .hblkhd = objects,
        .uordblks = small,
        .fordblks = pages > small ? pages - small : 0,
        .keepcost = values.dirty_bytes,
    };
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

int malloc_info(int options, FILE *stream)
{
    if (options != 0)
        return EINVAL; /* the code itself, as glibc does */
    struct ash_stat_values values;
    ash_stats_gather(&values);
    const uint64_t *value = (const uint64_t *)&values;
    fprintf(stream, "<malloc version=\"1\">\n");
    fprintf(stream, "<total type=\"rest\" count=\"%llu\" size=\"%llu\"/>\n",
            (unsigned long long)values.live_blocks, (unsigned long long)values.live_bytes);
    fprintf(stream, "<total type=\"mmap\" count=\"%llu\" size=\"%llu\"/>\n",
            (unsigned long long)(values.large_count + values.huge_count),
            (unsigned long long)(values.large_bytes + values.huge_bytes));
    fprintf(stream, "<system type=\"current\" size=\"%llu\"/>\n",
            (unsigned long long)values.committed_bytes);
    fprintf(stream, "<system type=\"max\" size=\"%llu\"/>\n",
            (unsigned long long)values.peak_committed_bytes);
    for (size_t i = 0; i < ASH_STAT_N; i++)
        fprintf(stream, "<ashlar name=\"%s\" value=\"%llu\"/>\n", ash_stat_table[i].name,
                (unsigned long long)value[i]);
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
