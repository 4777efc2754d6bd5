/* leftover.c: ranges that the kernel would not take back; see leftover.h. */
#include "space/leftover.h"
#include "os/os.h"
#include "space/purge.h"

struct leftover {
    struct leftover *next;
    size_t bytes;
    size_t resident_bytes; /* counted as committed; 0 once they went back */
};

static struct leftover *_Atomic list;

static void count_resident(int64_t more)
{
    atomic_fetch_add_explicit(&ash_space_count.leftover_bytes, more, memory_order_relaxed);
}

static void push(struct leftover *range)
{
    struct leftover *seen = atomic_load_explicit(&list, memory_order_relaxed);
    do {
        range->next = seen;
        /* release; pairs with the acquire in ash_leftover_retry */
    } while (!atomic_compare_exchange_weak_explicit(&list, &seen, range, memory_order_release,
                                                    memory_order_relaxed));
}

/* Puts a range on the list, with its memory released if the kernel does at least that. */
static void keep(uintptr_t addr, size_t bytes, size_t resident_bytes)
{
    if (resident_bytes > 0 && ash_os_release(addr, bytes) == 0) { /* S8 */
        count_resident(-(int64_t)resident_bytes);
        resident_bytes = 0;
    }
    struct leftover *range = (struct leftover *)addr;
    range->bytes = bytes;
    range->resident_bytes = resident_bytes;
    push(range);
}

void ash_leftover_unmap(uintptr_t addr, size_t bytes)
{
    if (ash_os_unmap(addr, bytes) == 0)
        return;
    count_resident((int64_t)bytes);
    keep(addr, bytes, bytes);
}

ASH_RARE void ash_leftover_retry(void)
{
    if (ASH_LIKELY(atomic_load_explicit(&list, memory_order_relaxed) == NULL))
        return;
    /* acquire; pairs with the release in push */
    struct leftover *range = atomic_exchange_explicit(&list, NULL, memory_order_acquire);
    while (range) {
        struct leftover was = *range;
        if (ash_os_unmap((uintptr_t)range, was.bytes) == 0)
            count_resident(-(int64_t)was.resident_bytes);
        else
            keep((uintptr_t)range, was.bytes, was.resident_bytes);
        range = was.next;
    }
}
