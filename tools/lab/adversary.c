/* adversary.c: an attacker in place of a trace; see adversary.h. */
#include "lab/adversary.h"
#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HEADER_BYTES = 8, LOG_BLOCK_MAX = 24 };
#define UNITS_MAX ((uint64_t)1 << 26)

static bool read_bytes(const char *text, uint64_t *ret_x)
{
    char *end;
    uint64_t x = strtoull(text, &end, 10);
    static const char units[] = "KMG";
    const char *unit = *end && *end != ':' ? strchr(units, *end & ~32) : NULL;
    if (unit)
        x <<= 10 * (unit - units + 1), end++;
    *ret_x = x;
    return end != text && text[0] != '-' && (*end == 0 || *end == ':') && x > 0;
}

static bool refuse(char *ret_error, const char *words)
{
    snprintf(ret_error, ASH_LAB_ERROR_MAX, "%s", words);
    return false;
}

bool ash_lab_attack_read(const char *word, struct ash_lab_attack *ret_attack,
                         char ret_error[ASH_LAB_ERROR_MAX])
{
    static const char *const keys[] = {"live=", "block=", "unit="};
    uint64_t sizes[] = {1 << 20, 16 << 10, 64};
    size_t n = strcspn(word, ":");
    bool is_robson = n == 6 && memcmp(word, "robson", n) == 0;
    if (!is_robson && !(n == 5 && memcmp(word, "knuth", n) == 0))
        return refuse(ret_error, "the adversaries are robson and knuth");
    for (const char *at = word + n; *at; at += strcspn(at, ":")) {
        at++;
        size_t i = 0;
        while (i < ASH_COUNT_OF(keys) && strncmp(at, keys[i], strlen(keys[i])) != 0)
            i++;
        if (i == ASH_COUNT_OF(keys) || !read_bytes(at + strlen(keys[i]), &sizes[i]))
            return refuse(ret_error, "an adversary takes live=SIZE, block=SIZE and unit=BYTES");
    }
    if (!ash_is_power_of_two(sizes[2]) || sizes[2] < 32 || !ash_is_power_of_two(sizes[1]) ||
        sizes[1] < sizes[2] || sizes[0] < sizes[1] || sizes[0] / sizes[2] > UNITS_MAX)
        return refuse(ret_error, "unit and block are powers of two, 32 <= unit <= block <= live");
    *ret_attack = (struct ash_lab_attack){
        .kind = is_robson ? ASH_LAB_ROBSON : ASH_LAB_KNUTH,
        .log_block = (uint32_t)__builtin_ctzll(sizes[1] / sizes[2]),
        .n_units = sizes[0] / sizes[2],
        .unit_bytes = sizes[2],
    };
    return ret_attack->log_block <= LOG_BLOCK_MAX ||
           refuse(ret_error, "block is at most 2^24 units");
}

uint64_t ash_lab_attack_bound(const struct ash_lab_attack *attack)
{
    uint64_t m = attack->n_units, n = (uint64_t)1 << attack->log_block;
    return (m + m * attack->log_block / 2 - n + 1) * attack->unit_bytes;
}

bool ash_lab_adversary_init(struct ash_lab_adversary *adversary,
                            const struct ash_lab_attack *attack,
                            const struct ash_lab_blocks *blocks)
{
    void *spare = mmap(NULL, attack->n_units * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *adversary = (struct ash_lab_adversary){.attack = *attack, .blocks = blocks};
    adversary->spare = spare == MAP_FAILED ? NULL : spare;
    return adversary->spare != NULL;
}

/* A live block's place and length in units; false: the slot is empty. */
static bool look(const struct ash_lab_adversary *adversary, uint64_t slot, uint64_t *ret_place,
                 uint64_t *ret_units)
{
    const struct ash_lab_block *block = &adversary->blocks->slots[slot];
    if (!block->at)
        return false;
    *ret_place = ((uintptr_t)block->at - adversary->base) / adversary->attack.unit_bytes;
    *ret_units = (block->size + HEADER_BYTES) / adversary->attack.unit_bytes;
    return true;
}

/* Does it cover an address f + j 2^i? */
static bool covers(uint64_t place, uint64_t units, uint64_t f, uint32_t i)
{
    uint64_t mask = ((uint64_t)1 << i) - 1;
    return ((f - place) & mask) < units;
}

/* What the blocks that a choice of f keeps leave unused of 2^i each. */
static uint64_t waste_of(const struct ash_lab_adversary *adversary, uint64_t f)
{
    uint64_t waste = 0, place, units;
    for (uint64_t slot = 0; slot < adversary->n_slots; slot++)
        if (look(adversary, slot, &place, &units) && covers(place, units, f, adversary->i) &&
            units >> adversary->i == 0)
            waste += ((uint64_t)1 << adversary->i) - units;
    return waste;
}

static void begin_round(struct ash_lab_adversary *adversary)
{
    adversary->i++;
    adversary->phase = ASH_LAB_FREEING;
    adversary->at = 0;
    uint64_t other = adversary->f + ((uint64_t)1 << (adversary->i - 1));
    if (adversary->attack.kind == ASH_LAB_ROBSON &&
        waste_of(adversary, other) > waste_of(adversary, adversary->f))
        adversary->f = other;
}

static bool may_take(const struct ash_lab_adversary *adversary)
{
    const struct ash_lab_attack *attack = &adversary->attack;
    uint64_t units = (uint64_t)1 << adversary->i;
    bool fits = adversary->live_units + units <= attack->n_units;
    if (attack->kind == ASH_LAB_KNUTH && adversary->i > 0)
        return fits && adversary->n_taken < attack->n_units >> (adversary->i + 1);
    return fits;
}

static int take(struct ash_lab_adversary *adversary, struct ash_lab_entry *ret_entry)
{
    uint64_t units = (uint64_t)1 << adversary->i;
    bool is_reused = adversary->n_spare > 0;
    uint64_t slot = is_reused ? adversary->spare[--adversary->n_spare] : adversary->n_slots++;
    *ret_entry = (struct ash_lab_entry){.op = ASH_LAB_OP_MALLOC,
                                        .slot = (uint32_t)slot,
                                        .number = ++adversary->number,
                                        .size = units * adversary->attack.unit_bytes - HEADER_BYTES,
                                        .align = 16};
    adversary->live_units += units;
    adversary->n_taken++;
    return 1;
}

/* The next block that covers no chosen address; 0: none is left. */
static int give(struct ash_lab_adversary *adversary, struct ash_lab_entry *ret_entry)
{
    uint64_t place, units;
    while (adversary->at < adversary->n_slots) {
        uint64_t slot = adversary->at++;
        if (!look(adversary, slot, &place, &units) ||
            covers(place, units, adversary->f, adversary->i))
            continue;
        *ret_entry = (struct ash_lab_entry){.op = ASH_LAB_OP_FREE, .slot = (uint32_t)slot};
        adversary->spare[adversary->n_spare++] = (uint32_t)slot;
        adversary->live_units -= units;
        return 1;
    }
    return 0;
}

int ash_lab_adversary_next(void *arg, struct ash_lab_entry *ret_entry)
{
    struct ash_lab_adversary *adversary = arg;
    if (adversary->base == 0 && adversary->n_slots > 0)
        adversary->base = (uintptr_t)adversary->blocks->slots[0].at;
    for (;;) {
        if (adversary->phase == ASH_LAB_FREEING) {
            if (give(adversary, ret_entry))
                break;
            adversary->phase = ASH_LAB_FILLING;
            adversary->n_taken = 0;
        }
        if (may_take(adversary)) {
            take(adversary, ret_entry);
            break;
        }
        if (adversary->i == adversary->attack.log_block)
            return 0;
        begin_round(adversary);
    }
    ret_entry->ns = adversary->number;
    return 1;
}
