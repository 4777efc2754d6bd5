/* prop_strategies.c: random calls to every strategy of the lab, each judged by a shadow.
 *
 *     build/tests/bin/prop_strategies --seed 7 --ops 100000 --only tlsf
 *
 * Each row is one strategy with parameters. It is driven three times with the same seed: twice the
 * same (LC10), once without its index (LC12). Sizes, alignments, threads, resizes, time and
 * refusals are random; a load swells and shrinks, and ends with nothing live. Then a short load
 * runs again and again, and each time the next one of its calls to map or extend is refused (LC13).
 */
#include "base/base.h"
#include "base/rng.h"
#include "scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define N_PARAMS_MAX 8
#define REFUSAL_OPS 250
#define REFUSALS_MAX 40

struct row {
    const char *strategy, *params; /* key=value:key=value */
};

static const struct row rows[] = {
    {"first_fit", ""},
    {"first_fit", "order=lifo:split=64"},
    {"first_fit", "order=fifo:coalesce=deferred"},
    {"first_fit", "coalesce=never"},
    {"first_fit", "top=equal:return=pages"},
    {"first_fit", "order=lifo:return=top:grow=8192"},
    {"next_fit", ""},
    {"next_fit", "order=lifo:top=equal"},
    {"next_fit", "order=fifo:coalesce=deferred:return=top"},
    {"best_fit", ""},
    {"best_fit", "order=lifo:coalesce=deferred"},
    {"best_fit", "order=fifo:top=equal:return=top"},
    {"worst_fit", ""},
    {"worst_fit", "top=equal:order=lifo"},
    {"buddy", ""},
    {"buddy", "pick=lowest:unit=16:return=pages"},
    {"buddy", "pick=lowest:segment=4m"},
    {"tlsf", ""},
    {"tlsf", "sl=3:return=pages"},
    {"tlsf", "return=top:grow=4096"},
    {"arena", ""},
    {"arena", "region=8192:return=unmap"},
    {"ptmalloc2", ""},
    {"ptmalloc2", "tcache_count=0:arena_max=2"},
    {"ptmalloc2", "mxfast=0:mmap_threshold=32768:trim_threshold=65536:top_pad=0"},
    {"tcmalloc", ""},
    {"tcmalloc", "release_rate=10:cache_bytes=1m"},
    {"mimalloc", ""},
    {"mimalloc", "purge_delay=0:segment_delay=0:reclaim=1"},
    {"jemalloc", ""},
    {"jemalloc", "narenas=2:dirty_decay_ms=100:oversize=1m:seed=7"},
    {"jemalloc", "dirty_decay_ms=0"},
};

struct options {
    uint64_t seed, n_ops;
    const char *only;
};

static size_t random_size(uint64_t *rng)
{
    static const struct {
        unsigned percent, log2;
    } kinds[] = {{55, 7}, {25, 11}, {12, 15}, {6, 18}, {2, 22}};
    uint64_t draw = ash_rng_next(rng) % 100;
    unsigned i = 0;
    while (draw >= kinds[i].percent)
        draw -= kinds[i++].percent;
    uint64_t x = ash_rng_next(rng);
    if (x % 8 == 0) /* round sizes are where mistakes are */
        return ((size_t)1 << (x >> 8) % (kinds[i].log2 + 1)) + (x >> 32) % 3 - 1;
    return (x >> 8) % (((size_t)1 << kinds[i].log2) + 1);
}

static size_t random_align(uint64_t *rng)
{
    uint64_t x = ash_rng_next(rng);
    if (x % 10)
        return 16;
    return (size_t)16 << (x >> 8) % ((x >> 16) % 8 ? 9 : 17);
}

static void random_refusals(struct scene *scene, uint64_t *rng)
{
    uint64_t x = ash_rng_next(rng);
    size_t mapped = ash_lab_memory_count(scene->memory)->mapped_bytes;
    if (x % 3 == 0)
        ash_lab_memory_refuse_after(scene->memory, (x >> 8) % 4);
    else
        ash_lab_memory_set_limit(scene->memory, x % 3 == 1 ? mapped + 1 : 0);
}

static void random_thread(struct scene *scene, uint64_t *rng)
{
    uint64_t x = ash_rng_next(rng);
    if (x % 50 == 0)
        scene_end_thread(scene);
    else
        scene_switch(scene, (unsigned)(x >> 8) % SCENE_THREADS);
}

static void one_operation(struct scene *scene, uint64_t *rng, uint64_t *now, bool swells)
{
    uint64_t draw = ash_rng_next(rng) % 1000;
    unsigned block_i =
        scene->n_blocks ? (unsigned)(ash_rng_next(rng) % scene->n_blocks) : SCENE_BLOCKS;
    size_t size = random_size(rng), align = random_align(rng);
    bool has_room = scene->n_blocks < SCENE_BLOCKS - 1 && scene->live_bytes < (size_t)256 << 20;
    if (draw < 100) {
        random_thread(scene, rng);
    } else if (draw < 108) {
        random_refusals(scene, rng);
    } else if (draw < 150) {
        *now += ash_rng_next(rng) % 2000000000 >> ash_rng_next(rng) % 24;
        ash_lab_memory_set_now(scene->memory, *now);
    } else if (draw < 250) {
        if (block_i != SCENE_BLOCKS)
            scene_resize(scene, block_i, size);
    } else if (draw < (swells ? 680u : 560u)) {
        if (has_room)
            scene_alloc(scene, size, align, ash_rng_next(rng));
    } else if (block_i != SCENE_BLOCKS) {
        scene_free(scene, block_i);
    }
}

/* What two runs of the same calls must have in common. */
struct outcome {
    uint64_t hash, n_steps, peak_bytes;
};

static void empty(struct scene *scene)
{
    while (scene->n_blocks) {
        if (scene->n_blocks % 7 == 0)
            scene_switch(scene, scene->n_blocks % SCENE_THREADS);
        scene_free(scene, scene->n_blocks - 1);
        if (scene->n_blocks % 256 == 0)
            scene_check(scene);
    }
    for (unsigned i = SCENE_THREADS; i-- > 1;)
        if (scene->is_alive[i]) {
            scene_switch(scene, i);
            scene_end_thread(scene);
            scene_check(scene);
        }
}

static struct outcome drive(const struct ash_lab_strategy *strategy,
                            const struct ash_lab_param *params, const struct options *options)
{
    static struct scene scene;
    uint64_t rng = options->seed, now = 0;
    scene_open(&scene, strategy, params);
    scene_check(&scene);
    for (uint64_t i = 0; i < options->n_ops; i++) {
        scene.op_i = i;
        one_operation(&scene, &rng, &now, i / 1500 % 2 == 0);
        /* Each operation while the heap is small, then now and then. */
        if (i < 400 || i % 97 == 0)
            scene_check(&scene);
    }
    ash_lab_memory_set_limit(scene.memory, 0);
    ash_lab_memory_refuse_after(scene.memory, UINT64_MAX);
    for (unsigned i = 0; i < 50; i++)
        if (!scene_alloc(&scene, random_size(&rng), 16, i))
            scene_fail(&scene, "does not serve again after refusals");
    const struct ash_lab_memory_count *count = ash_lab_memory_count(scene.memory);
    if (strategy->bound && strategy->bound(scene.live_peak_bytes, (size_t)1 << 23) &&
        count->mapped_peak_bytes > strategy->bound(scene.live_peak_bytes, (size_t)1 << 23))
        scene_fail(&scene, "bound: %llu bytes were mapped",
                   (unsigned long long)count->mapped_peak_bytes);
    empty(&scene);
    scene_check(&scene);
    struct outcome outcome = {scene.hash, count->n_steps, count->mapped_peak_bytes};
    scene_close(&scene);
    return outcome;
}

/* A short load in which the n-th call for memory is refused. false: there were not so many. */
static bool refuse_one(const struct ash_lab_strategy *strategy, const struct ash_lab_param *params,
                       uint64_t seed, uint64_t n)
{
    static struct scene scene;
    scene_open(&scene, strategy, params);
    ash_lab_memory_refuse_after(scene.memory, n);
    uint64_t n_refused = 0;
    for (uint64_t i = 0; i < REFUSAL_OPS; i++) {
        scene.op_i = i;
        uint64_t draw = ash_rng_next(&seed);
        if (draw % 16 == 0)
            scene_switch(&scene, (unsigned)(draw >> 8) % SCENE_THREADS);
        size_t size = random_size(&seed), align = random_align(&seed);
        if (draw % 3 && scene.n_blocks < SCENE_BLOCKS - 1)
            scene_alloc(&scene, size, align, draw);
        else if (scene.n_blocks)
            scene_free(&scene, (unsigned)(draw >> 8) % scene.n_blocks);
        bool is_near = ash_lab_memory_count(scene.memory)->n_refused > n_refused;
        n_refused = ash_lab_memory_count(scene.memory)->n_refused;
        if (is_near || (n_refused && i % 16 == 0))
            scene_check(&scene);
    }
    scene_check(&scene);
    scene_close(&scene);
    return n_refused > 0;
}

/* Splits key=value:key=value in place. */
static void read_params(char *text, struct ash_lab_param *params)
{
    unsigned n = 0;
    char *rest = NULL;
    for (char *pair = strtok_r(text, ":", &rest); pair; pair = strtok_r(NULL, ":", &rest)) {
        char *equals = strchr(pair, '=');
        if (!equals || n == N_PARAMS_MAX - 2)
            abort();
        *equals = 0;
        params[n++] = (struct ash_lab_param){pair, equals + 1};
    }
    params[n] = (struct ash_lab_param){NULL, NULL};
}

static void run_row(const struct row *row, const struct options *options)
{
    const struct ash_lab_strategy *strategy = ash_lab_find(row->strategy);
    char text[256];
    struct ash_lab_param params[N_PARAMS_MAX];
    snprintf(text, sizeof text, "%s", row->params);
    read_params(text, params);
    snprintf(scene_where, sizeof scene_where, "%s:%s --seed %llu --ops %llu", row->strategy,
             row->params, (unsigned long long)options->seed, (unsigned long long)options->n_ops);
    struct outcome first = drive(strategy, params, options);
    struct outcome again = drive(strategy, params, options);
    if (memcmp(&first, &again, sizeof first) != 0) {
        fprintf(stderr, "FAILED two runs differ: %s\n", scene_where);
        exit(1);
    }
    for (uint64_t k = 0; k < REFUSALS_MAX && refuse_one(strategy, params, options->seed, k); k++)
        ;
    unsigned n = 0;
    while (params[n].key)
        n++;
    params[n] = (struct ash_lab_param){"plain", "yes"};
    params[n + 1] = (struct ash_lab_param){NULL, NULL};
    struct outcome plain = drive(strategy, params, options);
    if (memcmp(&first, &plain, sizeof first) != 0) {
        fprintf(stderr, "FAILED plain=yes gives other addresses or steps: %s\n", scene_where);
        exit(1);
    }
    printf("%-10s %-40s peak %6llu KiB  steps %llu\n", row->strategy, row->params,
           (unsigned long long)first.peak_bytes / 1024, (unsigned long long)first.n_steps);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct options options = {.n_ops = 8000};
    if (getrandom(&options.seed, sizeof options.seed, 0) != sizeof options.seed)
        return 1;
    options.seed >>= 32;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            options.seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--ops") == 0)
            options.n_ops = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--only") == 0)
            options.only = argv[i + 1];
    }
    printf("seed %llu\n", (unsigned long long)options.seed);
    for (unsigned i = 0; i < ASH_COUNT_OF(rows); i++)
        if (!options.only || strcmp(options.only, rows[i].strategy) == 0)
            run_row(&rows[i], &options);
    return 0;
}
