/* inside.c: a strategy in the replay's own process, its threads virtual; see inside.h. */
#include "lab/inside.h"
#include "base/base.h"
#include "lab/load.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { STEP_RUNS_MAX = 4096, WORDS_MAX = 512 };

struct inside {
    struct ash_lab_target target;
    const struct ash_lab_strategy *strategy;
    void *self;
    struct ash_lab_memory *memory;
    struct ash_lab_metric *metric;
    struct ash_lab_picture *picture;
    struct ash_lab_pins *pins;
    uint64_t pins_resident, next_column;
    void **slots;   /* a word for each thread */
    uint8_t *lives; /* threads that came and have not gone */
    uint32_t thread;
    uint32_t last_op;
};

/* What a step's message holds behind its head. */
struct step {
    struct ash_lab_step_head head;
    struct ash_lab_run runs[STEP_RUNS_MAX];
    char words[WORDS_MAX];
};

/* --- the target --- */

static void tell_thread(struct inside *inside, enum ash_lab_event event)
{
    if (inside->strategy->thread)
        inside->strategy->thread(inside->self, event);
}

static void turn(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    struct inside *inside = (struct inside *)target;
    ash_lab_memory_set_now(inside->memory, entry->ns);
    inside->thread = entry->thread;
    ash_lab_memory_set_thread(inside->memory, entry->thread, &inside->slots[entry->thread]);
    if (!inside->lives[entry->thread]) {
        inside->lives[entry->thread] = 1;
        inside->slots[entry->thread] = NULL;
        tell_thread(inside, ASH_LAB_CAME);
    }
    if (entry->op == ASH_LAB_OP_WENT) { /* LC9 */
        tell_thread(inside, ASH_LAB_WENT);
        inside->lives[entry->thread] = 0;
        inside->slots[entry->thread] = NULL;
    }
}

static void *call_alloc(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    struct inside *inside = (struct inside *)target;
    size_t align = entry->op == ASH_LAB_OP_REALLOC ? 16 : entry->align;
    return inside->strategy->alloc(inside->self, entry->size, align);
}

static void *call_resize(struct ash_lab_target *target, void *at, const struct ash_lab_entry *entry)
{
    struct inside *inside = (struct inside *)target;
    return inside->strategy->resize ? inside->strategy->resize(inside->self, at, entry->size)
                                    : NULL;
}

static void call_free(struct ash_lab_target *target, void *at)
{
    struct inside *inside = (struct inside *)target;
    inside->strategy->free(inside->self, at);
}

static size_t call_usable(struct ash_lab_target *target, void *at)
{
    struct inside *inside = (struct inside *)target;
    return inside->strategy->usable(inside->self, at);
}

static uint64_t mapped(struct ash_lab_target *target)
{
    return ash_lab_memory_count(((struct inside *)target)->memory)->mapped_bytes;
}

static bool check(struct ash_lab_target *target)
{
    struct inside *inside = (struct inside *)target;
    return !inside->strategy->check || inside->strategy->check(inside->self);
}

static bool sample(struct ash_lab_target *target, struct ash_lab_player *player,
                   struct ash_lab_sample *ret_sample, char ret_why[ASH_LAB_WHY_MAX])
{
    struct inside *inside = (struct inside *)target;
    if (!ash_lab_metric_take(inside->metric, ret_sample, ret_why))
        return false;
    if (inside->picture && player->entry_i >= inside->next_column) {
        ash_lab_picture_take(inside->picture, inside->metric, &player->blocks, player->entry_i);
        uint64_t step = player->order->n_entries / ASH_LAB_COLUMNS;
        inside->next_column = player->entry_i + ash_size_max(step, 1);
    }
    if (inside->pins && ret_sample->resident > inside->pins_resident) {
        inside->pins_resident = ret_sample->resident + ret_sample->resident / 100;
        ash_lab_pins_take(inside->pins, inside->metric, &player->blocks, player->entry_i);
    }
    return true;
}

static bool add_run(void *arg, uintptr_t start, size_t size, enum ash_lab_kind kind)
{
    struct step *step = arg;
    if (step->head.n_runs == STEP_RUNS_MAX)
        return false;
    step->runs[step->head.n_runs++] = (struct ash_lab_run){start, (uint64_t)size << 8 | kind};
    return true;
}

static void tell_step(struct ash_lab_target *target, const struct ash_lab_player *player,
                      const struct ash_lab_entry *entry)
{
    static struct step step;
    struct inside *inside = (struct inside *)target;
    if (!player->order->wants_steps)
        return;
    bool is_call = entry->op < ASH_LAB_OP_CAME;
    const char *why = is_call && inside->strategy->why ? inside->strategy->why(inside->self) : NULL;
    step.head = (struct ash_lab_step_head){.entry = *entry, .entry_i = player->entry_i};
    if (is_call)
        step.head.addr = (uintptr_t)player->blocks.slots[entry->slot].at;
    inside->strategy->each(inside->self, add_run, &step);
    step.head.n_words = (uint32_t)snprintf(step.words, WORDS_MAX, "%s", why ? why : "");
    step.head.n_words = ash_size_min(step.head.n_words, WORDS_MAX - 1) & UINT32_MAX;
    size_t n = sizeof(step.head) + step.head.n_runs * sizeof(step.runs[0]);
    memmove((char *)&step + n, step.words, step.head.n_words);
    ash_lab_tell(player->fd, ASH_LAB_STEP, &step, n + step.head.n_words);
}

/* --- the process --- */

static const struct ash_lab_strategy *load_brought(const struct ash_lab_contender *contender,
                                                   char *ret_why)
{
    char symbol[128];
    const char *end = strrchr(contender->label, '.');
    snprintf(symbol, sizeof(symbol), "ash_lab_%.*s",
             (int)(end ? end - contender->label : (long)strlen(contender->label)),
             contender->label);
    void *library = dlopen(contender->path, RTLD_NOW | RTLD_LOCAL);
    const struct ash_lab_strategy *strategy = library ? dlsym(library, symbol) : NULL;
    if (strategy && strategy->open && strategy->alloc && strategy->free && strategy->usable &&
        strategy->each)
        return strategy;
    if (!library)
        snprintf(ret_why, ASH_LAB_WHY_MAX, "%.200s", dlerror());
    else
        snprintf(ret_why, ASH_LAB_WHY_MAX,
                 strategy ? "%s lacks open, alloc, free, usable or each"
                          : "it defines no constant struct ash_lab_strategy %s",
                 symbol);
    return NULL;
}

static bool set_up(struct inside *inside, const struct ash_lab_contender *contender,
                   struct ash_lab_player *player, char *ret_why)
{
    const struct ash_lab_order *order = player->order;
    struct ash_lab_memory_options options = {.params = contender->params,
                                             .limit_bytes = order->limit_bytes,
                                             .n_cpus = order->n_cpus,
                                             .huge_pages = order->huge_pages};
    inside->strategy = contender->strategy ? contender->strategy : load_brought(contender, ret_why);
    if (!inside->strategy)
        return false;
    size_t self_bytes = ash_align_up(ash_size_max(inside->strategy->state_size, 1), ASH_LAB_PAGE);
    inside->memory = ash_lab_memory_new(&options);
    inside->self = mmap(NULL, self_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    inside->slots = calloc(order->n_threads, sizeof(*inside->slots));
    inside->lives = calloc(order->n_threads, 1);
    struct ash_lab_metric_subject subject = {.strategy = inside->strategy,
                                             .self = inside->self,
                                             .memory = inside->memory,
                                             .blocks = &player->blocks};
    inside->metric = ash_lab_metric_new(&subject);
    inside->pins = calloc(1, sizeof(*inside->pins));
    if (order->wants_picture)
        inside->picture = calloc(1, sizeof(*inside->picture));
    if (!inside->memory || inside->self == MAP_FAILED || !inside->slots || !inside->lives ||
        !inside->metric || !inside->pins) {
        snprintf(ret_why, ASH_LAB_WHY_MAX, "no memory or address space for it");
        return false;
    }
    inside->pins->by_site = order->by_site;
    if (!order->huge_pages)
        madvise(inside->self, self_bytes, MADV_NOHUGEPAGE);
    return true;
}

static void say_hello(const struct inside *inside, const struct ash_lab_player *player)
{
    const struct ash_lab_strategy *strategy = inside->strategy;
    struct ash_lab_hello hello = {.flags = strategy->flags, .state_size = strategy->state_size};
    snprintf(hello.about, sizeof(hello.about), "%s", strategy->about ? strategy->about : "");
    if (strategy->bound)
        hello.bound = strategy->bound(player->order->live_max, player->order->block_max);
    ash_lab_tell(player->fd, ASH_LAB_HELLO, &hello, sizeof(hello));
}

static void say_end(struct inside *inside, struct ash_lab_player *player)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    player->end.minor_faults = (uint64_t)usage.ru_minflt;
    player->end.cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
                         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
    player->end.memory = *ash_lab_memory_count(inside->memory);
    ash_lab_pins_sort(inside->pins);
    ash_lab_tell(player->fd, ASH_LAB_PINNED, inside->pins, sizeof(*inside->pins));
    if (inside->picture)
        ash_lab_tell(player->fd, ASH_LAB_PICTURE, inside->picture, sizeof(*inside->picture));
    ash_lab_tell(player->fd, ASH_LAB_END, &player->end, sizeof(player->end));
}

static int next_entry(void *arg, struct ash_lab_entry *ret_entry)
{
    return ash_lab_load_next(arg, ret_entry);
}

static bool open_feed(const char *path, const struct ash_lab_player *player,
                      struct ash_lab_feed *ret_feed, char why[ASH_LAB_ERROR_MAX])
{
    static struct ash_lab_adversary adversary;
    if (player->order->attack.kind == ASH_LAB_ADVERSARY_NONE) {
        *ret_feed = (struct ash_lab_feed){next_entry, ash_lab_load_open(path, why)};
        return ret_feed->arg != NULL;
    }
    *ret_feed = (struct ash_lab_feed){ash_lab_adversary_next, &adversary};
    return ash_lab_adversary_init(&adversary, &player->order->attack, &player->blocks);
}

void ash_lab_inside_run(const struct ash_lab_contender *contender, const char *path,
                        struct ash_lab_player *player)
{
    static struct inside inside;
    char why[ASH_LAB_ERROR_MAX] = "";
    inside.target = (struct ash_lab_target){.turn = turn,
                                            .alloc = call_alloc,
                                            .resize = call_resize,
                                            .free = call_free,
                                            .usable = call_usable,
                                            .mapped = mapped,
                                            .sample = sample,
                                            .check = check,
                                            .tell_step = tell_step,
                                            .small_align = 16};
    player->target = &inside.target;
    if (!set_up(&inside, contender, player, why)) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, why);
        return;
    }
    say_hello(&inside, player);
    struct ash_lab_feed feed;
    if (!open_feed(path, player, &feed, why)) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_TRACE, why);
        return;
    }
    ash_lab_memory_set_thread(inside.memory, 0, &inside.slots[0]);
    if (!inside.strategy->open(inside.self, inside.memory)) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, "it cannot run here: open says no");
        return;
    }
    if (ash_lab_play(player, &feed))
        say_end(&inside, player);
    if (feed.next == next_entry)
        ash_lab_load_close(feed.arg);
}
