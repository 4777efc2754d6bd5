/* player.h: plays the entries of a trace to whoever serves them, and watches what comes back.
 *
 *   feed ── entry ──▶ player ── alloc, resize, free ──▶ target: a strategy (inside.c) or a
 *                       │                                       foreign malloc (outside.c)
 *                       └── samples, lives, steps, faults ──▶ channel
 *
 * LR3   Blocks are marked when born and looked at when they die or move and at the end (blocks.h).
 * LR5   The first fault ends the replay of this contender; it is told with the entry's number.
 *
 * Nothing here calls malloc: outside, malloc is the contender.
 */
#ifndef ASH_LAB_PLAYER_H
#define ASH_LAB_PLAYER_H

#include "lab/adversary.h"
#include "lab/channel.h"
#include "lab/picture.h"

/* What a contender's process is asked to do. */
struct ash_lab_order {
    uint64_t n_entries; /* of the trace; 0: not known */
    uint64_t n_slots, n_threads;
    uint64_t every;       /* entries between two samples */
    uint64_t check_every; /* entries between two calls of check; 0: only with a sample */
    uint64_t live_max, block_max;
    uint64_t limit_bytes, seed;
    uint32_t n_cpus;
    bool has_limit, has_seed, huge_pages, lazy_calloc, verify, plain, by_site;
    bool wants_lives, wants_steps, wants_picture;
    struct ash_lab_attack attack; /* kind NONE: the file is replayed */
    double pace;                  /* 1: the recorded speed; 0: as fast as it goes */
};

struct ash_lab_feed {
    int (*next)(void *arg, struct ash_lab_entry *ret_entry); /* 1, 0, -1 */
    void *arg;
};

struct ash_lab_player;

/* Who serves the calls. Blocks handed over are live and not NULL. */
struct ash_lab_target {
    /* Before each entry: takes its thread and time; a thread comes with CAME or its first entry. */
    void (*turn)(struct ash_lab_target *target, const struct ash_lab_entry *entry);
    void *(*alloc)(struct ash_lab_target *target, const struct ash_lab_entry *entry);
    /* NULL: no cheaper way than a copy; where is_final: refused. */
    void *(*resize)(struct ash_lab_target *target, void *at, const struct ash_lab_entry *entry);
    void (*free)(struct ash_lab_target *target, void *at);
    size_t (*usable)(struct ash_lab_target *target, void *at);
    uint64_t (*mapped)(struct ash_lab_target *target); /* cheap; 0: not known */
    bool (*sample)(struct ash_lab_target *target, struct ash_lab_player *player,
                   struct ash_lab_sample *ret_sample, char ret_why[ASH_LAB_WHY_MAX]);
    /* false: an invariant is broken. */
    bool (*check)(struct ash_lab_target *target);
    /* Optional: says the step that was just made. */
    void (*tell_step)(struct ash_lab_target *target, const struct ash_lab_player *player,
                      const struct ash_lab_entry *entry);
    bool is_final;
    size_t small_align; /* of blocks below 16 bytes; C asks no more of them than 8 */
};

struct ash_lab_player {
    const struct ash_lab_order *order;
    struct ash_lab_target *target;
    struct ash_lab_progress *progress;
    int fd;
    struct ash_lab_blocks blocks;
    uint64_t entry_i, ns, allocated_bytes;
    uint64_t live_mark, mapped_mark, next_sample, next_check;
    bool has_fault;
    struct ash_lab_end end;
    uint64_t window_births; /* of the spread (LA5) */
    uint8_t window_lines[1 << 13], window_pages[1 << 13];
};

/* Plays until the end or the first fault, and tells the end. The player lies in shared or static
 * pages; its order, target, progress and fd are set. false: a fault was told. */
bool ash_lab_play(struct ash_lab_player *player, const struct ash_lab_feed *feed);
/* Tells a fault. */
void ash_lab_player_fault(struct ash_lab_player *player, enum ash_lab_fault_kind kind,
                          const char *words);

#endif
