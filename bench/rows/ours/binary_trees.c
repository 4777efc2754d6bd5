/* binary_trees.c: complete binary trees are built, walked and freed, while one lives on.
 *
 *     binary_trees DEPTH
 *
 * After the description of binary-trees in the Computer Language Benchmarks Game, which follows
 * Ellis, Kovac and Boehm's GCBench: a tree of DEPTH + 1, a long-lived one of DEPTH, and many of
 * depths 4, 6, ... DEPTH, the more the lower, one node per block.
 */
#include "bench.h"

enum { DEPTH_MIN = 4 };

struct node {
    struct node *left, *right;
};

static struct node *grow(int depth)
{
    struct node *node = bench_need(malloc(sizeof *node));
    node->left = depth > 0 ? grow(depth - 1) : NULL;
    node->right = depth > 0 ? grow(depth - 1) : NULL;
    return node;
}

static long count(const struct node *node)
{
    return node ? 1 + count(node->left) + count(node->right) : 0;
}

static void fell(struct node *node)
{
    if (!node)
        return;
    fell(node->left);
    fell(node->right);
    free(node);
}

int main(int argc, char **argv)
{
    int depth_max = (int)bench_arg(argc, argv, 1);
    struct node *stretch = grow(depth_max + 1);
    fell(stretch);
    struct node *lasting = grow(depth_max);
    for (int depth = DEPTH_MIN; depth <= depth_max; depth += 2) {
        long n = 1L << (depth_max - depth + DEPTH_MIN), total = 0;
        for (long i = 0; i < n; i++) {
            struct node *tree = grow(depth);
            total += count(tree);
            fell(tree);
        }
        bench_check(total == n * ((2L << depth) - 1), "number of nodes");
    }
    bench_check(count(lasting) == (2L << depth_max) - 1, "number of lasting nodes");
    fell(lasting);
    return 0;
}
