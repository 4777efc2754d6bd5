/* memory.h: the driver's side of the pages that strategies live on (lab.h is the strategy's side).
 *
 * Everything a strategy maps lies in one reserved window at a fixed base, so equal calls give
 * equal addresses (LC10). The driver sets time and thread, reads the counters, and can refuse.
 *
 * Threads   One memory belongs to one thread at a time; in the shim, to the holder of its lock.
 */
#ifndef ASH_LAB_MEMORY_H
#define ASH_LAB_MEMORY_H

#include "lab/lab.h"

struct ash_lab_param {
    const char *key, *value;
};

struct ash_lab_memory_options {
    const struct ash_lab_param *params; /* ends with key NULL; outlives the memory */
    size_t window_bytes;                /* address space; 0: 64 GiB */
    size_t limit_bytes;                 /* mapped at most; 0: no limit (LC13) */
    unsigned n_cpus;
    bool real_time;  /* ash_lab_now is CLOCK_MONOTONIC */
    bool huge_pages; /* else MADV_NOHUGEPAGE, so that counts are page-exact (LR1) */
};

struct ash_lab_memory_count {
    uint64_t mapped_bytes, mapped_peak_bytes;
    uint64_t n_map, n_unmap, n_extend, n_purge, n_refused;
    uint64_t n_steps;
    uint64_t n_locked, n_waited; /* locks taken; of these, after another thread in between */
    uint64_t aside_bytes;
};

/* NULL: no address space. */
struct ash_lab_memory *ash_lab_memory_new(const struct ash_lab_memory_options *options);
/* Gives all of it back; a next memory begins at the same base again. For tests: a process that
 * serves one strategy simply ends. */
void ash_lab_memory_end(struct ash_lab_memory *memory);
void ash_lab_memory_set_now(struct ash_lab_memory *memory, uint64_t ns);
/* Whose word ash_lab_slot returns. The driver owns the word. */
void ash_lab_memory_set_thread(struct ash_lab_memory *memory, unsigned thread, void **slot);
/* n more calls to map and extend are served, the one after them is refused; UINT64_MAX: none. */
void ash_lab_memory_refuse_after(struct ash_lab_memory *memory, uint64_t n);
/* As limit_bytes, from now on. */
void ash_lab_memory_set_limit(struct ash_lab_memory *memory, size_t limit_bytes);
const struct ash_lab_memory_count *ash_lab_memory_count(const struct ash_lab_memory *memory);
/* Does the address lie in the window, mapped or not? */
bool ash_lab_memory_owns(const struct ash_lab_memory *memory, uintptr_t addr);
/* Resident bytes of everything mapped (mincore). */
size_t ash_lab_memory_resident(const struct ash_lab_memory *memory);
/* Calls visit for each mapping, ascending. */
typedef void ash_lab_visit_mapping(void *arg, uintptr_t start, size_t size);
void ash_lab_memory_each(const struct ash_lab_memory *memory, ash_lab_visit_mapping *visit,
                         void *arg);

#endif
