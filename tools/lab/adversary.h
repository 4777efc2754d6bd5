/* adversary.h: an attacker in place of a trace: it looks at the addresses a contender chose, and
 * frees what leaves most holes behind.
 *
 *     fill with units   ████████████████            M units at most are live, blocks up to n units
 *     i = 1             █ █ █ █ █ █ █ █  + ██ ██    free who covers no f + j 2^i, fill with 2^i
 *     i = 2             █   █   █   █    + ████ …   f is kept or moves by 2^(i-1), whichever keeps
 *                                                   blocks that waste more
 *
 * robson   J. M. Robson, "Bounds for some functions concerning dynamic storage allocation", JACM
 *          1974: against any allocator that does not move blocks. As the theory is quoted in
 *          SQLite's memsys5, no such allocator does with less than M (1 + log2(n) / 2) - n + 1.
 * knuth    the attack on buddies of The Art of Computer Programming 2.5, exercise 41: f stays 0,
 *          and of each size M / 2^(k+1) blocks are taken.
 *
 * A block of k units is asked for as k * unit - 8 bytes, so that a header of 8 bytes is not the
 * reason for what is seen. Addresses count from the first block.
 */
#ifndef ASH_LAB_ADVERSARY_H
#define ASH_LAB_ADVERSARY_H

#include "lab/blocks.h"
#include "lab/source.h"

enum ash_lab_adversary_kind { ASH_LAB_ADVERSARY_NONE, ASH_LAB_ROBSON, ASH_LAB_KNUTH };

struct ash_lab_attack {
    uint32_t kind;      /* enum ash_lab_adversary_kind */
    uint32_t log_block; /* n = 2^log_block units */
    uint64_t n_units;   /* M */
    uint64_t unit_bytes;
};

struct ash_lab_adversary {
    struct ash_lab_attack attack;
    const struct ash_lab_blocks *blocks; /* the player's: what the contender did */
    uint32_t *spare;                     /* slots that are free, n_units of them at most */
    uint64_t n_spare, n_slots, number, live_units, n_taken;
    uintptr_t base; /* the first block */
    uint64_t f, at; /* at: the slot that freeing is at */
    uint32_t i;
    enum { ASH_LAB_FILLING, ASH_LAB_FREEING } phase;
};

/* "robson" or "knuth", then :live=SIZE:block=SIZE:unit=BYTES. false: ret_error says why. */
bool ash_lab_attack_read(const char *word, struct ash_lab_attack *ret_attack,
                         char ret_error[ASH_LAB_ERROR_MAX]);
/* Bytes that M and n need by Robson's bound. */
uint64_t ash_lab_attack_bound(const struct ash_lab_attack *attack);
/* false: no memory. The memory is never given back: its process ends. */
bool ash_lab_adversary_init(struct ash_lab_adversary *adversary,
                            const struct ash_lab_attack *attack,
                            const struct ash_lab_blocks *blocks);
/* The next entry, as a feed of the player has it: 1 or 0. */
int ash_lab_adversary_next(void *arg, struct ash_lab_entry *ret_entry);

#endif
