/* subject.c: a program that does everything that asks the system for memory or gives it back:
 * more than 500 calls of the os seam, while any of them may be refused.
 *
 *     subject REFUSALS_MAX [lifted]
 *
 * It verifies all contents, requires ENOMEM with each NULL, and ends with 0 when at most
 * REFUSALS_MAX requests of a process were refused: one refused system call may cost one
 * request, and not the ones after it (F12, F13, F14). "any" sets no bound.
 *
 * lifted: a supervisor (supervised.c) is told when to begin and when to end refusing. After
 * that the same work must succeed, and what could not be given back must go back.
 */
#include "churn.h"
#include "lift.h"
#include "storm.h"
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define HUGE_BYTES (600 * MIB) /* has a mapping of its own */

static struct churn_pool pool = {.size_max = MIB / 4};
static unsigned n_refused; /* outside the pool; by this thread alone */

/* Counts a NULL, which must say ENOMEM. */
static bool is_refused(const void *p, const char *call)
{
    if (p)
        return false;
    STORM_REQUIRE(errno == ENOMEM, "%s: NULL with errno %d", call, errno);
    n_refused++;
    return true;
}

static void mixed(unsigned n)
{
    uint64_t state = storm_seed(n);
    for (unsigned i = 0; i < n; i++)
        churn_step(&pool, &state);
}

static void ladder(size_t top)
{
    size_t n = 16;
    unsigned char *block = malloc(n);
    if (is_refused(block, "malloc"))
        return;
    memset(block, 'a', n);
    for (bool up = true; up || n > 64;) {
        size_t next = up ? n + n / 2 : n / 3;
        unsigned char *moved = realloc(block, next);
        if (is_refused(moved, "realloc")) {
            moved = block;
            next = n;
            up = false;
        }
        size_t kept = n < next ? n : next;
        for (size_t i = 0; i<kept; i += kept> 4096 ? 509 : 1)
            STORM_REQUIRE(moved[i] == 'a', "realloc from %zu to %zu changed byte %zu", n, next, i);
        if (next > n)
            memset(moved + n, 'a', next - n);
        block = moved;
        if (next == n && next <= 64)
            break; /* refused at the very bottom */
        n = next;
        up = up && n < top;
    }
    free(block);
}

/* Only the ends of a huge block are touched, so it costs calls and no memory. */
static void huge(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned char *block = i % 2 ? calloc(1, HUGE_BYTES) : malloc(HUGE_BYTES);
        if (is_refused(block, "a huge block"))
            continue;
        STORM_REQUIRE(block[0] == 0 || i % 2 == 0, "calloc is not zero");
        block[0] = block[HUGE_BYTES - 1] = 1;
        if (i % 16 == 0) {
            unsigned char *moved = realloc(block, HUGE_BYTES + 4 * MIB);
            if (!is_refused(moved, "realloc of a huge block"))
                block = moved;
            STORM_REQUIRE(block[0] == 1 && block[HUGE_BYTES - 1] == 1, "a huge block changed");
        }
        free(block);
    }
}

/* Neighbours that all grow: most must move, and are too large to be copied. */
static void moved(void)
{
    char *blocks[4];
    size_t small = 10 * MIB, large = 20 * MIB;
    for (int i = 0; i < 4; i++) {
        blocks[i] = malloc(small);
        for (size_t at = 0; !is_refused(blocks[i], "malloc") && at < small; at += MIB / 4)
            blocks[i][at] = (char)(i + 1);
    }
    for (int i = 0; i < 4; i++) {
        char *grown = blocks[i] ? realloc(blocks[i], large) : NULL;
        if (!blocks[i] || is_refused(grown, "realloc"))
            continue;
        blocks[i] = grown;
        for (size_t at = 0; at < small; at += MIB / 4)
            STORM_REQUIRE(grown[at] == i + 1, "block %d changed at %zu", i, at);
    }
    for (int i = 0; i < 4; i++)
        free(blocks[i]);
}

static void aligned(void)
{
    for (size_t align = 16; align <= 64 * MIB; align *= 2) {
        void *p = NULL;
        int err = posix_memalign(&p, align, align / 2 + 100);
        STORM_REQUIRE(err == 0 || (err == ENOMEM && !p), "posix_memalign: %d, %p", err, p);
        STORM_REQUIRE(((uintptr_t)p & (align - 1)) == 0, "%p is not a multiple of %zu", p, align);
        n_refused += err != 0;
        if (p)
            *(char *)p = 1;
        free(p);
    }
}

/* Zero also where the release of the memory was refused. */
static void zeroed(void)
{
    for (int i = 0; i < 6; i++) {
        size_t n = (size_t)(1 + i) * 700000;
        char *dirty = malloc(n);
        if (!is_refused(dirty, "malloc"))
            memset(dirty, 1, n);
        free(dirty);
        malloc_trim(0);
        char *clean = calloc(1, n);
        if (!is_refused(clean, "calloc"))
            STORM_REQUIRE(storm_is_zero(clean, n), "calloc(%zu) is not zero", n);
        free(clean);
    }
}

static void *work(void *arg)
{
    uint64_t state = storm_seed((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 400; i++)
        churn_step(&pool, &state);
    return NULL;
}

static void threads(void)
{
    pthread_t running[4];
    unsigned n = 0;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MIB / 4); /* glibc keeps small ones, and never unmaps */
    for (uintptr_t i = 0; i < 4; i++) {
        int err = pthread_create(&running[n], &attr, work, (void *)i);
        STORM_REQUIRE(err == 0 || err == EAGAIN || err == ENOMEM, "pthread_create: %d", err);
        n += err == 0;
        n_refused += err != 0;
    }
    while (n > 0)
        pthread_join(running[--n], NULL);
}

static void require_at_most(unsigned refusals_max)
{
    unsigned all = n_refused + (unsigned)atomic_load(&pool.n_refused);
    STORM_REQUIRE(all <= refusals_max, "%u requests were refused, expected at most %u", all,
                  refusals_max);
}

static void children(unsigned refusals_max)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            storm_child_begins();
            if (i == 1)
                churn_empty(&pool);
            mixed(300);
            huge(2);
            if (i == 2)
                threads();
            churn_empty(&pool);
            require_at_most(refusals_max);
            _exit(0);
        }
        storm_child_ends(pid, "fork");
    }
}

static void work_through(unsigned refusals_max)
{
    mixed(400);
    ladder(2 * MIB);
    huge(10);
    threads();
    children(refusals_max);
    aligned();
    zeroed();
    for (int round = 0; round < 4; round++) {
        huge(30);
        mixed(300);
        ladder(MIB);
        moved();
        churn_empty(&pool);
        malloc_trim(0);
    }
    threads();
    churn_empty(&pool);
    require_at_most(refusals_max);
}

/* Large and huge blocks full of memory. */
static void fill_and_free(void)
{
    for (int i = 0; i < 4; i++) {
        size_t n = i % 2 ? HUGE_BYTES : 40 * MIB;
        char *block = malloc(n);
        if (is_refused(block, "malloc"))
            continue;
        memset(block, 1, 24 * MIB);
        free(block);
    }
    malloc_trim(0);
}

/* The cause is gone: everything works, and the memory that could not go back does (F14). */
static void require_recovery(size_t resident_before)
{
    n_refused = 0;
    atomic_store(&pool.n_refused, 0);
    work_through(0);
    fill_and_free();
    require_at_most(0);
    size_t resident = storm_resident();
    STORM_REQUIRE(resident <= resident_before + 16 * MIB, "%zu KiB resident, %zu KiB before",
                  resident >> 10, resident_before >> 10);
}

int main(int argc, char **argv)
{
    bool lifted = argc == 3 && strcmp(argv[2], "lifted") == 0;
    STORM_REQUIRE(argc == 2 || lifted, "how many refusals are fine?");
    unsigned refusals_max =
        strcmp(argv[1], "any") == 0 ? UINT_MAX : (unsigned)strtoul(argv[1], NULL, 10);
    alarm(60);
    size_t resident = storm_resident();
    if (lifted)
        lift_tell(LIFT_REFUSE);
    work_through(refusals_max);
    if (!lifted)
        return 0;
    fill_and_free();
    lift_tell(LIFT_ADMIT);
    require_recovery(resident);
    return 0;
}
