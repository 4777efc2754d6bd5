/* blocks.h: the live blocks of a replay, and the marks in their memory.
 *
 *     first word   one word in each OS page between   last word
 *     ┌────────┬───────────────┬─────────────────────┬────────┐     mark = number of the block,
 *     │  mark  │ …     mark    │ …           mark    │  mark  │            and its slot
 *     └────────┴───────────────┴─────────────────────┴────────┘
 *
 * Marks touch what a program would touch (LR3), and a mark that is gone names who took its place.
 * They are checked when the block dies or moves and at the end. An overlap is found earlier, at the
 * second block's birth (ground.h). The table never calls malloc and
 * lies in shared pages, so that it can stand beside a foreign allocator without being counted.
 */
#ifndef ASH_LAB_BLOCKS_H
#define ASH_LAB_BLOCKS_H

#include "lab/ground.h"

#define ASH_LAB_PAGE ((size_t)4096)
#define ASH_LAB_WHY_MAX 240

struct ash_lab_block {
    uint8_t *at;     /* NULL: refused */
    uint64_t number; /* 0: nothing lives in the slot */
    size_t size, usable, align;
    uint64_t born_entry, born_bytes; /* entry, and bytes allocated before it */
    uint32_t stack, thread;
    bool is_marked;
};

struct ash_lab_blocks {
    struct ash_lab_block *slots;
    size_t n_slots;
    struct ash_lab_ground ground;
    uint64_t n_live, live_bytes, oracle_bytes, usable_bytes; /* of blocks that were not refused */
};

/* false: no memory. */
bool ash_lab_blocks_init(struct ash_lab_blocks *blocks, size_t n_slots);
void ash_lab_blocks_end(struct ash_lab_blocks *blocks);
/* Adds a block to the sums and takes its ground. false: another live block lies there; ret_why
 * names both. at NULL: nothing. */
bool ash_lab_blocks_enter(struct ash_lab_blocks *blocks, size_t slot,
                          char ret_why[ASH_LAB_WHY_MAX]);
/* Takes it out again. */
void ash_lab_blocks_leave(struct ash_lab_blocks *blocks, size_t slot);
/* Writes the marks. */
void ash_lab_blocks_mark(struct ash_lab_blocks *blocks, size_t slot);
/* Are the marks that lie whole in the first `size` bytes intact? false: ret_why says where not,
 * and whose mark is there. */
bool ash_lab_blocks_verify(const struct ash_lab_blocks *blocks, size_t slot, size_t size,
                           char ret_why[ASH_LAB_WHY_MAX]);

#endif
