/* anchor.c: a process whose anchor and memory are any bytes; its reader must end, and stay inside.
 *
 * The tape: a byte says how many fields of the library's own anchor are overwritten (offset, two
 * bytes; value, four), the rest is the memory of the process, over and over. Reads fail from the
 * 20,000th on, as when the process has ended, and at addresses of some windows.
 */
#include "fuzz.h"
#include "live/live.h"
#include <stdlib.h>
#include <string.h>

#define READS_MAX 20000u
#define OVERWRITTEN_MAX 16u

extern struct ash_anchor ashlar_anchor; /* src/api/anchor.c */

static const uint8_t *memory;
static size_t memory_n;
static unsigned n_reads;

/* In place of tools/live/process.c, which reads a real process. */
bool ash_live_read(const struct ash_live *live, uint64_t addr, void *ret_bytes, size_t n)
{
    (void)live;
    if (++n_reads > READS_MAX || (addr >> 40 & 3) == 3)
        return false;
    uint8_t *to = ret_bytes;
    for (size_t done = 0; done < n;) {
        size_t from = memory_n ? (size_t)((addr + done) % memory_n) : 0;
        size_t part = memory_n ? memory_n - from : n;
        part = part < n - done ? part : n - done;
        if (memory_n)
            memcpy(to + done, memory + from, part);
        else
            memset(to + done, 0, part);
        done += part;
    }
    return true;
}

static bool is_printable(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0')
            return true;
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return false; /* it does not end */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct ash_anchor anchor = ashlar_anchor;
    uint64_t addr = (uint64_t)(uintptr_t)&ashlar_anchor;
    anchor.self = addr;
    size_t at = n ? 1 : 0;
    unsigned n_overwritten = n ? bytes[0] % OVERWRITTEN_MAX : 0;
    for (; n_overwritten > 0 && at + 6 <= n; n_overwritten--, at += 6) {
        uint16_t offset;
        memcpy(&offset, bytes + at, 2);
        memcpy((char *)&anchor + offset % (sizeof anchor - 3), bytes + at + 2, 4);
    }
    memory = bytes + at;
    memory_n = n - at;
    n_reads = 0;

    /* Read as short as it may come, from memory that ends there. */
    size_t n_read = memory_n && memory[0] == 7 ? memory_n % sizeof anchor : sizeof anchor;
    void *copy = malloc(n_read + 1);
    if (!copy)
        return 0;
    memcpy(copy, &anchor, n_read);
    struct ash_live live;
    memset(&live, 0, sizeof live);
    enum ash_anchor_fault fault = ash_anchor_judge(copy, n_read, addr, &live.anchor);
    free(copy);
    if (fault == ASH_ANCHOR_GOOD || fault == ASH_ANCHOR_LAYOUT_OTHER)
        if (!is_printable(live.anchor.version, sizeof live.anchor.version) ||
            !is_printable(live.anchor.options, sizeof live.anchor.options))
            abort();
    if (fault == ASH_ANCHOR_GOOD) {
        struct ash_stat_values values;
        (void)ash_live_stats(&live, &values);
    }
    return 0;
}
