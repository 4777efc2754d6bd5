/* tree.c: two treaps over one set of nodes; see tree.h. */
#include "lab/tree.h"

#define N_HEADS_FIRST ((size_t)1024)

struct ash_tree_node *ash_tree_node(const struct ash_tree *tree, uint32_t i)
{
    return &tree->pieces[i / ASH_TREE_NODES][i % ASH_TREE_NODES];
}

static struct ash_tree_links *links(const struct ash_tree *tree, unsigned which, uint32_t i)
{
    return &ash_tree_node(tree, i)->links[which];
}

static uint32_t priority(uint32_t i)
{
    uint64_t x = i * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(x >> 32);
}

static bool is_before(const struct ash_tree_node *a, const struct ash_tree_node *b, unsigned which)
{
    if (which == ASH_TREE_BY_SIZE && a->size != b->size)
        return a->size < b->size;
    return a->key < b->key;
}

bool ash_tree_open(struct ash_tree *tree, struct ash_lab_memory *memory)
{
    tree->memory = memory;
    tree->n_nodes = 1; /* TR3 */
    tree->n_heads = N_HEADS_FIRST;
    tree->pieces = ash_lab_aside(memory, ASH_TREE_PIECES * sizeof(void *));
    tree->heads = ash_lab_aside(memory, tree->n_heads * sizeof *tree->heads);
    return tree->pieces && tree->heads;
}

/* --- nodes by address --- */

static uint32_t *head_of(const struct ash_tree *tree, uintptr_t at)
{
    return &tree->heads[((at >> 4) * 0x9e3779b97f4a7c15u >> 20) & (tree->n_heads - 1)];
}

static void chain(struct ash_tree *tree, uint32_t i)
{
    uint32_t *head = head_of(tree, ash_tree_node(tree, i)->at);
    ash_tree_node(tree, i)->next = *head;
    *head = i;
}

static void unchain(struct ash_tree *tree, uint32_t i)
{
    uint32_t *place = head_of(tree, ash_tree_node(tree, i)->at);
    while (*place != i)
        place = &ash_tree_node(tree, *place)->next;
    *place = ash_tree_node(tree, i)->next;
}

/* Four times the heads, and all chains anew; without room the chains just get longer. */
static void widen(struct ash_tree *tree)
{
    uint32_t *old = tree->heads;
    size_t n_old = tree->n_heads;
    uint32_t *heads = ash_lab_aside(tree->memory, 4 * n_old * sizeof *heads);
    if (!heads)
        return;
    tree->heads = heads;
    tree->n_heads = 4 * n_old;
    for (size_t h = 0; h < n_old; h++)
        for (uint32_t i = old[h], next; i; i = next) {
            next = ash_tree_node(tree, i)->next;
            chain(tree, i);
        }
}

uint32_t ash_tree_of(const struct ash_tree *tree, uintptr_t at)
{
    uint32_t i = *head_of(tree, at);
    while (i && ash_tree_node(tree, i)->at != at)
        i = ash_tree_node(tree, i)->next;
    return i;
}

static uint32_t new_node(struct ash_tree *tree)
{
    uint32_t i = tree->unused;
    if (i) {
        tree->unused = ash_tree_node(tree, i)->next;
        return i;
    }
    i = tree->n_nodes;
    size_t piece = i / ASH_TREE_NODES;
    if (piece >= ASH_TREE_PIECES)
        return 0;
    if (!tree->pieces[piece])
        tree->pieces[piece] =
            ash_lab_aside(tree->memory, ASH_TREE_NODES * sizeof(struct ash_tree_node));
    if (!tree->pieces[piece])
        return 0;
    tree->n_nodes++;
    return i;
}

/* --- the treaps --- */

static void update(const struct ash_tree *tree, uint32_t i)
{
    struct ash_tree_node *node = ash_tree_node(tree, i);
    node->largest = node->size;
    node->n_below = 1;
    for (unsigned side = 0; side < 2; side++) {
        uint32_t c = node->links[ASH_TREE_BY_KEY].child[side];
        if (!c)
            continue;
        const struct ash_tree_node *child = ash_tree_node(tree, c);
        node->largest = ash_size_max(node->largest, child->largest);
        node->n_below += child->n_below;
    }
}

static void update_upwards(const struct ash_tree *tree, unsigned which, uint32_t i)
{
    for (; which == ASH_TREE_BY_KEY && i; i = links(tree, which, i)->parent)
        update(tree, i);
}

/* Puts `i` where `old` hangs below its parent. */
static void hang(struct ash_tree *tree, unsigned which, uint32_t old, uint32_t i)
{
    uint32_t parent = links(tree, which, old)->parent;
    if (!parent) {
        tree->root[which] = i;
    } else {
        struct ash_tree_links *above = links(tree, which, parent);
        above->child[above->child[1] == old] = i;
    }
    if (i)
        links(tree, which, i)->parent = parent;
}

static void rotate_up(struct ash_tree *tree, unsigned which, uint32_t i)
{
    struct ash_tree_links *own = links(tree, which, i);
    uint32_t parent = own->parent;
    struct ash_tree_links *above = links(tree, which, parent);
    unsigned side = above->child[1] == i;
    uint32_t inner = own->child[!side];
    hang(tree, which, parent, i);
    above->child[side] = inner;
    if (inner)
        links(tree, which, inner)->parent = parent;
    own->child[!side] = parent;
    above->parent = i;
    if (which == ASH_TREE_BY_KEY) {
        update(tree, parent);
        update(tree, i);
    }
}

static void plant(struct ash_tree *tree, unsigned which, uint32_t i)
{
    struct ash_tree_node *node = ash_tree_node(tree, i);
    uint32_t parent = 0;
    unsigned side = 0;
    for (uint32_t x = tree->root[which]; x; x = links(tree, which, x)->child[side]) {
        parent = x;
        side = is_before(ash_tree_node(tree, x), node, which);
    }
    node->links[which] = (struct ash_tree_links){{0, 0}, parent};
    if (parent)
        links(tree, which, parent)->child[side] = i;
    else
        tree->root[which] = i;
    update_upwards(tree, which, i);
    while (node->links[which].parent && priority(node->links[which].parent) < priority(i))
        rotate_up(tree, which, i);
}

static void uproot(struct ash_tree *tree, unsigned which, uint32_t i)
{
    struct ash_tree_links *own = links(tree, which, i);
    while (own->child[0] && own->child[1])
        rotate_up(tree, which, own->child[priority(own->child[0]) < priority(own->child[1])]);
    uint32_t only = own->child[0] ? own->child[0] : own->child[1];
    hang(tree, which, i, only);
    update_upwards(tree, which, own->parent);
}

uint32_t ash_tree_insert(struct ash_tree *tree, uintptr_t at, size_t size, uint64_t key)
{
    uint32_t i = new_node(tree);
    if (!i)
        return 0;
    struct ash_tree_node *node = ash_tree_node(tree, i);
    node->at = at;
    node->size = size;
    node->key = key;
    if (tree->n_held++ > 2 * tree->n_heads)
        widen(tree);
    chain(tree, i);
    plant(tree, ASH_TREE_BY_KEY, i);
    plant(tree, ASH_TREE_BY_SIZE, i);
    return i;
}

void ash_tree_remove(struct ash_tree *tree, uint32_t i)
{
    uproot(tree, ASH_TREE_BY_KEY, i);
    uproot(tree, ASH_TREE_BY_SIZE, i);
    unchain(tree, i);
    ash_tree_node(tree, i)->at = 0;
    ash_tree_node(tree, i)->next = tree->unused;
    tree->unused = i;
    tree->n_held--;
}

void ash_tree_replace(struct ash_tree *tree, uint32_t i, uintptr_t at, size_t size, bool keeps_key)
{
    struct ash_tree_node *node = ash_tree_node(tree, i);
    uproot(tree, ASH_TREE_BY_SIZE, i);
    unchain(tree, i);
    node->at = at;
    node->size = size;
    if (!keeps_key)
        node->key = at; /* the parent's neighbours are the remainder's: the order stays */
    chain(tree, i);
    update_upwards(tree, ASH_TREE_BY_KEY, i);
    plant(tree, ASH_TREE_BY_SIZE, i);
}

/* --- questions --- */

static uint32_t outermost(const struct ash_tree *tree, unsigned side)
{
    uint32_t i = tree->root[ASH_TREE_BY_KEY];
    while (i && links(tree, ASH_TREE_BY_KEY, i)->child[side])
        i = links(tree, ASH_TREE_BY_KEY, i)->child[side];
    return i;
}

uint32_t ash_tree_before(const struct ash_tree *tree, uint32_t i)
{
    uint32_t x = links(tree, ASH_TREE_BY_KEY, i)->child[0];
    if (x) {
        while (links(tree, ASH_TREE_BY_KEY, x)->child[1])
            x = links(tree, ASH_TREE_BY_KEY, x)->child[1];
        return x;
    }
    uint32_t parent = links(tree, ASH_TREE_BY_KEY, i)->parent;
    while (parent && links(tree, ASH_TREE_BY_KEY, parent)->child[0] == i) {
        i = parent;
        parent = links(tree, ASH_TREE_BY_KEY, i)->parent;
    }
    return parent;
}

/* The leftmost of at least this size in a subtree that has one. */
static uint32_t leftmost(const struct ash_tree *tree, uint32_t i, size_t size)
{
    for (;;) {
        const struct ash_tree_node *node = ash_tree_node(tree, i);
        uint32_t left = node->links[ASH_TREE_BY_KEY].child[0];
        if (left && ash_tree_node(tree, left)->largest >= size)
            i = left;
        else if (node->size >= size)
            return i;
        else
            i = node->links[ASH_TREE_BY_KEY].child[1];
    }
}

uint32_t ash_tree_first_fit(const struct ash_tree *tree, uint32_t i, size_t size)
{
    if (!i)
        i = outermost(tree, 0);
    while (i) {
        const struct ash_tree_node *node = ash_tree_node(tree, i);
        const struct ash_tree_links *own = &node->links[ASH_TREE_BY_KEY];
        if (node->size >= size)
            return i;
        if (own->child[1] && ash_tree_node(tree, own->child[1])->largest >= size)
            return leftmost(tree, own->child[1], size);
        uint32_t parent = own->parent;
        while (parent && links(tree, ASH_TREE_BY_KEY, parent)->child[1] == i) {
            i = parent;
            parent = links(tree, ASH_TREE_BY_KEY, i)->parent;
        }
        i = parent;
    }
    return 0;
}

uint32_t ash_tree_smallest(const struct ash_tree *tree, size_t size)
{
    uint32_t best = 0;
    for (uint32_t i = tree->root[ASH_TREE_BY_SIZE]; i;) {
        bool fits = ash_tree_node(tree, i)->size >= size;
        if (fits)
            best = i;
        i = links(tree, ASH_TREE_BY_SIZE, i)->child[!fits];
    }
    return best;
}

size_t ash_tree_largest(const struct ash_tree *tree)
{
    uint32_t root = tree->root[ASH_TREE_BY_KEY];
    return root ? ash_tree_node(tree, root)->largest : 0;
}

size_t ash_tree_rank(const struct ash_tree *tree, uint32_t i)
{
    uint32_t left = links(tree, ASH_TREE_BY_KEY, i)->child[0];
    size_t rank = left ? ash_tree_node(tree, left)->n_below : 0;
    for (uint32_t parent; (parent = links(tree, ASH_TREE_BY_KEY, i)->parent) != 0; i = parent) {
        const struct ash_tree_links *above = links(tree, ASH_TREE_BY_KEY, parent);
        if (above->child[1] != i)
            continue;
        left = above->child[0];
        rank += 1 + (left ? ash_tree_node(tree, left)->n_below : 0);
    }
    return rank;
}

static bool check_node(const struct ash_tree *tree, unsigned which, uint32_t i)
{
    const struct ash_tree_node *node = ash_tree_node(tree, i);
    size_t n_below = 1, largest = node->size;
    for (unsigned side = 0; side < 2; side++) {
        uint32_t c = node->links[which].child[side];
        if (!c)
            continue;
        const struct ash_tree_node *child = ash_tree_node(tree, c);
        if (child->links[which].parent != i || priority(c) > priority(i) ||
            is_before(child, node, which) != !side)
            return false;
        n_below += child->n_below;
        largest = ash_size_max(largest, child->largest);
    }
    return which == ASH_TREE_BY_SIZE || (node->n_below == n_below && node->largest == largest);
}

bool ash_tree_check(const struct ash_tree *tree)
{
    size_t n_held = 0;
    for (size_t h = 0; h < tree->n_heads; h++)
        for (uint32_t i = tree->heads[h]; i; i = ash_tree_node(tree, i)->next) {
            n_held++;
            if (!check_node(tree, ASH_TREE_BY_KEY, i) || !check_node(tree, ASH_TREE_BY_SIZE, i))
                return false;
        }
    uint32_t root = tree->root[ASH_TREE_BY_KEY];
    return n_held == tree->n_held && (root ? ash_tree_node(tree, root)->n_below : 0) == n_held;
}
