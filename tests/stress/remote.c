/* remote.c: blocks that are freed by other threads than made them, each verified there. The
 * patterns are those of xmalloc-test, larson and a pipeline of stages. */
#include "churn.h"
#include "storm.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define N_THREADS 6
#define PACK 64

/* Blocks travel in packs, on a list that anybody pushes to and takes whole. */
struct pack {
    struct pack *next;
    unsigned n;
    struct churn_block *blocks[PACK];
};

static struct pack *_Atomic desks[N_THREADS];
static _Atomic unsigned n_working;
static size_t size_max;

static void send(unsigned to, struct pack *pack)
{
    struct pack *seen = atomic_load_explicit(&desks[to], memory_order_relaxed);
    do {
        pack->next = seen;
        /* release; pairs with the acquire in drop_desk */
    } while (!atomic_compare_exchange_weak_explicit(&desks[to], &seen, pack, memory_order_release,
                                                    memory_order_relaxed));
}

static void drop_desk(unsigned mine)
{
    struct pack *pack = atomic_exchange_explicit(&desks[mine], NULL, memory_order_acquire);
    while (pack) {
        struct pack *next = pack->next;
        for (unsigned i = 0; i < pack->n; i++)
            churn_drop(pack->blocks[i]);
        free(pack);
        pack = next;
    }
}

static struct pack *make_pack(uint64_t *state)
{
    struct pack *pack = malloc(sizeof *pack);
    STORM_REQUIRE(pack, "no memory");
    for (pack->n = 0; pack->n < PACK; pack->n++) {
        pack->blocks[pack->n] = churn_make(state, storm_pick_size(state, size_max));
        STORM_REQUIRE(pack->blocks[pack->n], "no memory");
    }
    return pack;
}

static void *exchange(void *arg)
{
    unsigned mine = (unsigned)(uintptr_t)arg;
    uint64_t state = storm_seed(mine);
    for (unsigned i = 0; i < storm_size(300, 2000, 50000); i++) {
        send((unsigned)(storm_random(&state) % N_THREADS), make_pack(&state));
        drop_desk(mine);
    }
    atomic_fetch_sub(&n_working, 1);
    while (atomic_load(&n_working) > 0) {
        drop_desk(mine);
        sched_yield();
    }
    drop_desk(mine);
    return NULL;
}

static void run_exchange(size_t max)
{
    pthread_t threads[N_THREADS];
    size_max = max;
    atomic_store(&n_working, N_THREADS);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        STORM_REQUIRE(pthread_create(&threads[i], NULL, exchange, (void *)i) == 0, "no thread");
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < N_THREADS; i++)
        drop_desk(i);
}

static void everybody_to_everybody_small(void)
{
    run_exchange(256);
}

static void everybody_to_everybody_mixed(void)
{
    run_exchange(32768);
}

/* One makes, all others free: the maker's memory comes back only from others. */
static void *only_free(void *arg)
{
    unsigned mine = (unsigned)(uintptr_t)arg;
    while (atomic_load(&n_working) > 0) {
        drop_desk(mine);
        sched_yield();
    }
    drop_desk(mine);
    return NULL;
}

static void one_makes_all_free(void)
{
    pthread_t threads[N_THREADS];
    size_max = 1024;
    atomic_store(&n_working, 1);
    for (uintptr_t i = 1; i < N_THREADS; i++)
        STORM_REQUIRE(pthread_create(&threads[i], NULL, only_free, (void *)i) == 0, "no thread");
    uint64_t state = storm_seed(99);
    size_t middle = 0, most = 0;
    unsigned n = storm_size(1000, 8000, 200000);
    for (unsigned i = 0; i < n; i++) {
        while (atomic_load_explicit(&desks[1 + i % (N_THREADS - 1)], memory_order_relaxed))
            sched_yield(); /* bounded: at most a pack per desk is under way */
        send(1 + i % (N_THREADS - 1), make_pack(&state));
        size_t resident = i % 64 == 0 ? storm_resident() : 0;
        if (i < n / 2 && resident > middle)
            middle = resident;
        if (resident > most)
            most = resident;
    }
    atomic_store(&n_working, 0);
    for (int i = 1; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    storm_say("most resident: first half %zu KiB, all %zu KiB", middle >> 10, most >> 10);
    STORM_REQUIRE(most <= middle + ((size_t)8 << 20), "memory freed by others did not come back");
}

int main(int argc, char **argv)
{
    static const struct storm_case cases[] = {
        {"everybody_to_everybody_small", everybody_to_everybody_small, 60},
        {"everybody_to_everybody_mixed", everybody_to_everybody_mixed, 60},
        {"one_makes_all_free", one_makes_all_free, 60},
    };
    return storm_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
