/* fail.c: system calls refused on purpose; see os.h (O3). */
#include "base/rng.h"
#include "os/os.h"

/* The step of base/rng.h's generator: adding it is the whole state, so that threads can draw
 * numbers from one word without a lock. */
#define RNG_STEP 0x9E3779B97F4A7C15u

_Atomic uint64_t ash_os_fail_n;

static struct {
    _Atomic unsigned calls; /* kinds that may be refused; 0: the usual case, nothing is */
    _Atomic uint64_t nth;
    _Atomic uint64_t rate;
    _Atomic uint64_t rng;
    _Atomic uint64_t n_seen;
} fail;

ASH_RARE void ash_os_fail_set(uint64_t nth, uint64_t rate, unsigned calls, uint64_t seed)
{
    /* release; pairs with the acquire in ash_os_fail_now: off while the rest changes */
    atomic_store_explicit(&fail.calls, 0, memory_order_release);
    atomic_store_explicit(&fail.nth, nth, memory_order_relaxed);
    atomic_store_explicit(&fail.rate, rate, memory_order_relaxed);
    atomic_store_explicit(&fail.rng, seed, memory_order_relaxed);
    atomic_store_explicit(&fail.n_seen, 0, memory_order_relaxed);
    if (nth == 0 && rate == 0)
        return;
    /* release; pairs with the acquire in ash_os_fail_now */
    atomic_store_explicit(&fail.calls, calls & ASH_FAIL_ALL, memory_order_release);
}

uint64_t ash_os_fail_count(void)
{
    return atomic_load_explicit(&ash_os_fail_n, memory_order_relaxed);
}

static bool draw(uint64_t rate)
{
    uint64_t state = atomic_fetch_add_explicit(&fail.rng, RNG_STEP, memory_order_relaxed);
    return ash_rng_next(&state) % rate == 0;
}

bool ash_os_fail_now(enum ash_fail_call call)
{
    /* acquire; pairs with the release in ash_os_fail_set */
    unsigned calls = atomic_load_explicit(&fail.calls, memory_order_acquire);
    if (ASH_LIKELY((calls & (unsigned)call) == 0))
        return false;
    uint64_t nth = atomic_load_explicit(&fail.nth, memory_order_relaxed);
    uint64_t rate = atomic_load_explicit(&fail.rate, memory_order_relaxed);
    uint64_t seen = atomic_fetch_add_explicit(&fail.n_seen, 1, memory_order_relaxed) + 1;
    if (seen != nth && (rate == 0 || !draw(rate)))
        return false;
    atomic_fetch_add_explicit(&ash_os_fail_n, 1, memory_order_relaxed);
    return true;
}
