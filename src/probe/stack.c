/* stack.c: call stacks as numbers; see stack.h. */
#include "probe/stack.h"
#include "os/os.h"

#define TABLE_BYTES (ASH_STACK_COUNT * sizeof(uint64_t))

static _Atomic uint64_t *table;
static _Atomic uint32_t n_stacks;

bool ash_stack_start(void)
{
    if (!table)
        table = ash_os_map(TABLE_BYTES);
    return table != NULL;
}

void ash_stack_forget(void)
{
    if (table)
        (void)ash_os_unmap((uintptr_t)table, TABLE_BYTES);
    table = ash_os_map(TABLE_BYTES);
    atomic_store_explicit(&n_stacks, 0, memory_order_relaxed);
}

static uint64_t hash_of(const uintptr_t *frames, size_t n)
{
    uint64_t hash = n + 1;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash ? hash : 1;
}

uint32_t ash_stack_intern(const uintptr_t *frames, size_t n, bool *ret_new)
{
    *ret_new = false;
    if (!table || n == 0)
        return 0;
    uint64_t hash = hash_of(frames, n);
    for (uint32_t i = (uint32_t)(hash >> 40), tries = 0; tries < ASH_STACK_COUNT; i++, tries++) {
        _Atomic uint64_t *place = &table[i % ASH_STACK_COUNT];
        uint64_t seen = atomic_load_explicit(place, memory_order_relaxed);
        if (seen == 0) {
            if (atomic_load_explicit(&n_stacks, memory_order_relaxed) >= ASH_STACK_COUNT / 8 * 7)
                return 0; /* K1 */
            *ret_new = atomic_compare_exchange_strong_explicit(
                place, &seen, hash, memory_order_relaxed, memory_order_relaxed); /* K2 */
            if (*ret_new)
                atomic_fetch_add_explicit(&n_stacks, 1, memory_order_relaxed);
        }
        if (*ret_new || seen == hash)
            return i % ASH_STACK_COUNT + 1;
    }
    return 0;
}
