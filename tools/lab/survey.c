/* survey.c: one pass over a trace before anything is replayed; see survey.h. */
#include "lab/survey.h"
#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct life {
    uint64_t size, born_bytes; /* size + 1; 0: nobody */
};

struct pass {
    struct ash_lab_survey *survey;
    struct life *lives; /* by slot */
    size_t n_lives;
    uint8_t *threads; /* seen, by bit */
    uint64_t live_bytes, live_blocks, oracle_bytes;
};

enum { THREADS_MAX = 1 << 20 };

unsigned ash_lab_size_class(uint64_t size)
{
    if (size <= 16)
        return size == 0 ? 0 : (unsigned)(size - 1) / 4;
    unsigned shift = 63 - (unsigned)__builtin_clzll(size - 1);
    unsigned class_i = (shift - 3) * 4 + (unsigned)((size - 1) >> (shift - 2) & 3);
    return class_i < ASH_LAB_SIZES ? class_i : ASH_LAB_SIZES - 1;
}

uint64_t ash_lab_size_top(unsigned class_i)
{
    if (class_i < 4)
        return (class_i + 1) * 4;
    return (uint64_t)(5 + class_i % 4) << (class_i / 4 + 1);
}

static void end_life(struct pass *pass, struct life *life, unsigned class_i)
{
    uint64_t size = life->size - 1;
    pass->survey->lives[class_i].n_births++;
    pass->survey->lives[class_i].bytes += size;
    pass->live_bytes -= size;
    pass->oracle_bytes -= ash_align_up(size, 16);
    pass->live_blocks--;
    life->size = 0;
}

static unsigned life_class(const struct pass *pass, const struct life *life)
{
    uint64_t age = pass->survey->allocated_bytes - life->born_bytes;
    unsigned class_i = age ? 64 - (unsigned)__builtin_clzll(age) : 0;
    return class_i < ASH_LAB_LIVES - 1 ? class_i : ASH_LAB_LIVES - 2;
}

static bool make_room(struct pass *pass, uint32_t slot)
{
    if (slot < pass->n_lives)
        return true;
    size_t n = 2 * (size_t)slot + 1024;
    struct life *more = realloc(pass->lives, n * sizeof(*more));
    if (!more)
        return false;
    memset(more + pass->n_lives, 0, (n - pass->n_lives) * sizeof(*more));
    pass->lives = more;
    pass->n_lives = n;
    return true;
}

static void note_thread(struct pass *pass, uint32_t thread)
{
    struct ash_lab_survey *survey = pass->survey;
    if (thread > survey->thread_max)
        survey->thread_max = thread;
    if (thread >= THREADS_MAX || pass->threads[thread / 8] >> (thread % 8) & 1)
        return;
    pass->threads[thread / 8] |= (uint8_t)(1 << (thread % 8));
    survey->n_threads++;
}

static void give_birth(struct pass *pass, struct life *life, uint64_t size)
{
    struct ash_lab_survey *survey = pass->survey;
    *life = (struct life){size + 1, survey->allocated_bytes};
    survey->sizes[ash_lab_size_class(size)].n_births++;
    survey->sizes[ash_lab_size_class(size)].bytes += size;
    survey->allocated_bytes += size;
    survey->block_max_bytes = ash_size_max(survey->block_max_bytes, size);
    pass->live_bytes += size;
    pass->oracle_bytes += ash_align_up(size, 16);
    pass->live_blocks++;
    survey->live_max_blocks = ash_size_max(survey->live_max_blocks, pass->live_blocks);
    survey->oracle_max_bytes = ash_size_max(survey->oracle_max_bytes, pass->oracle_bytes);
    if (pass->live_bytes <= survey->live_max_bytes)
        return;
    survey->live_max_bytes = pass->live_bytes;
    survey->live_max_entry = survey->count.n_entries;
}

static bool take(struct pass *pass, const struct ash_lab_entry *entry)
{
    struct ash_lab_survey *survey = pass->survey;
    survey->count.n_entries++;
    survey->ns_span = ash_size_max(survey->ns_span, entry->ns);
    note_thread(pass, entry->thread);
    if (entry->op >= ASH_LAB_OP_CAME)
        return true;
    if (!make_room(pass, entry->slot))
        return false;
    struct life *life = &pass->lives[entry->slot];
    if (entry->op == ASH_LAB_OP_FREE || entry->op == ASH_LAB_OP_REALLOC)
        end_life(pass, life, life_class(pass, life));
    survey->n_reallocs += entry->op == ASH_LAB_OP_REALLOC;
    survey->n_aligned += entry->op == ASH_LAB_OP_ALIGNED;
    if (entry->op != ASH_LAB_OP_FREE)
        give_birth(pass, life, entry->size);
    return true;
}

static void finish(struct pass *pass, const struct ash_lab_load *load)
{
    struct ash_lab_survey *survey = pass->survey;
    const struct ash_lab_source *source = ash_lab_load_source(load);
    survey->live_end_bytes = pass->live_bytes;
    for (size_t i = 0; i < pass->n_lives; i++)
        if (pass->lives[i].size)
            end_life(pass, &pass->lives[i], ASH_LAB_LIVES - 1);
    snprintf(survey->format, sizeof(survey->format), "%s", source->format);
    snprintf(survey->note, sizeof(survey->note), "%s", source->note ? source->note : "");
    survey->has_clock = source->has_clock;
    survey->has_threads = source->has_threads;
    survey->has_sites = source->has_sites;
    survey->n_cpus = source->n_cpus;
    survey->n_dropped = source->n_dropped;
    survey->n_bad = source->n_bad;
    survey->count = *ash_lab_load_count(load);
}

bool ash_lab_survey(const char *path, struct ash_lab_survey *ret_survey,
                    char ret_error[ASH_LAB_ERROR_MAX])
{
    struct ash_lab_load *load = ash_lab_load_open(path, ret_error);
    if (!load)
        return false;
    *ret_survey = (struct ash_lab_survey){0};
    struct pass pass = {.survey = ret_survey, .threads = calloc(1, THREADS_MAX / 8)};
    struct ash_lab_entry entry;
    bool ok = pass.threads != NULL;
    int got = 0;
    while (ok && (got = ash_lab_load_next(load, &entry)) == 1)
        ok = take(&pass, &entry);
    if (!ok)
        snprintf(ret_error, ASH_LAB_ERROR_MAX, "no memory");
    else if (got < 0)
        snprintf(ret_error, ASH_LAB_ERROR_MAX, "%s", ash_lab_load_error(load));
    ok = ok && got == 0;
    if (ok)
        finish(&pass, load);
    free(pass.threads);
    free(pass.lives);
    ash_lab_load_close(load);
    return ok;
}
