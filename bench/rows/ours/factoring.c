/* factoring.c: factors a number by continued fractions; each intermediate number is a block.
 *
 *     factoring NUMBER PRIMES
 *
 * After Morrison and Brillhart, A Method of Factoring and the Factorization of F7, Mathematics of
 * Computation 29, 1975; the work that Barrett's cfrac is used for in papers on allocators: many
 * small blocks with short lives. Convergents A of the root of N give squares A² ≡ ±Q; those Q that
 * factor over the PRIMES smallest usable primes are combined until both sides are squares.
 */
#include "bench.h"

enum { PRIMES_MAX = 1000, EXTRA = 16 };

/* A natural number, least limb first, without zeros at its end. */
struct num {
    int n;
    uint32_t limb[];
};

struct relation {
    struct num *a;
    uint8_t *powers;   /* of each prime in Q; [0] is the sign */
    uint64_t *vector;  /* powers modulo 2 */
    uint64_t *history; /* which relations were multiplied into the vector */
};

static uint32_t primes[PRIMES_MAX];
static int n_primes;

static struct num *make(int n)
{
    struct num *x = bench_need(malloc(sizeof *x + (size_t)n * sizeof(uint32_t)));
    x->n = n;
    memset(x->limb, 0, (size_t)n * sizeof(uint32_t));
    return x;
}

static struct num *trimmed(struct num *x)
{
    while (x->n > 0 && x->limb[x->n - 1] == 0)
        x->n--;
    return x;
}

static struct num *small(uint32_t value)
{
    struct num *x = make(1);
    x->limb[0] = value;
    return trimmed(x);
}

/* Puts `x` into a variable and frees what was there. */
static void set(struct num **variable, struct num *x)
{
    free(*variable);
    *variable = x;
}

static int compare(const struct num *a, const struct num *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static struct num *sum(const struct num *a, const struct num *b)
{
    int n = (a->n > b->n ? a->n : b->n) + 1;
    struct num *x = make(n);
    uint64_t carry = 0;
    for (int i = 0; i < n; i++, carry >>= 32) {
        carry += (uint64_t)(i < a->n ? a->limb[i] : 0) + (i < b->n ? b->limb[i] : 0);
        x->limb[i] = (uint32_t)carry;
    }
    return trimmed(x);
}

/* a - b, where a is not smaller. */
static struct num *difference(const struct num *a, const struct num *b)
{
    struct num *x = make(a->n);
    int64_t borrow = 0;
    for (int i = 0; i < a->n; i++, borrow >>= 32) {
        borrow += (int64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0);
        x->limb[i] = (uint32_t)borrow;
    }
    return trimmed(x);
}

static struct num *product(const struct num *a, const struct num *b)
{
    struct num *x = make(a->n + b->n);
    for (int i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (int k = 0; k < b->n; k++, carry >>= 32) {
            carry += (uint64_t)a->limb[i] * b->limb[k] + x->limb[i + k];
            x->limb[i + k] = (uint32_t)carry;
        }
        x->limb[i + b->n] = (uint32_t)carry;
    }
    return trimmed(x);
}

static struct num *quotient_small(const struct num *a, uint32_t b, uint32_t *ret_rest)
{
    struct num *x = make(a->n);
    uint64_t rest = 0;
    for (int i = a->n - 1; i >= 0; i--) {
        rest = rest << 32 | a->limb[i];
        x->limb[i] = (uint32_t)(rest / b);
        rest %= b;
    }
    *ret_rest = (uint32_t)rest;
    return trimmed(x);
}

static bool bit(const struct num *a, int i)
{
    return a->limb[i / 32] >> i % 32 & 1;
}

/* Doubles a number in place and adds a bit; the caller has left room for the limb it may need. */
static void push_bit(struct num *x, uint32_t carry)
{
    for (int i = 0; i < x->n; i++) {
        uint32_t next = x->limb[i] >> 31;
        x->limb[i] = x->limb[i] << 1 | carry;
        carry = next;
    }
    if (carry)
        x->limb[x->n++] = carry;
}

static void subtract_from(struct num *x, const struct num *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < x->n; i++, borrow >>= 32) {
        borrow += (int64_t)x->limb[i] - (i < b->n ? b->limb[i] : 0);
        x->limb[i] = (uint32_t)borrow;
    }
    trimmed(x);
}

/* Bit by bit; what is left over becomes *ret_rest. */
static struct num *quotient(const struct num *a, const struct num *b, struct num **ret_rest)
{
    struct num *x = make(a->n), *rest = make(b->n + 1);
    rest->n = 0;
    for (int i = a->n * 32 - 1; i >= 0; i--) {
        push_bit(rest, bit(a, i));
        if (compare(rest, b) >= 0) {
            subtract_from(rest, b);
            x->limb[i / 32] |= 1U << i % 32;
        }
    }
    *ret_rest = rest;
    return trimmed(x);
}

static struct num *divided(const struct num *a, const struct num *b)
{
    struct num *rest, *x = quotient(a, b, &rest);
    free(rest);
    return x;
}

/* Modulo n; frees a. */
static struct num *reduced(struct num *a, const struct num *n)
{
    struct num *rest;
    free(quotient(a, n, &rest));
    free(a);
    return rest;
}

/* The root, rounded down, by Newton's iteration from above. */
static struct num *root(const struct num *a)
{
    struct num *x = make(a->n / 2 + 2), *next = NULL;
    x->limb[x->n - 1] = 1;
    for (;;) {
        uint32_t rest;
        struct num *ratio = divided(a, x), *twice = sum(x, ratio);
        set(&next, quotient_small(twice, 2, &rest));
        free(ratio);
        free(twice);
        if (compare(next, x) >= 0)
            break;
        set(&x, next);
        next = NULL;
    }
    free(next);
    return x;
}

static struct num *common_divisor(struct num *a, struct num *b)
{
    while (b->n > 0) {
        struct num *rest = reduced(a, b);
        a = b;
        b = rest;
    }
    free(b);
    return a;
}

static struct num *parse(const char *digits)
{
    struct num *x = small(0), *ten = small(10);
    for (; *digits; digits++) {
        struct num *more = product(x, ten), *digit = small((uint32_t)(*digits - '0'));
        set(&x, sum(more, digit));
        free(more);
        free(digit);
    }
    free(ten);
    return x;
}

static uint32_t power_modulo(uint64_t base, uint32_t exponent, uint32_t modulus)
{
    uint64_t x = 1;
    for (; exponent; exponent >>= 1, base = base * base % modulus)
        if (exponent & 1)
            x = x * base % modulus;
    return (uint32_t)x;
}

/* The primes of which n is a square: no other one divides a Q. */
static void fill_primes(const struct num *n, int wanted)
{
    primes[n_primes++] = 1; /* stands for the sign */
    primes[n_primes++] = 2;
    for (uint32_t p = 3; n_primes < wanted; p += 2) {
        uint32_t d = 3, rest;
        while (d * d <= p && p % d)
            d += 2;
        if (d * d <= p)
            continue;
        free(quotient_small(n, p, &rest));
        if (power_modulo(rest, (p - 1) / 2, p) <= 1)
            primes[n_primes++] = p;
    }
}

/* Divides the primes out of q; true when nothing is left. */
static bool factors_over_primes(const struct num *q, uint8_t *powers)
{
    struct num *left = small(0);
    set(&left, sum(left, q));
    for (int i = 1; i < n_primes; i++) {
        uint32_t rest;
        struct num *less = quotient_small(left, primes[i], &rest);
        for (; rest == 0 && left->n > 0; less = quotient_small(left, primes[i], &rest)) {
            set(&left, less);
            powers[i]++;
        }
        free(less);
    }
    bool is_one = left->n == 1 && left->limb[0] == 1;
    free(left);
    return is_one;
}

static int words(int n_bits)
{
    return (n_bits + 63) / 64;
}

static void record(struct relation *relation, int number, const struct num *a, uint8_t *powers)
{
    struct num *zero = small(0);
    relation->a = sum(a, zero);
    free(zero);
    relation->powers = bench_need(malloc((size_t)n_primes));
    memcpy(relation->powers, powers, (size_t)n_primes);
    relation->vector = bench_need(calloc((size_t)words(n_primes), sizeof(uint64_t)));
    relation->history = bench_need(calloc((size_t)words(n_primes + EXTRA), sizeof(uint64_t)));
    for (int i = 0; i < n_primes; i++)
        relation->vector[i / 64] |= (uint64_t)(powers[i] & 1) << i % 64;
    relation->history[number / 64] |= UINT64_C(1) << number % 64;
}

/* Expands the root of n until there are enough relations. */
static void collect(const struct num *n, struct relation *relations, int wanted)
{
    struct num *g = root(n), *p = small(0), *q = small(1), *step = root(n);
    struct num *a_before = small(1), *a = root(n);
    uint8_t *powers = bench_need(malloc((size_t)n_primes));
    for (int found = 0, k = 1; found < wanted; k++) {
        struct num *t = product(step, q);
        set(&p, difference(t, p)); /* P ← step·Q − P */
        set(&t, product(p, p));
        set(&t, difference(n, t));
        set(&q, divided(t, q)); /* Q ← (N − P²) / Q */
        memset(powers, 0, (size_t)n_primes);
        powers[0] = (uint8_t)(k % 2); /* A² ≡ (−1)^k Q */
        if (factors_over_primes(q, powers)) {
            record(&relations[found], found, a, powers);
            found++;
        }
        set(&t, sum(g, p));
        set(&step, divided(t, q));
        set(&t, product(step, a));
        set(&t, sum(t, a_before));
        free(a_before);
        a_before = a;
        a = reduced(t, n); /* A ← step·A + A before */
    }
    struct num *all[] = {g, p, q, step, a_before, a};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(powers);
}

/* From a product of relations that is a square on both sides: a divisor of n, maybe 1 or n. */
static struct num *try_product(const struct num *n, struct relation *relations, int number)
{
    struct num *x = small(1), *y = small(1);
    unsigned *powers = bench_need(calloc((size_t)n_primes, sizeof *powers));
    for (int r = 0; r < n_primes + EXTRA; r++) {
        if (!(relations[number].history[r / 64] >> r % 64 & 1))
            continue;
        set(&x, product(x, relations[r].a));
        x = reduced(x, n);
        for (int i = 0; i < n_primes; i++)
            powers[i] += relations[r].powers[i];
    }
    for (int i = 1; i < n_primes; i++) {
        struct num *prime = small(primes[i]);
        for (unsigned k = 0; k < powers[i] / 2; k++) {
            set(&y, product(y, prime));
            y = reduced(y, n);
        }
        free(prime);
    }
    free(powers);
    struct num *d = compare(x, y) >= 0 ? difference(x, y) : difference(y, x), *zero = small(0);
    free(x);
    free(y);
    struct num *divisor = common_divisor(d, sum(n, zero));
    free(zero);
    return divisor;
}

/* Elimination modulo 2; the rows that become zero are tried. True when a real divisor was found. */
static bool combine(const struct num *n, struct relation *relations, int n_relations)
{
    int done = 0;
    for (int i = 0; i < n_primes; i++) {
        int pivot = done;
        while (pivot < n_relations && !(relations[pivot].vector[i / 64] >> i % 64 & 1))
            pivot++;
        if (pivot == n_relations)
            continue;
        /* a and powers stay: the history counts by first places */
        uint64_t *v = relations[pivot].vector, *h = relations[pivot].history;
        relations[pivot].vector = relations[done].vector;
        relations[pivot].history = relations[done].history;
        relations[done].vector = v;
        relations[done].history = h;
        for (int r = done + 1; r < n_relations; r++) {
            if (!(relations[r].vector[i / 64] >> i % 64 & 1))
                continue;
            for (int w = 0; w < words(n_primes); w++)
                relations[r].vector[w] ^= v[w];
            for (int w = 0; w < words(n_relations); w++)
                relations[r].history[w] ^= h[w];
        }
        done++;
    }
    bool found = false;
    for (int r = done; r < n_relations && !found; r++) {
        struct num *divisor = try_product(n, relations, r), *rest;
        found = compare(divisor, n) != 0 && !(divisor->n == 1 && divisor->limb[0] == 1);
        free(quotient(n, divisor, &rest));
        bench_check(rest->n == 0, "a divisor divides");
        free(rest);
        free(divisor);
    }
    return found;
}

int main(int argc, char **argv)
{
    int wanted = (int)bench_arg(argc, argv, 2);
    bench_check(wanted <= PRIMES_MAX, "so many primes");
    struct num *n = parse(argv[1]);
    fill_primes(n, wanted);
    int n_relations = n_primes + EXTRA;
    struct relation *relations = bench_need(calloc((size_t)n_relations, sizeof *relations));
    collect(n, relations, n_relations);
    bench_check(combine(n, relations, n_relations), "the number has two factors");
    for (int r = 0; r < n_relations; r++) {
        free(relations[r].a);
        free(relations[r].powers);
        free(relations[r].vector);
        free(relations[r].history);
    }
    free(relations);
    free(n);
    return 0;
}
