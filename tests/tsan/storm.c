/* storm.c: threads that order each other as little as possible, for the thread sanitizer.
 *
 *     storm [--ops N] [--threads N] [--guests N] [--seed S]
 *
 * The sanitizer reports two accesses that nothing orders. So that an order which the allocator
 * forgot is not supplied by the test, blocks travel one way only: producers post them, consumers
 * take them, free them, and post nothing. A box is filled with release and emptied with acquire,
 * and the emptying publishes nothing. So what a consumer did before its free reaches the next user
 * of that memory through the allocator or not at all. For the same reason threads that end are not
 * joined: a heap's next holder is ordered by the adoption alone.
 *
 * Residents run all the time; guests come, work a little and end. All write and read what they
 * hold, free some of their own blocks, and now and then ask for a trim, statistics, a walk.
 */
#include "base/rng.h"
#include "subject.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 16u
#define GUESTS_AT_ONCE 6u
#define BOXES 256u
#define KEPT 48u

static struct {
    uint64_t n_ops, n_guests, seed;
    uint32_t n_residents;
} options = {.n_ops = 30000, .n_guests = 120, .seed = 1, .n_residents = 4};

static _Atomic(unsigned char *) boxes[BOXES];
static _Atomic uint64_t n_running, n_producing, n_remote, n_served;
static void *_Atomic shared_heap;

struct person {
    uint64_t rng, n_ops;
    bool is_producer, is_resident;
    unsigned char *kept[KEPT];
};

static _Noreturn void fail(const char *sentence, const void *p)
{
    fprintf(stderr, "FAILED storm of seed %llu: %s (%p)\n", (unsigned long long)options.seed,
            sentence, p);
    _exit(1);
}

/* Few sizes, so that all meet in the same pages; one of each kind of page and object. */
static size_t pick_size(uint64_t r)
{
    static const uint32_t sizes[] = {16,  16,   24,   48,   64,   64,   128,   200,
                                     512, 1000, 1024, 2048, 3000, 9000, 20000, 40000};
    if (r % 64 == 0)
        return 100000 + (r >> 32) % 200000;
    if (r % 512 == 1)
        return (size_t)1 << 20 | (r >> 32) % 3000000;
    return sizes[r / 512 % (sizeof sizes / sizeof sizes[0])];
}

/* The first and last byte say that the block was written by its holder. */
static void sign(unsigned char *p)
{
    size_t n = subject.usable_size(p);
    memset(p, 0xA5, n < 64 ? n : 64);
    p[n - 1] = 0x5A;
}

static void inspect(unsigned char *p)
{
    size_t n = subject.usable_size(p);
    if (p[0] != 0xA5 || p[n - 1] != 0x5A)
        fail("a block that was handed over lost its contents", p);
}

static unsigned char *obtain(uint64_t r)
{
    size_t size = pick_size(r);
    unsigned char *p;
    switch (r >> 60) {
    case 0:
        p = subject.calloc(1, size);
        if (p && p[size - 1] != 0)
            fail("calloc is not zero", p);
        break;
    case 1:
        p = subject.aligned_alloc(256, size);
        break;
    case 2:
        if (subject.heap_alloc) {
            p = subject.heap_alloc(atomic_load_explicit(&shared_heap, memory_order_relaxed), size);
            break;
        } /* fall through */
    default:
        p = subject.malloc(size);
    }
    if (!p)
        fail("no memory", p);
    sign(p);
    atomic_fetch_add_explicit(&n_served, 1, memory_order_relaxed);
    return p;
}

/* Relaxed where it finds the box empty, and release where it fills it: see the head. */
static bool post(unsigned char *p, uint64_t r)
{
    unsigned char *none = NULL;
    return atomic_compare_exchange_strong_explicit(&boxes[r % BOXES], &none, p,
                                                   memory_order_release, memory_order_relaxed);
}

static bool empty_box(uint64_t r)
{
    unsigned char *p = atomic_exchange_explicit(&boxes[r % BOXES], NULL, memory_order_acquire);
    if (!p)
        return false;
    atomic_fetch_add_explicit(&n_remote, 1, memory_order_relaxed);
    inspect(p);
    memset(p, 0x77, 16);
    if (r >> 32 & 1 && r % 8 == 3) {
        p = subject.realloc(p, pick_size(r >> 8));
        if (!p || p[0] != 0x77)
            fail("realloc lost the contents", p);
    }
    subject.free(p);
    return true;
}

static bool pass_over(void *context, const struct walked *block)
{
    *(size_t *)context += block->is_known;
    return true;
}

static void ask(uint64_t r)
{
    uint64_t live;
    size_t n = 0;
    if (r % 8 == 0 && subject.walk)
        subject.walk(NULL, pass_over, &n);
    else if (r % 8 == 1 && subject.verify && !subject.verify())
        fail("the heap finds itself damaged", NULL);
    else if (r % 8 < 4 && subject.count)
        subject.count(&live);
    else if (r % 8 == 4 && subject.idle)
        subject.idle();
    else if (r % 8 == 5 && subject.trim)
        subject.trim();
}

/* A producer's call: fills a place of its own, or posts or frees what is there. */
static void produce(struct person *person, uint64_t r)
{
    unsigned char **slot = &person->kept[(r >> 16) % KEPT];
    if (!*slot) {
        *slot = obtain(ash_rng_next(&person->rng));
        return;
    }
    inspect(*slot);
    if (r % 4 == 0) {
        subject.free(*slot);
    } else if (!post(*slot, r >> 8)) {
        sched_yield(); /* the consumers are behind */
        return;
    }
    *slot = NULL;
}

/* A consumer's call: takes what is in a box; seldom, it has a block of its own for a while. */
static void consume(struct person *person, uint64_t r)
{
    if (!empty_box(r >> 8))
        sched_yield();
    if (r % 16 != 0)
        return;
    unsigned char **slot = &person->kept[(r >> 16) % KEPT];
    if (*slot) {
        inspect(*slot);
        subject.free(*slot);
        *slot = NULL;
    } else {
        *slot = obtain(ash_rng_next(&person->rng));
    }
}

/* Resident consumers stay as long as there are resident producers. */
static bool goes_on(const struct person *person, uint64_t n_done)
{
    if (person->is_resident && !person->is_producer)
        return atomic_load_explicit(&n_producing, memory_order_relaxed) > 0;
    return n_done < person->n_ops;
}

static void live(struct person *person)
{
    for (uint64_t i = 0; goes_on(person, i); i++) {
        uint64_t r = ash_rng_next(&person->rng);
        if (person->is_producer)
            produce(person, r);
        else
            consume(person, r);
        if (r >> 54 == 0)
            ask(r >> 8);
    }
    /* What is posted now outlives its thread: its heap is an orphan when it is freed. */
    for (unsigned i = 0; i < KEPT; i++)
        if (person->kept[i] &&
            (!person->is_producer || i % 4 == 0 || !post(person->kept[i], i + person->rng)))
            subject.free(person->kept[i]);
}

static void *run(void *argument)
{
    struct person person = {.rng = (uint64_t)(uintptr_t)argument};
    person.is_resident = person.rng >> 63;
    person.is_producer = person.rng >> 62 & 1;
    person.n_ops = person.is_resident ? options.n_ops : 40 + person.rng % 200;
    live(&person);
    if (person.is_resident && person.is_producer)
        atomic_fetch_sub_explicit(&n_producing, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&n_running, 1, memory_order_relaxed);
    return NULL;
}

static void start(uint64_t seed, bool is_resident, bool is_producer)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    seed = seed >> 2 | (uint64_t)is_resident << 63 | (uint64_t)is_producer << 62;
    atomic_fetch_add_explicit(&n_running, 1, memory_order_relaxed);
    if (is_resident && is_producer)
        atomic_fetch_add_explicit(&n_producing, 1, memory_order_relaxed);
    int code;
    while ((code = pthread_create(&thread, &attributes, run, (void *)(uintptr_t)seed)) == EAGAIN)
        sched_yield();
    if (code)
        fail("pthread_create", NULL);
    pthread_attr_destroy(&attributes);
}

static void wait_until_running(uint64_t n_max)
{
    while (atomic_load_explicit(&n_running, memory_order_relaxed) > n_max)
        sched_yield();
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--ops"))
            options.n_ops = n;
        else if (!strcmp(argv[i], "--threads") && n <= THREADS_MAX)
            options.n_residents = (uint32_t)n;
        else if (!strcmp(argv[i], "--guests"))
            options.n_guests = n;
        else if (!strcmp(argv[i], "--seed"))
            options.seed = n;
        else
            argc = 0;
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "usage: storm [--ops N] [--threads N] [--guests N] [--seed S]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    printf("storm: subject %s, --ops %llu --threads %u --guests %llu --seed %llu\n", subject.name,
           (unsigned long long)options.n_ops, options.n_residents,
           (unsigned long long)options.n_guests, (unsigned long long)options.seed);
    fflush(stdout);
    if (subject.heap_new)
        shared_heap = subject.heap_new();
    uint64_t rng = options.seed;
    for (uint32_t i = 0; i < options.n_residents; i++)
        start(ash_rng_next(&rng), true, i % 2 == 0);
    for (uint64_t i = 0; i < options.n_guests; i++) {
        wait_until_running(options.n_residents + GUESTS_AT_ONCE - 1);
        start(ash_rng_next(&rng), false, i % 3 != 0);
    }
    wait_until_running(0);
    printf("%llu blocks served, %llu freed by another thread\n1 passed, 0 failed\n",
           (unsigned long long)n_served, (unsigned long long)n_remote);
    fflush(stdout);
    _exit(0); /* threads may still be on their way out: nothing is torn down */
}
