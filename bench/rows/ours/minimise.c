/* minimise.c: two-level minimisation of Boolean functions; each cube is a block.
 *
 *     minimise VARIABLES CUBES FUNCTIONS
 *
 * After Brayton, Hachtel, McMullen and Sangiovanni-Vincentelli, Logic Minimization Algorithms for
 * VLSI Synthesis, 1984: complement by Shannon expansion, then EXPAND, IRREDUNDANT and REDUCE until
 * the cover gets no smaller. Papers on allocators (Grunwald, Zorn and Henderson, PLDI 1993) use
 * espresso for its many small blocks. FUNCTIONS random functions of CUBES cubes are minimised, one
 * by one.
 *
 * A cube has two bits per variable: may it be 0, may it be 1. No bit of a variable set: empty.
 */
#include "bench.h"

enum { VARIABLES_MAX = 32, COVER_FIRST = 4 };

struct cube {
    uint64_t bits;
};

struct cover {
    struct cube **cubes;
    int n, room;
};

static int n_variables;
static uint64_t all_bits;

static struct cube *cube(uint64_t bits)
{
    struct cube *c = bench_need(malloc(sizeof *c));
    c->bits = bits;
    return c;
}

static bool is_empty(uint64_t bits)
{
    uint64_t low = all_bits & UINT64_C(0x5555555555555555);
    return ((bits | bits >> 1) & low) != low;
}

static struct cover *cover(void)
{
    return bench_need(calloc(1, sizeof(struct cover)));
}

static void add(struct cover *f, struct cube *c)
{
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : COVER_FIRST;
        f->cubes = bench_need(realloc(f->cubes, (size_t)f->room * sizeof *f->cubes));
    }
    f->cubes[f->n++] = c;
}

static void discard(struct cover *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->cubes[i]);
    free(f->cubes);
    free(f);
}

/* The part of f inside the cube p, seen from there: p's own variables become free. */
static struct cover *cofactor(const struct cover *f, uint64_t p, int without)
{
    struct cover *g = cover();
    for (int i = 0; i < f->n; i++)
        if (i != without && !is_empty(f->cubes[i]->bits & p))
            add(g, cube((f->cubes[i]->bits | ~p) & all_bits));
    return g;
}

/* The variable that most cubes depend on; -1 when a cube depends on none, or there is no cube. */
static int split_variable(const struct cover *f)
{
    int counts[VARIABLES_MAX] = {0}, best = -1;
    for (int i = 0; i < f->n; i++) {
        if (f->cubes[i]->bits == all_bits)
            return -1;
        for (int v = 0; v < n_variables; v++)
            counts[v] += (f->cubes[i]->bits >> 2 * v & 3) != 3;
    }
    for (int v = 0; v < n_variables; v++)
        if (counts[v] > 0 && (best < 0 || counts[v] > counts[best]))
            best = v;
    return best;
}

/* All with this variable as 0 (value 1) or 1 (value 2). */
static uint64_t half(int variable, uint64_t value)
{
    return all_bits & ~((value ^ 3) << 2 * variable);
}

/* Depth: at most one level per variable. */
static bool is_tautology(const struct cover *f)
{
    int v = split_variable(f);
    if (v < 0)
        return f->n > 0;
    bool holds = true;
    for (uint64_t value = 1; value <= 2 && holds; value++) {
        struct cover *g = cofactor(f, half(v, value), -1);
        holds = is_tautology(g);
        discard(g);
    }
    return holds;
}

/* Joins equal halves: a cube that stands on both sides of v needs not to know v. */
static void merge(struct cover *into, struct cover *low, struct cover *high, int v)
{
    for (int i = 0; i < low->n; i++) {
        int k = 0;
        while (k < high->n && high->cubes[k]->bits != low->cubes[i]->bits)
            k++;
        if (k == high->n) {
            add(into, cube(low->cubes[i]->bits & half(v, 1)));
            continue;
        }
        add(into, cube(low->cubes[i]->bits));
        free(high->cubes[k]);
        high->cubes[k] = high->cubes[--high->n];
    }
    for (int k = 0; k < high->n; k++)
        add(into, cube(high->cubes[k]->bits & half(v, 2)));
    discard(low);
    discard(high);
}

static struct cover *complement(const struct cover *f)
{
    struct cover *result = cover();
    int v = split_variable(f);
    if (v < 0) {
        if (f->n == 0)
            add(result, cube(all_bits));
        return result;
    }
    struct cover *side[2];
    for (int s = 0; s < 2; s++) {
        struct cover *g = cofactor(f, half(v, (uint64_t)s + 1), -1);
        side[s] = complement(g);
        discard(g);
    }
    merge(result, side[0], side[1], v);
    return result;
}

static bool meets(const struct cover *f, uint64_t bits)
{
    for (int i = 0; i < f->n; i++)
        if (!is_empty(f->cubes[i]->bits & bits))
            return true;
    return false;
}

/* Every cube as large as the function's zeros allow; those inside another one go. */
static struct cover *expand(const struct cover *f, const struct cover *off, uint64_t *random)
{
    struct cover *g = cover();
    for (int i = 0; i < f->n; i++) {
        uint64_t bits = f->cubes[i]->bits;
        int first = (int)bench_between(random, 0, (size_t)n_variables - 1);
        for (int k = 0; k < n_variables; k++) {
            uint64_t raised = bits | UINT64_C(3) << 2 * ((first + k) % n_variables);
            if (raised != bits && !meets(off, raised))
                bits = raised;
        }
        bool inside = false;
        for (int k = 0; k < g->n && !inside; k++)
            inside = (bits & ~g->cubes[k]->bits) == 0;
        if (!inside)
            add(g, cube(bits));
    }
    return g;
}

static struct cover *irredundant(const struct cover *f)
{
    struct cover *g = cover();
    for (int i = 0; i < f->n; i++)
        add(g, cube(f->cubes[i]->bits));
    for (int i = g->n - 1; i >= 0; i--) {
        struct cover *rest = cofactor(g, g->cubes[i]->bits, i);
        if (is_tautology(rest)) {
            free(g->cubes[i]);
            g->cubes[i] = g->cubes[--g->n];
        }
        discard(rest);
    }
    return g;
}

/* Every cube only as large as what no other one covers, so that the next expansion may turn. */
static struct cover *reduce(const struct cover *f)
{
    struct cover *g = cover();
    for (int i = 0; i < f->n; i++)
        add(g, cube(f->cubes[i]->bits));
    for (int i = 0; i < g->n; i++) {
        struct cover *rest = cofactor(g, g->cubes[i]->bits, i), *own = complement(rest);
        uint64_t hull = 0;
        for (int k = 0; k < own->n; k++)
            hull |= own->cubes[k]->bits;
        if (own->n > 0) {
            struct cube *smaller = cube(g->cubes[i]->bits & hull);
            free(g->cubes[i]);
            g->cubes[i] = smaller;
        }
        discard(rest);
        discard(own);
    }
    return g;
}

static struct cover *minimum(const struct cover *on, const struct cover *off, uint64_t *random)
{
    struct cover *grown = expand(on, off, random), *best = irredundant(grown);
    discard(grown);
    for (;;) {
        struct cover *less = reduce(best), *more = expand(less, off, random);
        struct cover *next = irredundant(more);
        discard(less);
        discard(more);
        bool is_better = next->n < best->n;
        discard(is_better ? best : next);
        if (!is_better)
            return best;
        best = next;
    }
}

static struct cover *random_function(int n_cubes, uint64_t *random)
{
    struct cover *f = cover();
    for (int i = 0; i < n_cubes; i++) {
        uint64_t bits = 0;
        for (int v = 0; v < n_variables; v++) {
            static const uint64_t choices[] = {1, 2, 3, 3};
            bits |= choices[bench_between(random, 0, 3)] << 2 * v;
        }
        add(f, cube(bits));
    }
    return f;
}

/* Each cube of f lies in g. */
static bool lies_in(const struct cover *f, const struct cover *g)
{
    bool holds = true;
    for (int i = 0; i < f->n && holds; i++) {
        struct cover *part = cofactor(g, f->cubes[i]->bits, -1);
        holds = is_tautology(part);
        discard(part);
    }
    return holds;
}

int main(int argc, char **argv)
{
    n_variables = (int)bench_arg(argc, argv, 1);
    int n_cubes = (int)bench_arg(argc, argv, 2);
    long n_functions = bench_arg(argc, argv, 3);
    bench_check(n_variables <= VARIABLES_MAX, "so many variables");
    all_bits = ~UINT64_C(0) >> (64 - 2 * n_variables);
    uint64_t random = bench_seed(7);
    for (long i = 0; i < n_functions; i++) {
        struct cover *on = random_function(n_cubes, &random), *off = complement(on);
        struct cover *least = minimum(on, off, &random);
        bench_check(lies_in(on, least) && lies_in(least, on), "the same function");
        bench_check(least->n <= on->n, "not more cubes");
        discard(on);
        discard(off);
        discard(least);
    }
    return 0;
}
