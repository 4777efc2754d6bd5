/* clock.c: the processor's counter as a cheap clock, and the system's; see os.h. */
#include "os/os.h"
#include <time.h>

#define CALIBRATE_NS 200000u /* two readings 50 ns off make an error of 0.05 % */

static bool is_clock; /* written at start */

uint64_t ash_os_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* the vdso's; it cannot fail */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ash_os_wall_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)
static uint64_t counter(void)
{
    return __builtin_ia32_rdtsc();
}

static uint64_t counter_after(void)
{
    unsigned cpu;
    return __builtin_ia32_rdtscp(&cpu); /* waits until all earlier loads are done */
}

/* One rate whatever the processor does, and running on while it sleeps. */
static bool counter_is_steady(void)
{
    unsigned max, power = 0, other;
    __asm__("cpuid" : "=a"(max), "=b"(other), "=c"(other), "=d"(other) : "a"(0x80000000u), "c"(0));
    if (max < 0x80000007u)
        return false;
    __asm__("cpuid" : "=a"(max), "=b"(other), "=c"(other), "=d"(power) : "a"(0x80000007u), "c"(0));
    return power >> 8 & 1;
}
#else
static uint64_t counter(void)
{
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

static uint64_t counter_after(void)
{
    __asm__ volatile("isb" ::: "memory");
    return counter();
}

static bool counter_is_steady(void)
{
    return true;
}
#endif

bool ash_os_counter_start(uint64_t *ret_per_second)
{
    is_clock = !counter_is_steady();
    uint64_t ns = ash_os_now_ns(), steps = ash_os_counter(), ns_after;
    do {
        ns_after = ash_os_now_ns();
    } while (ns_after - ns < CALIBRATE_NS);
    *ret_per_second =
        is_clock ? 1000000000u
                 : (uint64_t)((double)(ash_os_counter() - steps) * 1e9 / (double)(ns_after - ns));
    return !is_clock;
}

uint64_t ash_os_counter(void)
{
    return ASH_UNLIKELY(is_clock) ? ash_os_now_ns() : counter();
}

uint64_t ash_os_counter_after(void)
{
    return ASH_UNLIKELY(is_clock) ? ash_os_now_ns() : counter_after();
}
