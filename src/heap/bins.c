/* bins.c: the thread's own state; see bins.h. */
#include "heap/bins.h"
#include "heap/page.h"

struct ash_heap ash_heap_none;
struct ash_heap ash_heap_watched = {.busy = 1}; /* W2 */

__thread struct ash_tls ash_tls
    __attribute__((tls_model("initial-exec"))) = {.self = &ash_heap_none};

/* Blocks of the bin go back to the page they came from. A bin whose first block is not of
 * cur[c] belongs to a heap that was quarantined under it: it is dropped. */
static void empty_bin(struct ash_tls *tls, struct ash_heap *heap, unsigned cls)
{
    void *list = tls->bin[cls];
    struct ash_meta *page = heap->cur[cls];
    tls->bin[cls] = NULL;
    if (!list || !page)
        return;
    uintptr_t addr = (uintptr_t)list;
    if (addr < page->start || addr >= page->start + ash_meta_slices(page) * ASH_SLICE_BYTES)
        return;
    ash_page_fold(page);
    unsigned n = 1;
    void *last = list;
    for (; *(void **)last && n < page->cap; n++)
        last = *(void **)last;
    *(void **)last = page->lfree;
    page->lfree = list;
    page->lcnt = (uint16_t)(page->lcnt + n);
    page->out = (uint16_t)(page->out - n);
    ash_count_add(&heap->handed_count, (uint64_t)0 - n);
    ash_count_add(&heap->handed_bytes, (uint64_t)0 - (uint64_t)n * ash_meta_bsize(page));
}

void ash_bins_empty(struct ash_tls *tls, struct ash_heap *heap)
{
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        empty_bin(tls, heap, c);
    tls->zero[0] = tls->zero[1] = 0; /* H8 */
}
