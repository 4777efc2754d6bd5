/* nbody.c: bodies attract each other; a tree of cells is built and freed in each step.
 *
 *     nbody THREADS BODIES STEPS
 *
 * After Barnes and Hut, A Hierarchical O(N log N) Force-Calculation Algorithm, Nature 324, 1986.
 * Each cell and body is a block; the first thread builds the tree, all compute forces, the first
 * frees it.
 */
#include <math.h>

#include "bench.h"

enum { CHILDREN = 8, DEPTH_MAX = 40 };

static const double opening = 0.8, time_step = 0.01, softening = 0.01;

struct vector {
    double x[3];
};

struct body {
    struct vector at, speed, force;
    double mass;
};

/* A leaf has a body, an inner cell has children. */
struct cell {
    struct vector middle, centre;
    double half, mass;
    struct body *body;
    struct cell *children[CHILDREN];
};

static struct body **bodies;
static struct cell *tree;
static long n_bodies, n_threads;

static struct cell *make(struct vector middle, double half, struct body *body)
{
    struct cell *cell = bench_need(calloc(1, sizeof *cell));
    cell->middle = middle;
    cell->half = half;
    cell->body = body;
    return cell;
}

static void put(struct cell *cell, struct body *body, int depth);

static void put_into_child(struct cell *cell, struct body *body, int depth)
{
    int at = 0;
    struct vector middle = cell->middle;
    for (int d = 0; d < 3; d++) {
        bool above = body->at.x[d] >= cell->middle.x[d];
        at |= above << d;
        middle.x[d] += above ? cell->half / 2 : -cell->half / 2;
    }
    if (cell->children[at])
        put(cell->children[at], body, depth + 1);
    else
        cell->children[at] = make(middle, cell->half / 2, body);
}

/* Depth: DEPTH_MAX, below which two bodies count as one place and the second is left out. */
static void put(struct cell *cell, struct body *body, int depth)
{
    if (depth > DEPTH_MAX)
        return;
    if (cell->body) {
        struct body *first = cell->body;
        cell->body = NULL;
        put_into_child(cell, first, depth);
    }
    put_into_child(cell, body, depth);
}

static void weigh(struct cell *cell)
{
    if (cell->body) {
        cell->mass = cell->body->mass;
        cell->centre = cell->body->at;
        return;
    }
    for (int i = 0; i < CHILDREN; i++) {
        struct cell *child = cell->children[i];
        if (!child)
            continue;
        weigh(child);
        cell->mass += child->mass;
        for (int d = 0; d < 3; d++)
            cell->centre.x[d] += child->centre.x[d] * child->mass;
    }
    for (int d = 0; d < 3; d++)
        cell->centre.x[d] /= cell->mass;
}

static void pull(struct body *body, const struct cell *cell)
{
    struct vector way;
    double square = softening;
    for (int d = 0; d < 3; d++) {
        way.x[d] = cell->centre.x[d] - body->at.x[d];
        square += way.x[d] * way.x[d];
    }
    if (cell->body == body)
        return;
    if (cell->body || 4 * cell->half * cell->half < opening * opening * square) {
        double strength = cell->mass / (square * sqrt(square));
        for (int d = 0; d < 3; d++)
            body->force.x[d] += way.x[d] * strength;
        return;
    }
    for (int i = 0; i < CHILDREN; i++)
        if (cell->children[i])
            pull(body, cell->children[i]);
}

static void fell(struct cell *cell)
{
    for (int i = 0; i < CHILDREN; i++)
        if (cell->children[i])
            fell(cell->children[i]);
    free(cell);
}

static void *compute(void *argument)
{
    for (long i = (long)argument; i < n_bodies; i += n_threads) {
        bodies[i]->force = (struct vector){{0, 0, 0}};
        pull(bodies[i], tree);
    }
    return NULL;
}

static void build(void)
{
    double half = 1;
    for (long i = 0; i < n_bodies; i++)
        for (int d = 0; d < 3; d++)
            half = fmax(half, fabs(bodies[i]->at.x[d]));
    tree = make((struct vector){{0, 0, 0}}, half, NULL);
    for (long i = 0; i < n_bodies; i++)
        put_into_child(tree, bodies[i], 0);
    weigh(tree);
}

static void move(void)
{
    for (long i = 0; i < n_bodies; i++) {
        for (int d = 0; d < 3; d++) {
            bodies[i]->speed.x[d] += bodies[i]->force.x[d] * time_step;
            bodies[i]->at.x[d] += bodies[i]->speed.x[d] * time_step;
        }
    }
}

int main(int argc, char **argv)
{
    n_threads = bench_arg(argc, argv, 1);
    n_bodies = bench_arg(argc, argv, 2);
    long n_steps = bench_arg(argc, argv, 3);
    uint64_t random = bench_seed(3);
    bodies = bench_need(malloc((size_t)n_bodies * sizeof *bodies));
    for (long i = 0; i < n_bodies; i++) {
        bodies[i] = bench_need(calloc(1, sizeof **bodies));
        bodies[i]->mass = 1.0 / (double)n_bodies;
        for (int d = 0; d < 3; d++)
            bodies[i]->at.x[d] = (double)bench_between(&random, 0, 2000000) / 1e6 - 1;
    }
    for (long step = 0; step < n_steps; step++) {
        build();
        bench_threads(n_threads, compute);
        move();
        fell(tree);
    }
    bench_check(isfinite(bodies[0]->at.x[0]), "bodies have a place");
    for (long i = 0; i < n_bodies; i++)
        free(bodies[i]);
    free(bodies);
    return 0;
}
