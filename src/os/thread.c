/* thread.c: which thread, which CPU, and waiting for a word to change; see os.h. */
#include "os/os.h"
#include "os/sys.h"
#include <linux/futex.h>
#include <stddef.h>
#include <time.h>

/* Bytes of a CPU mask: the kernel refuses one that is shorter than its own, and is built for
 * 8192 CPUs at most. */
#define CPU_MASK_BYTES 1024

/* Where glibc 2.35 and later put this thread's rseq area, counted from the thread pointer;
 * the size is 0 when the kernel did not take it. */
extern const ptrdiff_t __rseq_offset __attribute__((weak, visibility("default")));
extern const unsigned __rseq_size __attribute__((weak, visibility("default")));

/* The head of the kernel's struct rseq, which never changes. */
struct rseq_head {
    uint32_t cpu_id_start;
    int32_t cpu_id; /* negative: not registered in this thread */
};

/* __builtin_thread_pointer, which clang 14 lacks on x86-64. */
static uintptr_t thread_pointer(void)
{
    uintptr_t tp;
#if defined(__x86_64__)
    __asm__("mov %%fs:0, %0" : "=r"(tp));
#else
    __asm__("mrs %0, tpidr_el0" : "=r"(tp));
#endif
    return tp;
}

/* The CPU in the rseq area, or -1. */
static int rseq_cpu(void)
{
    if (!&__rseq_size || !&__rseq_offset || __rseq_size < sizeof(struct rseq_head))
        return -1;
    uintptr_t addr = thread_pointer() + (uintptr_t)__rseq_offset;
    /* volatile: the kernel writes it whenever it moves the thread */
    return ((const volatile struct rseq_head *)addr)->cpu_id;
}

unsigned ash_os_cpu(void)
{
    int cpu = rseq_cpu();
    if (ASH_LIKELY(cpu >= 0))
        return (unsigned)cpu;
    unsigned asked = 0;
    long ret = ash_sys3(SYS_getcpu, (long)&asked, 0, 0);
    return ret < 0 ? 0 : asked;
}

unsigned ash_os_cpu_count(void)
{
    uint64_t mask[CPU_MASK_BYTES / sizeof(uint64_t)] = {0};
    long n_bytes = ash_sys3(SYS_sched_getaffinity, 0, sizeof mask, (long)mask);
    unsigned n_cpus = 0;
    for (long i = 0; i * (long)sizeof mask[0] < n_bytes; i++)
        n_cpus += (unsigned)__builtin_popcountll(mask[i]);
    return n_cpus ? n_cpus : 1;
}

uint32_t ash_os_thread_id(void)
{
    return (uint32_t)ash_sys3(SYS_gettid, 0, 0, 0);
}

uint32_t ash_os_process_id(void)
{
    return (uint32_t)ash_sys3(SYS_getpid, 0, 0, 0);
}

void ash_os_wait(_Atomic uint32_t *word, uint32_t seen, unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)ash_sys6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, (long)seen, (long)&time, 0, 0);
}

void ash_os_wake(_Atomic uint32_t *word, int n)
{
    (void)ash_sys3(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, n);
}

void ash_os_yield(void)
{
    (void)ash_sys3(SYS_sched_yield, 0, 0, 0);
}
