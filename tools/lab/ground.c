/* ground.c: which 8-byte units a live block lies on; see ground.h. */
#include "lab/ground.h"
#include "base/base.h"
#include <sys/mman.h>

#define REGION_BYTES ((uintptr_t)1 << 20)
#define UNIT ((uintptr_t)8)
#define REGION_WORDS (REGION_BYTES / UNIT / 64)
#define REGIONS_MAX ((size_t)1 << 20) /* of address space with blocks: 1 TiB, or half in use */

struct ash_lab_region {
    uint64_t number; /* address / 1 MiB + 1; 0: the row is empty */
};

enum stroke { LOOK, SET, CLEAR };

static void *shared(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

bool ash_lab_ground_init(struct ash_lab_ground *ground)
{
    ground->n_regions = 0;
    ground->regions = shared(REGIONS_MAX * sizeof(*ground->regions));
    ground->bits = shared(REGIONS_MAX * REGION_WORDS * sizeof(uint64_t));
    return ground->regions && ground->bits;
}

void ash_lab_ground_end(struct ash_lab_ground *ground)
{
    munmap(ground->regions, REGIONS_MAX * sizeof(*ground->regions));
    munmap(ground->bits, REGIONS_MAX * REGION_WORDS * sizeof(uint64_t));
}

/* The bits of the region; NULL: too many regions. */
static uint64_t *region_of(struct ash_lab_ground *ground, uintptr_t at)
{
    uint64_t number = at / REGION_BYTES + 1;
    size_t i = (size_t)(number * 0x9e3779b97f4a7c15u >> 40) & (REGIONS_MAX - 1);
    while (ground->regions[i].number && ground->regions[i].number != number)
        i = (i + 1) & (REGIONS_MAX - 1);
    if (!ground->regions[i].number) {
        if (ground->n_regions == REGIONS_MAX / 2)
            return NULL;
        ground->n_regions++;
        ground->regions[i].number = number;
    }
    return ground->bits + i * REGION_WORDS;
}

/* One stroke over units [first, end) of a region. false: LOOK found one. */
static bool stroke_region(uint64_t *bits, size_t first, size_t end, enum stroke stroke)
{
    while (first < end) {
        size_t n = ash_size_min(64 - first % 64, end - first);
        uint64_t mask = (n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1) << first % 64;
        uint64_t *word = &bits[first / 64];
        if (stroke == LOOK && *word & mask)
            return false;
        if (stroke == SET)
            *word |= mask;
        if (stroke == CLEAR)
            *word &= ~mask;
        first += n;
    }
    return true;
}

static bool stroke_all(struct ash_lab_ground *ground, uintptr_t at, size_t size, enum stroke stroke)
{
    uintptr_t end = ash_align_up(at + size, UNIT);
    while (at < end) {
        uintptr_t start = ash_align_down(at, REGION_BYTES);
        uintptr_t to = ash_size_min(start + REGION_BYTES, end);
        uint64_t *bits = region_of(ground, at);
        if (!bits || !stroke_region(bits, (at - start) / UNIT, (to - start) / UNIT, stroke))
            return false;
        at = to;
    }
    return true;
}

bool ash_lab_ground_take(struct ash_lab_ground *ground, uintptr_t at, size_t size)
{
    return stroke_all(ground, at, size, LOOK) && stroke_all(ground, at, size, SET);
}

void ash_lab_ground_leave(struct ash_lab_ground *ground, uintptr_t at, size_t size)
{
    stroke_all(ground, at, size, CLEAR);
}
