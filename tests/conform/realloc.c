/* realloc.c: contents are kept on every route (F23), and the corners of realloc (F19). */
#include "conform.h"

/* How the old block was made. */
static void *made_by(unsigned how, size_t bytes)
{
    void *p = NULL;
    switch (how) {
    case 0:
        return malloc(bytes);
    case 1:
        return calloc(1, bytes);
    case 2:
        return memalign(64, bytes);
    case 3:
        return posix_memalign(&p, 4096, bytes) == 0 ? p : NULL;
    case 4:
        return aligned_alloc(1 << 17, bytes);
    case 5:
        return pvalloc(bytes);
    default:
        return realloc(NULL, bytes);
    }
}
#define N_MAKERS 7

static const struct {
    const char *name;
    size_t from, to;
} routes[] = {
    {"to the same size", 100, 100},
    {"within a class", 130, 140},
    {"to the next class", 128, 129},
    {"to the class below", 129, 128},
    {"from nothing", 0, 50},
    {"to one byte", 500, 1},
    {"small to medium", 900, 9000},
    {"medium to small", 9000, 900},
    {"medium to the largest class", 9000, 65536},
    {"class to large", 65536, 65537},
    {"large to class", 65537, 65536},
    {"small to large", 24, 300000},
    {"large to small", 300000, 24},
    {"large grown by a slice", 200000, 265000},
    {"large grown much", 200000, 5 << 20},
    {"large shrunk a little", 5 << 20, (5 << 20) - 100000},
    {"large shrunk much", 5 << 20, 100000},
    {"large grown past the moving of pages", 9 << 20, 64 << 20},
    {"large shrunk past the moving of pages", 64 << 20, 9 << 20},
    {"large shrunk to large across a group", 64 << 20, (31 << 20) + 12345},
    {"large to huge", 64 << 20, 600 << 20},
    {"huge to huge", 560 << 20, 700 << 20},
    {"huge shrunk", 700 << 20, 560 << 20},
    {"huge to large", 600 << 20, 64 << 20},
    {"huge to small", 600 << 20, 100},
};
#define N_ROUTES (sizeof routes / sizeof routes[0])

/* blocked: another block lies behind, as far as the allocator can be brought to put it there. */
static void check_route(size_t r, unsigned how, bool blocked)
{
    size_t from = routes[r].from, to = routes[r].to, kept = from < to ? from : to;
    unsigned char *p = made_by(how, from);
    void *behind = blocked ? malloc(from) : NULL;
    CHECK_THAT(p != NULL, "%s, maker %u", routes[r].name, how);
    conform_fill(p, from, how);
    errno = 87;
    unsigned char *q = realloc(p, to);
    CHECK_THAT(q != NULL && errno == 87, "%s, maker %u, errno %d", routes[r].name, how, errno);
    CHECK_THAT(conform_is_aligned(q, 16), "%s, maker %u: %p", routes[r].name, how, (void *)q);
    long lost = conform_lost(q, kept, from, how);
    CHECK_THAT(lost < 0, "%s, maker %u: byte %ld", routes[r].name, how, lost);
    CHECK_THAT(malloc_usable_size(q) >= to, "%s, maker %u", routes[r].name, how);
    conform_fill(q, to, how + 1);
    CHECK_THAT(conform_lost(q, to, to, how + 1) < 0, "%s, maker %u", routes[r].name, how);
    free(q);
    free(behind);
}

static void every_route_keeps_the_bytes(void)
{
    for (size_t r = 0; r < N_ROUTES; r++)
        for (unsigned how = 0; how < N_MAKERS; how++)
            check_route(r, how, false);
}

static void every_route_keeps_the_bytes_when_blocked(void)
{
    for (size_t r = 0; r < N_ROUTES; r++)
        for (unsigned how = 0; how < N_MAKERS; how++)
            check_route(r, how, true);
}

static void a_ladder_up_and_down_keeps_the_bytes(void)
{
    size_t bytes = 1;
    unsigned char *p = malloc(bytes);
    conform_fill(p, bytes, 3);
    while (bytes < (size_t)40 << 20) {
        size_t more = bytes + bytes / 3 + 1;
        p = realloc(p, more);
        CHECK_THAT(p && conform_lost(p, bytes, 0, 3) < 0, "%zu to %zu", bytes, more);
        conform_fill(p, more, 3);
        bytes = more;
    }
    while (bytes > 1) {
        size_t less = bytes - bytes / 4 - 1;
        p = realloc(p, less);
        CHECK_THAT(p && conform_lost(p, less, 0, 3) < 0, "%zu to %zu", bytes, less);
        bytes = less;
        if (bytes == 0)
            break;
    }
    free(p);
}

static void random_steps_keep_the_bytes(void)
{
    enum { SLOTS = 64, STEPS = 30000 };
    static struct {
        unsigned char *p;
        size_t bytes;
    } slots[SLOTS];
    uint64_t seed = 20260101;
    dprintf(STDOUT_FILENO, "# seed %lu\n", (unsigned long)seed);
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(seed >> 40) % SLOTS;
        size_t bytes = (seed >> 20 & 0xfff) << (seed >> 50 & 7) >> 2;
        unsigned char *p = realloc(slots[i].p, bytes + 1);
        size_t kept = slots[i].bytes < bytes + 1 ? slots[i].bytes : bytes + 1;
        CHECK_THAT(p && conform_lost(p, kept, slots[i].bytes, i) < 0, "step %u: %zu to %zu", step,
                   slots[i].bytes, bytes + 1);
        conform_fill(p, bytes + 1, i);
        slots[i].p = p;
        slots[i].bytes = bytes + 1;
    }
    for (unsigned i = 0; i < SLOTS; i++)
        free(slots[i].p);
}

static void of_null_is_malloc(void)
{
    errno = 88;
    void *p = realloc(NULL, 100), *q = realloc(NULL, 0), *r = reallocarray(NULL, 0, 8);
    CHECK(p && q && r && p != q && q != r && errno == 88);
    free(p);
    free(q);
    free(r);
}

static void to_zero_frees_and_returns_null(void)
{
    static const size_t sizes[] = {0, 1, 1000, 40000, 70000, 3 << 20, 600 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *p = malloc(sizes[i]);
        errno = 89;
        CHECK_THAT(realloc(p, conform_opaque(0)) == NULL, "%zu", sizes[i]);
        CHECK_THAT(errno == 89, "%zu: errno %d", sizes[i], errno);
    }
    for (unsigned i = 0; i < 200; i++) { /* it is freed: else 200 GiB would be held */
        void *p = malloc((size_t)1 << 30);
        CHECK_THAT(p != NULL, "round %u", i);
        CHECK(realloc(p, conform_opaque(0)) == NULL);
    }
}

static void reallocarray_to_zero_frees(void)
{
    void *p = malloc(100), *q = malloc(100);
    errno = 90;
    CHECK(reallocarray(p, conform_opaque(0), 8) == NULL && errno == 90);
    CHECK(reallocarray(q, 8, conform_opaque(0)) == NULL && errno == 90);
}

static void reallocarray_keeps_the_bytes(void)
{
    unsigned char *p = reallocarray(NULL, 10, 10);
    conform_fill(p, 100, 9);
    p = reallocarray(p, 1000, 1000);
    CHECK(p && conform_lost(p, 100, 100, 9) < 0);
    p = reallocarray(p, 3, 7);
    CHECK(p && conform_lost(p, 21, 100, 9) < 0);
    free(p);
}

static void shrinking_never_fails(void)
{
    for (size_t bytes = (size_t)8 << 20; bytes > 100; bytes /= 2) {
        void *p = malloc(bytes);
        CHECK(p && realloc(p, bytes) != NULL);
        p = realloc(p, bytes / 2);
        CHECK_THAT(p != NULL, "%zu", bytes);
        free(p);
    }
}

static const struct conform_case cases[] = {
    {"every route keeps min(old, new) bytes", every_route_keeps_the_bytes},
    {"every route keeps them with a neighbour behind", every_route_keeps_the_bytes_when_blocked},
    {"a ladder up and down keeps them", a_ladder_up_and_down_keeps_the_bytes},
    {"30000 random steps keep them", random_steps_keep_the_bytes},
    {"realloc(NULL, n) is malloc(n)", of_null_is_malloc},
    {"realloc(p, 0) frees p, returns NULL, leaves errno alone", to_zero_frees_and_returns_null},
    {"reallocarray(p, 0, n) does as well", reallocarray_to_zero_frees},
    {"reallocarray keeps the bytes", reallocarray_keeps_the_bytes},
    {"shrinking never fails", shrinking_never_fails},
};

CONFORM_MAIN(cases)
