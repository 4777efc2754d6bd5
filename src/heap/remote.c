/* remote.c: mailboxes, inboxes; see remote.h. */
#include "heap/remote.h"
#include "base/check.h"
#include "heap/find.h"
#include "heap/misuse.h"
#include "heap/page.h"

static struct ash_meta *page_in(uintptr_t inbox)
{
    return (struct ash_meta *)(inbox & ~ASH_INBOX_FLAGS);
}

/* Announces a page to its heap. The last touch of the page by this thread. */
static void push(struct ash_heap *heap, struct ash_meta *page)
{
    uintptr_t seen = atomic_load_explicit(&heap->inbox, memory_order_relaxed);
    uintptr_t word;
    do {
        /* R2: we set NOTIFIED, so inext is ours. */
        page->inext = page_in(seen);
        word = (uintptr_t)page | (seen & ASH_INBOX_FLAGS);
        if ((seen & ASH_INBOX_FLAGS) == ASH_INBOX_ORPHAN)
            word |= ASH_INBOX_HELD; /* R7: the push itself takes the heap */
        /* release; pairs with the exchange of drain or sweep: inext and the blocks' links are
         * seen. If we become the holder, the sweep's exchange acquires. */
    } while (!atomic_compare_exchange_weak_explicit(&heap->inbox, &seen, word, memory_order_release,
                                                    memory_order_relaxed));
    if ((seen & ASH_INBOX_FLAGS) == ASH_INBOX_ORPHAN)
        ash_remote_sweep(heap);
}

void ash_remote_send(struct ash_meta *page, void *first, void *last, unsigned n)
{
    uint64_t seen = atomic_load_explicit(&page->xfree, memory_order_relaxed);
    uint64_t word;
    do {
        *(void **)last = ash_xfree_first(seen);
        word = (uint64_t)(uintptr_t)first | ((uint64_t)(ash_xfree_count(seen) + n) << 48) |
               ASH_XFREE_NOTIFIED;
        if (ash_xfree_count(seen) + n > page->cap) { /* R4: only misuse does this */
            ash_misuse_report(ASH_MISUSE_FREE, first, ASH_PLACE_RELEASED);
            return;
        }
        /* acq_rel; release: pairs with collect and drain; acquire: puts the owner's read of
         * inext before our write of it. */
    } while (!atomic_compare_exchange_weak_explicit(&page->xfree, &seen, word, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (seen & ASH_XFREE_NOTIFIED)
        return; /* announced already; the page is not looked at again */
    push((struct ash_heap *)atomic_load_explicit(&page->owner, memory_order_relaxed), page);
}

void ash_remote_accept(struct ash_heap *heap, struct ash_meta *page, uint64_t x)
{
    unsigned n = ash_xfree_count(x);
    page->lfree = ash_xfree_first(x);
    if (ASH_UNLIKELY(n > page->out)) {
        ash_misuse_overfreed(page); /* sets the counts by the list */
        return;
    }
    page->lcnt = (uint16_t)(page->lcnt + n);
    page->out = (uint16_t)(page->out - n);
    ash_count_add(&heap->remote_count, n);
}

/* Settles the pages of a list that was taken from an inbox. */
static void settle_all(struct ash_heap *heap, struct ash_meta *page)
{
    while (page) {
        /* R2: before NOTIFIED is cleared */
        struct ash_meta *next = page->inext;
        ash_page_fold(page);
        if (page->lfree == NULL) {
            /* acq_rel; acquire pairs with flush; release orders our read of inext before the
             * next sender's write of it. */
            uint64_t x = atomic_exchange_explicit(&page->xfree, 0, memory_order_acq_rel);
            ash_remote_accept(heap, page, x);
        } else {
            /* acq_rel as above; the list stays and is counted there */
            atomic_fetch_and_explicit(&page->xfree, ~(uint64_t)ASH_XFREE_NOTIFIED,
                                      memory_order_acq_rel);
        }
        ash_page_settle(heap, page);
        page = next;
    }
}

bool ash_remote_drain(struct ash_heap *heap)
{
    if (atomic_load_explicit(&heap->inbox, memory_order_relaxed) == 0)
        return false;
    /* acquire; pairs with push. Take all: no ABA (R6). */
    settle_all(heap, page_in(atomic_exchange_explicit(&heap->inbox, 0, memory_order_acquire)));
    return true;
}

void ash_remote_sweep(struct ash_heap *orphan)
{
    const uintptr_t held = ASH_INBOX_ORPHAN | ASH_INBOX_HELD;
    uintptr_t seen;
    do {
        /* acquire; pairs with push */
        settle_all(orphan,
                   page_in(atomic_exchange_explicit(&orphan->inbox, held, memory_order_acquire)));
        seen = held;
        /* release; pairs with the acquire of the next holder: adoption, or a push */
    } while (!atomic_compare_exchange_strong_explicit(&orphan->inbox, &seen, ASH_INBOX_ORPHAN,
                                                      memory_order_release, memory_order_relaxed));
}

void ash_remote_orphan(struct ash_heap *heap)
{
    uintptr_t seen;
    do {
        ash_remote_drain(heap);
        seen = 0;
        /* release; pairs with the acquire of the next holder: adoption, or a push */
    } while (!atomic_compare_exchange_strong_explicit(&heap->inbox, &seen, ASH_INBOX_ORPHAN,
                                                      memory_order_release, memory_order_relaxed));
}
