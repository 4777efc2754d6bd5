/* slice.c: claim and return slices of one group; see slice.h. */
#include "space/slice.h"
#include "base/check.h"

int ash_slice_claim(struct ash_group *group, unsigned n_slices)
{
    ASH_CHECK(n_slices >= 1 && n_slices <= ASH_GROUP_SLICES);

    uint32_t seen = atomic_load_explicit(&group->free, memory_order_relaxed);
    for (;;) {
        uint32_t dirty = seen & atomic_load_explicit(&group->touched, memory_order_relaxed);
        int first_i = ash_bitmap_find_run(dirty, n_slices);
        if (first_i < 0)
            first_i = ash_bitmap_find_run(seen, n_slices);
        if (first_i < 0)
            return -1;
        uint32_t left = seen & ~ash_bitmap_run((unsigned)first_i, n_slices);
        /* acquire; pairs with the release in ash_slice_return (S4) */
        if (atomic_compare_exchange_weak_explicit(&group->free, &seen, left, memory_order_acquire,
                                                  memory_order_relaxed))
            return first_i;
    }
}

bool ash_slice_claim_exact(struct ash_group *group, uint32_t run)
{
    uint32_t seen = atomic_load_explicit(&group->free, memory_order_relaxed);
    do {
        if ((seen & run) != run)
            return false;
        /* acquire; pairs with the release in ash_slice_return (S4) */
    } while (!atomic_compare_exchange_weak_explicit(&group->free, &seen, seen & ~run,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

void ash_slice_return(struct ash_group *group, uint32_t run)
{
    /* release; pairs with the acquire of the next claim (S4) */
    uint32_t before = atomic_fetch_or_explicit(&group->free, run, memory_order_release);
    ASH_CHECK((before & run) == 0);
}
