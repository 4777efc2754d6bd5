/* store.h: an allocator on boundary tags, all of it but the choice of the free block.
 *
 *     alloc ─▶ index.find ─▶ split ─▶ else pending blocks joined, find again ─▶ top ─▶ growth
 *     free  ─▶ join with both neighbours ─▶ index.insert, or into the top ─▶ return
 *
 * The fits and TLSF are this with an index of their own. Parameters: split=32 (least remainder),
 * coalesce=now|deferred|never, top=last|equal, return=none|top|pages, grow=65536.
 *
 * ST1   Free blocks are in the index, and only they. The top is not, unless it is one block among
 *       equals (top=equal) and large enough to be one.
 * ST2   With coalesce=now no two free blocks are neighbours, nor is one the neighbour of the top.
 * ST3   A pending block (coalesce=deferred, at most 512 bytes) is in the list of its exact size.
 */
#ifndef ASH_LAB_STORE_H
#define ASH_LAB_STORE_H

#include "base/print.h"
#include "lab/tags.h"

#define ASH_STORE_PENDING_MAX ((size_t)512)
#define ASH_STORE_PENDING_LISTS (ASH_STORE_PENDING_MAX / 16 + 1)

/* Tags are complete at insert, and still those of the free block at remove and replace. */
struct ash_store_index {
    void (*insert)(void *index, uintptr_t at);
    void (*remove)(void *index, uintptr_t at);
    void (*replace)(void *index, uintptr_t old, uintptr_t at, size_t size);
    /* A free block of at least this size, or 0. n_looked: blocks looked at. */
    uintptr_t (*find)(void *index, size_t size, size_t *n_looked);
    bool (*check)(void *index);
    const char *rule; /* "the first that fits" */
};

enum ash_store_coalesce { ASH_STORE_NOW, ASH_STORE_DEFERRED, ASH_STORE_NEVER };
enum ash_store_return { ASH_STORE_KEEPS, ASH_STORE_TOP, ASH_STORE_PAGES };
enum ash_store_source { ASH_STORE_FOUND, ASH_STORE_FROM_TOP, ASH_STORE_GROWN };

/* What the last call did, for `why`. */
struct ash_store_story {
    enum { ASH_STORE_NOTHING, ASH_STORE_PLACED, ASH_STORE_REFUSED, ASH_STORE_FREED } deed;
    enum ash_store_source source;
    size_t wanted, found, rest, n_looked, n_joined;
    bool joined_before, joined_after, joined_top, is_pending;
};

struct ash_store {
    struct ash_lab_memory *memory;
    struct ash_tags tags;
    const struct ash_store_index *ops;
    void *index;
    size_t split;
    bool top_is_equal;
    enum ash_store_coalesce coalesce;
    enum ash_store_return returns;
    size_t n_pending;
    uintptr_t pending[ASH_STORE_PENDING_LISTS];
    struct ash_store_story story;
    struct ash_line line;
};

/* Reads the parameters; `top` is what top= means unless it is given. false: a value is unknown. */
bool ash_store_open(struct ash_store *store, struct ash_lab_memory *memory, const char *top,
                    const struct ash_store_index *ops, void *index);
/* The functions of a strategy whose state begins with its store. */
void *ash_store_alloc(void *self, size_t size, size_t align);
void ash_store_free(void *self, void *block);
size_t ash_store_usable(void *self, void *block);
void ash_store_each(void *self, ash_lab_visit *visit, void *arg);
bool ash_store_check(void *self);
void *ash_store_resize(void *self, void *block, size_t size);
const char *ash_store_why(void *self);
/* A number from a parameter, within bounds; `otherwise` where it is not given or no number. */
size_t ash_store_number(struct ash_lab_memory *memory, const char *key, size_t otherwise);

#endif
