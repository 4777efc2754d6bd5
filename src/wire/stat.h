/* stat.h: the statistics, as one table: names, units, help. The library prints it about itself,
 * the command about another process; text, JSON and Prometheus have the same names.
 *
 *   X(name, unit, kind, help)    unit BYTES or COUNT, kind COUNTER (since start) or GAUGE (now)
 *
 * Threads   Constant.
 */
#ifndef ASH_WIRE_STAT_H
#define ASH_WIRE_STAT_H

#include "base/base.h"

#define ASH_STATS(X)                                                                               \
    X(malloc_count, COUNT, COUNTER, "blocks handed out")                                           \
    X(free_count, COUNT, COUNTER, "blocks given back")                                             \
    X(remote_free_count, COUNT, COUNTER, "blocks that other threads freed and sent home")          \
    X(live_blocks, COUNT, GAUGE, "blocks the program has")                                         \
    X(live_bytes, BYTES, GAUGE, "bytes of these blocks")                                           \
    X(mapped_bytes, BYTES, GAUGE, "address space of regions and huge objects")                     \
    X(committed_bytes, BYTES, GAUGE, "of it, what may be resident")                                \
    X(peak_committed_bytes, BYTES, GAUGE, "the most that was committed")                           \
    X(dirty_bytes, BYTES, GAUGE, "of committed, free and kept for reuse")                          \
    X(purged_bytes, BYTES, COUNTER, "memory given back to the system")                             \
    X(purge_count, COUNT, COUNTER, "times memory was given back")                                  \
    X(region_count, COUNT, GAUGE, "regions")                                                       \
    X(page_count, COUNT, GAUGE, "pages of blocks")                                                 \
    X(large_count, COUNT, GAUGE, "objects above 64 KiB")                                           \
    X(large_bytes, BYTES, GAUGE, "bytes of these objects")                                         \
    X(huge_count, COUNT, GAUGE, "objects with a mapping of their own")                             \
    X(huge_bytes, BYTES, GAUGE, "bytes of these objects")                                          \
    X(huge_page_bytes, BYTES, GAUGE, "memory that asked for huge pages")                           \
    X(thread_count, COUNT, GAUGE, "threads with a heap of their own")                              \
    X(orphan_count, COUNT, GAUGE, "heaps of ended threads")                                        \
    X(starter_bytes, BYTES, GAUGE, "pages of starter heaps")                                       \
    X(retained_bytes, BYTES, GAUGE, "empty pages kept by heaps")                                   \
    X(blocked_bytes, BYTES, GAUGE, "free memory in pages of other running threads")                \
    X(misuse_count, COUNT, COUNTER, "mistakes of the program that were seen")                      \
    X(fail_count, COUNT, COUNTER, "requests refused")                                              \
    X(fail_injected_count, COUNT, COUNTER, "system calls refused on purpose")                      \
    X(limit_bytes, BYTES, GAUGE, "limit on committed memory, 0 for none")

struct ash_stat_values {
#define X(name, unit, kind, help) uint64_t name;
    ASH_STATS(X)
#undef X
};

struct ash_stat {
    char name[24], help[56]; /* no pointers: each is a relocation, which every start reads */
    bool is_bytes;
    bool is_counter;
};

#define ASH_STAT_N (sizeof(struct ash_stat_values) / sizeof(uint64_t))

/* Rows in the order of struct ash_stat_values. */
extern const struct ash_stat ash_stat_table[ASH_STAT_N];

enum ash_stat_form { ASH_STAT_TEXT, ASH_STAT_JSON, ASH_STAT_PROMETHEUS };

/* Whose numbers they are. */
struct ash_stat_source {
    const char *version; /* of the library */
    const char *command;
    uint32_t pid;
};

/* Takes n bytes of text; called in order. */
typedef void ash_stat_sink(void *arg, const char *text, size_t n);

/* Writes the table in one of its forms. Allocates nothing. */
void ash_stat_write(enum ash_stat_form form, const struct ash_stat_source *source,
                    const struct ash_stat_values *values, ash_stat_sink *sink, void *arg);

#endif
