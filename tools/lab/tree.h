/* tree.h: free blocks in two orders at once, in the aside: by a key, and by size.
 *
 * Two treaps over the same nodes (Seidel and Aragon, Algorithmica 1996) with parent links; the
 * priority is a hash of the node's number. In key order each node knows the largest size and the
 * number of nodes below it, so the first block that fits, and its rank, cost O(log n): Stephenson's
 * fast fits (SOSP 1983) with counts. A hash table finds a block's node by address.
 *
 * TR1   Both trees hold the same nodes, in order, and are heaps by priority.
 * TR2   largest and n_below are those of the subtree in key order.
 * TR3   Nodes are numbered from 1; 0 is none.
 */
#ifndef ASH_LAB_TREE_H
#define ASH_LAB_TREE_H

#include "base/base.h"
#include "lab/lab.h"

enum { ASH_TREE_BY_KEY, ASH_TREE_BY_SIZE };

struct ash_tree_links {
    uint32_t child[2], parent;
};

struct ash_tree_node {
    uintptr_t at; /* 0: unused */
    size_t size, largest;
    uint64_t key;
    struct ash_tree_links links[2];
    uint32_t n_below;
    uint32_t next; /* in its hash chain, or among the unused */
};

#define ASH_TREE_NODES 4096 /* per piece of the pool */
#define ASH_TREE_PIECES 16384

struct ash_tree {
    struct ash_lab_memory *memory;
    struct ash_tree_node **pieces; /* in the aside */
    uint32_t n_nodes, unused;
    uint32_t root[2];
    uint32_t *heads; /* hash table of chains */
    size_t n_heads, n_held;
};

/* false: no aside. */
bool ash_tree_open(struct ash_tree *tree, struct ash_lab_memory *memory);
struct ash_tree_node *ash_tree_node(const struct ash_tree *tree, uint32_t i);
/* Adds a block. 0: the aside is used up. */
uint32_t ash_tree_insert(struct ash_tree *tree, uintptr_t at, size_t size, uint64_t key);
void ash_tree_remove(struct ash_tree *tree, uint32_t i);
/* Another block takes the node over; keeps_key: and its place, else the key is the address. */
void ash_tree_replace(struct ash_tree *tree, uint32_t i, uintptr_t at, size_t size, bool keeps_key);
uint32_t ash_tree_of(const struct ash_tree *tree, uintptr_t at);
/* Neighbour in key order; 0: none. */
uint32_t ash_tree_before(const struct ash_tree *tree, uint32_t i);
/* From node i on (0: from the first), the first with at least this size. */
uint32_t ash_tree_first_fit(const struct ash_tree *tree, uint32_t i, size_t size);
/* In size order, the first with at least this size; of equals the first by key. */
uint32_t ash_tree_smallest(const struct ash_tree *tree, size_t size);
size_t ash_tree_largest(const struct ash_tree *tree);
/* Nodes before this one in key order. */
size_t ash_tree_rank(const struct ash_tree *tree, uint32_t i);
/* TR1, TR2. */
bool ash_tree_check(const struct ash_tree *tree);

#endif
