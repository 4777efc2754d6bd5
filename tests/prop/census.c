/* census.c: the subject's walk against the blocks that we hold; see census.h. */
#include "census.h"
#include <stdlib.h>
#include <sys/mman.h>

#define N_MAX ((size_t)1 << 20)

struct entry {
    const unsigned char *p;
    size_t usable;
    bool is_seen;
};

/* From mmap: the subject may be the malloc of this process. */
static struct entry *entries;
static size_t n_entries;
static size_t n_unknown, n_extra, n_extra_max;

void census_begin(void)
{
    if (!entries)
        entries = mmap(NULL, N_MAX * sizeof *entries, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (entries == MAP_FAILED)
        checked_fail("census: no memory for the list");
    n_entries = n_unknown = n_extra = 0;
}

void census_add(const struct block *block)
{
    if (n_entries == N_MAX)
        checked_fail("census: more than %zu blocks", N_MAX);
    entries[n_entries++] = (struct entry){block->p, block->usable, false};
}

static int by_address(const void *a, const void *b)
{
    const unsigned char *x = ((const struct entry *)a)->p, *y = ((const struct entry *)b)->p;
    return x < y ? -1 : x > y;
}

/* Heap sort: qsort of the C library allocates. */
static void sift(size_t root, size_t end)
{
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && by_address(&entries[child], &entries[child + 1]) < 0)
            child++;
        if (by_address(&entries[root], &entries[child]) >= 0)
            return;
        struct entry swapped = entries[root];
        entries[root] = entries[child];
        entries[child] = swapped;
    }
}

static void sort(void)
{
    for (size_t i = n_entries / 2; i-- > 0;)
        sift(i, n_entries);
    for (size_t end = n_entries; end > 1; end--) {
        struct entry last = entries[end - 1];
        entries[end - 1] = entries[0];
        entries[0] = last;
        sift(0, end - 1);
    }
}

static bool each(void *context, const struct walked *walked)
{
    (void)context;
    struct entry key = {.p = walked->p};
    struct entry *found = bsearch(&key, entries, n_entries, sizeof key, by_address);
    if (!found) {
        if (walked->is_known && ++n_extra > n_extra_max)
            checked_fail("walk: %p of %zu is called live, and nobody holds it", walked->p,
                         walked->usable);
        return true;
    }
    if (found->is_seen)
        checked_fail("walk: %p came twice", walked->p);
    if (found->usable != walked->usable)
        checked_fail("walk: %p has %zu bytes, the walk says %zu", walked->p, found->usable,
                     walked->usable);
    found->is_seen = true;
    n_unknown += !walked->is_known;
    return true;
}

struct census_result census_compare(void *heap, size_t extra_max)
{
    n_extra_max = extra_max;
    sort();
    if (!subject.walk(heap, each, NULL))
        checked_fail("walk: refused");
    for (size_t i = 0; i < n_entries; i++)
        if (!entries[i].is_seen)
            checked_fail("walk: %p of %zu is live, and was not walked", (const void *)entries[i].p,
                         entries[i].usable);
    return (struct census_result){n_entries, n_unknown, n_extra};
}
