/* blocks.c: the live blocks of a replay, and the marks in their memory; see blocks.h. */
#include "lab/blocks.h"
#include "base/base.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

bool ash_lab_blocks_init(struct ash_lab_blocks *blocks, size_t n_slots)
{
    *blocks = (struct ash_lab_blocks){.n_slots = n_slots};
    size_t bytes = (n_slots + 1) * sizeof(*blocks->slots);
    void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    blocks->slots = slots == MAP_FAILED ? NULL : slots;
    return blocks->slots && ash_lab_ground_init(&blocks->ground);
}

void ash_lab_blocks_end(struct ash_lab_blocks *blocks)
{
    munmap(blocks->slots, (blocks->n_slots + 1) * sizeof(*blocks->slots));
    blocks->slots = NULL;
    ash_lab_ground_end(&blocks->ground);
}

static uint64_t mark_of(const struct ash_lab_block *block, size_t slot)
{
    return block->number << 32 | (uint32_t)slot;
}

/* The first place for a mark behind the first word that lies in a page of its own. */
static size_t first_between(const struct ash_lab_block *block)
{
    uintptr_t addr = (uintptr_t)block->at;
    return ash_align_up(addr + 8, ASH_LAB_PAGE) - addr;
}

static size_t last_at(size_t size)
{
    return size >= 16 ? size - 8 : 8;
}

/* "block 7 (100 bytes at 0x…)" */
static int name(char *to, size_t n, const struct ash_lab_block *block)
{
    return snprintf(to, n, "block %llu (%zu bytes at %p)", (unsigned long long)block->number,
                    block->size, (void *)block->at);
}

/* The slot whose live block this mark belongs to, or n_slots. */
static size_t owner_of(const struct ash_lab_blocks *blocks, uint64_t mark)
{
    size_t slot = (uint32_t)mark;
    if (slot >= blocks->n_slots || blocks->slots[slot].number == 0 ||
        mark_of(&blocks->slots[slot], slot) != mark)
        return blocks->n_slots;
    return slot;
}

static bool overlap(const struct ash_lab_block *a, const struct ash_lab_block *b)
{
    return a->at && b->at && a->at < b->at + b->usable && b->at < a->at + a->usable;
}

/* Who lies there already: looked for one by one, for the words of a fault. */
static bool refuse(const struct ash_lab_blocks *blocks, size_t slot, char *ret_why)
{
    int n = name(ret_why, ASH_LAB_WHY_MAX, &blocks->slots[slot]);
    for (size_t other = 0; other < blocks->n_slots; other++)
        if (other != slot && overlap(&blocks->slots[slot], &blocks->slots[other])) {
            n += snprintf(ret_why + n, ASH_LAB_WHY_MAX - (size_t)n, " overlaps ");
            name(ret_why + n, ASH_LAB_WHY_MAX - (size_t)n, &blocks->slots[other]);
            return false;
        }
    snprintf(ret_why + n, ASH_LAB_WHY_MAX - (size_t)n, " lies too far from all others");
    return false;
}

bool ash_lab_blocks_enter(struct ash_lab_blocks *blocks, size_t slot, char ret_why[ASH_LAB_WHY_MAX])
{
    const struct ash_lab_block *block = &blocks->slots[slot];
    if (!block->at)
        return true;
    if (!ash_lab_ground_take(&blocks->ground, (uintptr_t)block->at, block->usable))
        return refuse(blocks, slot, ret_why);
    blocks->n_live++;
    blocks->live_bytes += block->size;
    blocks->oracle_bytes += ash_align_up(block->size, 16);
    blocks->usable_bytes += block->usable;
    return true;
}

void ash_lab_blocks_leave(struct ash_lab_blocks *blocks, size_t slot)
{
    const struct ash_lab_block *block = &blocks->slots[slot];
    if (!block->at)
        return;
    ash_lab_ground_leave(&blocks->ground, (uintptr_t)block->at, block->usable);
    blocks->n_live--;
    blocks->live_bytes -= block->size;
    blocks->oracle_bytes -= ash_align_up(block->size, 16);
    blocks->usable_bytes -= block->usable;
}

void ash_lab_blocks_mark(struct ash_lab_blocks *blocks, size_t slot)
{
    struct ash_lab_block *block = &blocks->slots[slot];
    uint64_t mark = mark_of(block, slot);
    size_t size = block->size, last = last_at(size);
    block->is_marked = true;
    memcpy(block->at, &mark, ash_size_min(8, size));
    for (size_t at = first_between(block); at + 16 <= size; at += ASH_LAB_PAGE)
        memcpy(block->at + at, &mark, 8);
    if (size > 8)
        memcpy(block->at + last, &mark, ash_size_min(8, size - last));
}

static bool lost(const struct ash_lab_blocks *blocks, size_t slot, size_t at, char *ret_why)
{
    const struct ash_lab_block *block = &blocks->slots[slot];
    uint64_t found = 0;
    memcpy(&found, block->at + at, ash_size_min(8, block->size - at));
    int n = name(ret_why, ASH_LAB_WHY_MAX, block);
    char *rest = ret_why + n;
    size_t room = ASH_LAB_WHY_MAX - (size_t)n;
    size_t other = owner_of(blocks, found);
    if (other < blocks->n_slots && other != slot) {
        n = snprintf(rest, room, " was overwritten at byte %zu by ", at);
        name(rest + n, room - (size_t)n, &blocks->slots[other]);
    } else if ((uint32_t)found < blocks->n_slots && found >> 32 && found >> 32 != block->number &&
               found >> 32 < UINT32_MAX / 2) {
        snprintf(rest, room, " was overwritten at byte %zu: there is the mark of block %llu, dead",
                 at, (unsigned long long)(found >> 32));
    } else {
        snprintf(rest, room, " lost its content at byte %zu: there is %#llx", at,
                 (unsigned long long)found);
    }
    return false;
}

bool ash_lab_blocks_verify(const struct ash_lab_blocks *blocks, size_t slot, size_t size,
                           char ret_why[ASH_LAB_WHY_MAX])
{
    const struct ash_lab_block *block = &blocks->slots[slot];
    if (!block->at || !block->is_marked)
        return true;
    uint64_t mark = mark_of(block, slot);
    if (memcmp(block->at, &mark, ash_size_min(8, ash_size_min(size, block->size))) != 0)
        return lost(blocks, slot, 0, ret_why);
    for (size_t at = first_between(block); at + 16 <= block->size && at + 8 <= size;
         at += ASH_LAB_PAGE)
        if (memcmp(block->at + at, &mark, 8) != 0)
            return lost(blocks, slot, at, ret_why);
    size_t last = last_at(block->size);
    if (block->size > 8 && block->size <= size &&
        memcmp(block->at + last, &mark, ash_size_min(8, block->size - last)) != 0)
        return lost(blocks, slot, last, ret_why);
    return true;
}
