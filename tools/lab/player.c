/* player.c: plays the entries of a trace and watches what comes back; see player.h. */
#include "lab/player.h"
#include "base/base.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MARK_FIRST_BYTES = 1 << 16, SPREAD_BIRTHS = 1000 };
#define LAZY_BYTES ((size_t)128 << 10)

void ash_lab_player_fault(struct ash_lab_player *player, enum ash_lab_fault_kind kind,
                          const char *words)
{
    struct ash_lab_fault fault = {.kind = kind, .entry = player->entry_i};
    snprintf(fault.words, sizeof(fault.words), "%s", words);
    player->has_fault = true;
    ash_lab_tell(player->fd, ASH_LAB_FAULT, &fault, sizeof(fault));
}

static void broken(struct ash_lab_player *player, const char *words)
{
    ash_lab_player_fault(player, ASH_LAB_FAULT_BROKEN, words);
}

/* --- lives --- */

static void tell_life(struct ash_lab_player *player, const struct ash_lab_block *block,
                      uint64_t died)
{
    if (!player->order->wants_lives || !block->at)
        return;
    struct ash_lab_rect rect = {.addr = (uintptr_t)block->at,
                                .size = block->size,
                                .born = block->born_entry,
                                .died = died,
                                .number = block->number,
                                .stack = block->stack,
                                .thread = block->thread};
    ash_lab_tell(player->fd, ASH_LAB_RECT, &rect, sizeof(rect));
}

static void note_bits(uint8_t *bits, uintptr_t unit)
{
    size_t i = (size_t)(unit * 0x9e3779b97f4a7c15u >> 48);
    bits[i / 8] |= (uint8_t)(1 << (i % 8));
}

static uint64_t count_bits(uint8_t *bits)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 1 << 13; i++)
        n += (unsigned)__builtin_popcount(bits[i]);
    memset(bits, 0, 1 << 13);
    return n;
}

/* Distinct lines and pages in which 1000 consecutive births begin, by a table of bits: a few of
 * 65536 collide. */
static void note_spread(struct ash_lab_player *player, const struct ash_lab_block *block)
{
    note_bits(player->window_lines, (uintptr_t)block->at / 64);
    note_bits(player->window_pages, (uintptr_t)block->at / ASH_LAB_PAGE);
    if (++player->window_births < SPREAD_BIRTHS)
        return;
    player->window_births = 0;
    player->end.n_spreads++;
    player->end.lines_touched += count_bits(player->window_lines);
    player->end.pages_touched += count_bits(player->window_pages);
}

/* Takes what the target gave into the table: looks at it, marks it. false: a fault. */
static bool move_in(struct ash_lab_player *player, const struct ash_lab_entry *entry, void *at)
{
    struct ash_lab_block *block = &player->blocks.slots[entry->slot];
    char why[ASH_LAB_WHY_MAX];
    block->at = at;
    block->size = entry->size;
    block->align = entry->op == ASH_LAB_OP_REALLOC ? 16 : entry->align;
    block->number = entry->number;
    block->stack = entry->stack;
    block->thread = entry->thread;
    block->born_entry = player->entry_i;
    block->born_bytes = player->allocated_bytes;
    block->is_marked = false;
    player->allocated_bytes += entry->size;
    if (!at) {
        player->end.n_refused++;
        return true;
    }
    bool is_small = block->size < 16 && block->align == 16;
    size_t align = is_small ? player->target->small_align : block->align;
    if ((uintptr_t)at % align != 0) {
        snprintf(why, sizeof(why), "block %llu (%zu bytes) is at %p, which is no multiple of %zu",
                 (unsigned long long)block->number, block->size, at, align);
        return broken(player, why), false;
    }
    block->usable = player->target->usable(player->target, at);
    if (block->usable < block->size) {
        snprintf(why, sizeof(why), "block %llu has %zu usable bytes of %zu asked for",
                 (unsigned long long)block->number, block->usable, block->size);
        return broken(player, why), false;
    }
    bool is_lazy =
        entry->op == ASH_LAB_OP_CALLOC && player->order->lazy_calloc && entry->size >= LAZY_BYTES;
    if (!ash_lab_blocks_enter(&player->blocks, entry->slot, why))
        return broken(player, why), false;
    if (!is_lazy)
        ash_lab_blocks_mark(&player->blocks, entry->slot);
    unsigned class_i = ash_lab_size_class(entry->size);
    player->end.sizes[class_i].n++;
    player->end.sizes[class_i].asked += entry->size;
    player->end.sizes[class_i].usable += block->usable;
    note_spread(player, block);
    return true;
}

/* Looks at the block a last time (of what will be kept) and takes it out of the sums. */
static bool move_out(struct ash_lab_player *player, uint32_t slot)
{
    char why[ASH_LAB_WHY_MAX];
    struct ash_lab_block *block = &player->blocks.slots[slot];
    if (!ash_lab_blocks_verify(&player->blocks, slot, block->size, why))
        return broken(player, why), false;
    size_t usable = block->at ? player->target->usable(player->target, block->at) : 0;
    if (block->at && usable != block->usable) {
        snprintf(why, sizeof(why), "block %llu had %zu usable bytes at birth and has %zu (LC5)",
                 (unsigned long long)block->number, block->usable, usable);
        return broken(player, why), false;
    }
    ash_lab_blocks_leave(&player->blocks, slot);
    tell_life(player, block, player->entry_i);
    return true;
}

/* --- calls --- */

static bool do_birth(struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    return move_in(player, entry, player->target->alloc(player->target, entry));
}

static bool do_death(struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    struct ash_lab_block *block = &player->blocks.slots[entry->slot];
    if (!move_out(player, entry->slot))
        return false;
    void *at = block->at;
    *block = (struct ash_lab_block){.at = NULL};
    if (at)
        player->target->free(player->target, at);
    return true;
}

/* Are the marks of the first `kept` bytes, which lay at the old place, at the new one? */
static bool is_kept(struct ash_lab_player *player, uint32_t slot, void *at, size_t kept)
{
    char why[ASH_LAB_WHY_MAX];
    player->blocks.slots[slot].at = at;
    if (ash_lab_blocks_verify(&player->blocks, slot, kept, why))
        return true;
    return broken(player, why), false;
}

static bool do_resize(struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    struct ash_lab_target *target = player->target;
    struct ash_lab_block *block = &player->blocks.slots[entry->slot];
    if (!block->at) /* was refused */
        return do_birth(player, entry);
    if (!move_out(player, entry->slot))
        return false;
    uint8_t *old = block->at;
    void *at = target->resize(target, old, entry);
    if (at) {
        player->end.n_resized++;
        bool same_pages = ((uintptr_t)at ^ (uintptr_t)old) % ASH_LAB_PAGE == 0;
        size_t kept = ash_size_min(block->size, entry->size);
        if (!is_kept(player, entry->slot, at, same_pages ? kept : ash_size_min(kept, 8)))
            return false;
        return move_in(player, entry, at);
    }
    if (!target->is_final)
        at = target->alloc(target, entry);
    if (!at) { /* refused: the old block stays what it was */
        player->end.n_refused++;
        char why[ASH_LAB_WHY_MAX];
        return ash_lab_blocks_enter(&player->blocks, entry->slot, why);
    }
    /* The copy: what was touched there is touched here, by the marks. */
    player->end.n_copied++;
    if ((uint8_t *)at < old + block->usable && old < (uint8_t *)at + entry->size)
        return broken(player, "the new block of a realloc overlaps the old one"), false;
    *block = (struct ash_lab_block){.at = NULL};
    if (!move_in(player, entry, at))
        return false;
    target->free(target, old);
    return true;
}

static bool do_entry(struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    player->target->turn(player->target, entry);
    switch (entry->op) {
    case ASH_LAB_OP_MALLOC:
    case ASH_LAB_OP_CALLOC:
    case ASH_LAB_OP_ALIGNED:
        return do_birth(player, entry);
    case ASH_LAB_OP_REALLOC:
        return do_resize(player, entry);
    case ASH_LAB_OP_FREE:
        return do_death(player, entry);
    case ASH_LAB_OP_CAME:
    case ASH_LAB_OP_WENT:
        return true;
    }
    return true;
}

/* --- watching --- */

static bool take_sample(struct ash_lab_player *player)
{
    char why[ASH_LAB_WHY_MAX];
    struct ash_lab_sample sample = {
        .entry = player->entry_i, .ns = player->ns, .allocated_bytes = player->allocated_bytes};
    player->next_sample = player->entry_i + player->order->every;
    if (!player->target->sample(player->target, player, &sample, why))
        return broken(player, why), false;
    return ash_lab_tell(player->fd, ASH_LAB_SAMPLE, &sample, sizeof(sample));
}

/* A maximum that is 1 % above the last one that was looked at. */
static bool rises(uint64_t value, uint64_t *mark)
{
    if (value <= *mark + *mark / 100)
        return false;
    *mark = value;
    return true;
}

static bool watch(struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    bool due = player->entry_i >= player->next_sample;
    due |= rises(player->blocks.live_bytes, &player->live_mark);
    due |= rises(player->target->mapped(player->target), &player->mapped_mark);
    if (player->target->tell_step)
        player->target->tell_step(player->target, player, entry);
    uint64_t check_every = player->order->check_every;
    bool is_check_due = check_every ? player->entry_i >= player->next_check : due;
    if (player->order->verify || is_check_due) {
        player->next_check = player->entry_i + check_every;
        if (!player->target->check(player->target))
            return broken(player, "check says that an invariant is broken (LC8)"), false;
    }
    return !due || take_sample(player);
}

static bool verify_all(struct ash_lab_player *player)
{
    char why[ASH_LAB_WHY_MAX];
    for (uint32_t slot = 0; slot < player->blocks.n_slots; slot++) {
        const struct ash_lab_block *block = &player->blocks.slots[slot];
        if (block->number == 0)
            continue;
        if (!ash_lab_blocks_verify(&player->blocks, slot, block->size, why))
            return broken(player, why), false;
        tell_life(player, block, 0);
    }
    return true;
}

static void wait_for(const struct ash_lab_player *player, const struct timespec *start, uint64_t ns)
{
    if (player->order->pace <= 0)
        return;
    uint64_t at = (uint64_t)((double)ns / player->order->pace) + (uint64_t)start->tv_nsec;
    struct timespec until = {start->tv_sec + (time_t)(at / 1000000000), (long)(at % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool is_sane(const struct ash_lab_player *player, const struct ash_lab_entry *entry)
{
    return entry->thread < player->order->n_threads &&
           (entry->op >= ASH_LAB_OP_CAME || entry->slot < player->blocks.n_slots);
}

bool ash_lab_play(struct ash_lab_player *player, const struct ash_lab_feed *feed)
{
    struct ash_lab_entry entry;
    struct timespec start;
    int got;
    if (!ash_lab_blocks_init(&player->blocks, player->order->n_slots)) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, "no memory for the table of blocks");
        return false;
    }
    player->live_mark = player->mapped_mark = MARK_FIRST_BYTES;
    player->next_sample = player->order->every;
    player->next_check = player->order->check_every;
    clock_gettime(CLOCK_MONOTONIC, &start);
    bool ok = true;
    while (ok && (got = feed->next(feed->arg, &entry)) == 1) {
        player->entry_i++;
        if (!is_sane(player, &entry)) {
            got = -1;
            break;
        }
        wait_for(player, &start, entry.ns);
        player->ns = entry.ns;
        atomic_store_explicit(&player->progress->op, entry.op, memory_order_relaxed);
        atomic_store_explicit(&player->progress->size, entry.size, memory_order_relaxed);
        atomic_store_explicit(&player->progress->entry, player->entry_i, memory_order_relaxed);
        ok = do_entry(player, &entry) && watch(player, &entry);
    }
    if (!ok)
        return false;
    if (got < 0)
        ash_lab_player_fault(player, ASH_LAB_FAULT_TRACE, "the trace changed or cannot be read");
    if (got < 0 || !verify_all(player) || !take_sample(player))
        return false;
    player->end.n_entries = player->entry_i;
    return true;
}
