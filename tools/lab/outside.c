/* outside.c: a foreign malloc in a program of its own; see outside.h. */
#include "lab/outside.h"
#include "base/base.h"
#include "lab/load.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FEED_ENTRIES = 256, SMAPS_BYTES = 4096, STACK_BYTES = 128 << 10 };

/* What the program is told in one word: a shared page holds the order, then the progress. */
struct letter {
    struct ash_lab_order order;
    int fd, feed_fd, progress_fd;
};

/* --- before: the contender's process becomes the program --- */

static _Noreturn void be_feeder(const char *path, int fd)
{
    static struct ash_lab_entry entries[FEED_ENTRIES];
    char error[ASH_LAB_ERROR_MAX];
    struct ash_lab_load *load = ash_lab_load_open(path, error);
    int got = load ? 1 : -1;
    while (got == 1) {
        size_t n = 0;
        while (n < FEED_ENTRIES && (got = ash_lab_load_next(load, &entries[n])) == 1)
            n++;
        const char *at = (const char *)entries, *end = (const char *)(entries + n);
        while (at < end) {
            ssize_t done = write(fd, at, (size_t)(end - at));
            if (done < 0 && errno != EINTR)
                _exit(1);
            at += done > 0 ? done : 0;
        }
    }
    struct ash_lab_entry last = {.op = got == 0 ? ASH_LAB_OP_WENT + 1 : ASH_LAB_OP_WENT + 2};
    _exit(write(fd, &last, sizeof(last)) != sizeof(last));
}

static int letter_fd(const struct letter *letter)
{
    int fd = memfd_create("letter", 0);
    if (fd >= 0 && write(fd, letter, sizeof(*letter)) == sizeof(*letter))
        return fd;
    return -1;
}

void ash_lab_outside_become(const struct ash_lab_plan *plan,
                            const struct ash_lab_contender *contender,
                            struct ash_lab_player *player, int progress_fd)
{
    int feed[2];
    char word[32], why[ASH_LAB_WHY_MAX];
    if (pipe(feed) != 0) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(player->fd);
        close(feed[0]);
        if (plan->order.attack.kind != ASH_LAB_ADVERSARY_NONE)
            _exit(0);
        be_feeder(plan->path, feed[1]);
    }
    close(feed[1]);
    struct letter letter = {plan->order, player->fd, feed[0], progress_fd};
    int fd = pid < 0 ? -1 : letter_fd(&letter);
    if (fd < 0) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, strerror(errno));
        return;
    }
    snprintf(word, sizeof(word), "--contender=%d", fd);
    setenv("LD_PRELOAD", contender->path, 1);
    personality(ADDR_NO_RANDOMIZE);
    execl(plan->watch.runner, "ashlar", "lab", word, (char *)NULL);
    snprintf(why, sizeof(why), "%.180s: %s", plan->watch.runner, strerror(errno));
    ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, why);
}

/* --- the program: threads that make the calls --- */

struct call {
    enum { CALL_ALLOC, CALL_RESIZE, CALL_FREE, CALL_END } what;
    void *at;
    const struct ash_lab_entry *entry;
};

struct worker {
    pthread_t thread;
    sem_t has_call, is_done;
    struct call call;
    void *answer;
    bool lives;
};

struct ending;

struct outside {
    struct ash_lab_target target;
    struct worker *workers; /* by thread of the trace; 0 is the first thread itself */
    uint32_t thread;
    int smaps_fd;
    uint64_t baseline;
    struct ending *endings; /* for samples */
    size_t n_endings;       /* a power of two */
    uint32_t sample;
};

/* What a thread is asked for: nothing here touches a block. */
static void *make(const struct call *call)
{
    void *at = NULL;
    const struct ash_lab_entry *entry = call->entry;
    switch (call->what) {
    case CALL_FREE:
        free(call->at);
        return NULL;
    case CALL_RESIZE:
        return realloc(call->at, entry->size);
    case CALL_ALLOC:
        if (entry->op == ASH_LAB_OP_CALLOC)
            return calloc(1, entry->size);
        if (entry->align <= 16)
            return malloc(entry->size);
        return posix_memalign(&at, entry->align, entry->size) == 0 ? at : NULL;
    case CALL_END:
        return NULL;
    }
    return NULL;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    for (bool goes_on = true; goes_on;) {
        wait_for(&worker->has_call);
        goes_on = worker->call.what != CALL_END;
        worker->answer = make(&worker->call);
        if (goes_on)
            sem_post(&worker->is_done);
    }
    return NULL;
}

/* Hands the baton to the thread whose turn it is, and takes it back. */
static void *by_turn(struct outside *outside, const struct call *call)
{
    struct worker *worker = &outside->workers[outside->thread];
    if (!worker->lives)
        return make(call);
    worker->call = *call;
    sem_post(&worker->has_call);
    if (call->what == CALL_END) {
        pthread_join(worker->thread, NULL);
        worker->lives = false;
        return NULL;
    }
    wait_for(&worker->is_done);
    return worker->answer;
}

static void turn(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    struct outside *outside = (struct outside *)target;
    struct worker *worker = &outside->workers[entry->thread];
    outside->thread = entry->thread;
    if (entry->thread != 0 && !worker->lives && entry->op != ASH_LAB_OP_WENT) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        sem_init(&worker->has_call, 0, 0);
        sem_init(&worker->is_done, 0, 0);
        worker->lives = pthread_create(&worker->thread, &attributes, work, worker) == 0;
        pthread_attr_destroy(&attributes);
    }
    if (entry->op == ASH_LAB_OP_WENT && worker->lives)
        by_turn(outside, &(struct call){.what = CALL_END});
}

static void *call_alloc(struct ash_lab_target *target, const struct ash_lab_entry *entry)
{
    struct ash_lab_entry plain = *entry;
    if (entry->op == ASH_LAB_OP_REALLOC)
        plain.op = ASH_LAB_OP_MALLOC;
    return by_turn((struct outside *)target, &(struct call){CALL_ALLOC, NULL, &plain});
}

static void *call_resize(struct ash_lab_target *target, void *at, const struct ash_lab_entry *entry)
{
    if (entry->size == 0) /* would be a free */
        return at;
    return by_turn((struct outside *)target, &(struct call){CALL_RESIZE, at, entry});
}

static void call_free(struct ash_lab_target *target, void *at)
{
    by_turn((struct outside *)target, &(struct call){CALL_FREE, at, NULL});
}

static size_t call_usable(struct ash_lab_target *target, void *at)
{
    (void)target;
    return malloc_usable_size(at);
}

static uint64_t mapped(struct ash_lab_target *target)
{
    (void)target;
    return 0;
}

static bool check(struct ash_lab_target *target)
{
    (void)target;
    return true;
}

/* --- its residency --- */

/* Private bytes, without malloc: the line "Anonymous:" of smaps_rollup. */
static uint64_t anonymous_bytes(const struct outside *outside)
{
    static char text[SMAPS_BYTES];
    ssize_t n = pread(outside->smaps_fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, "\nAnonymous:");
    if (!at)
        return 0;
    uint64_t kib = 0;
    for (at += strlen("\nAnonymous:"); *at == ' '; at++)
        continue;
    for (; *at >= '0' && *at <= '9'; at++)
        kib = kib * 10 + (uint64_t)(*at - '0');
    return kib * 1024;
}

static bool is_resident(uintptr_t page)
{
    unsigned char core = 0;
    return mincore((void *)page, ASH_LAB_PAGE, &core) == 0 && (core & 1);
}

/* The pages at the two ends of blocks, which several may share: open addressing, and a row counts
 * only with the number of the sample. There are at most two for each block. */
struct ending {
    uintptr_t page;
    uint32_t sample, usable;
};

static void add_ending(struct outside *outside, uintptr_t page, size_t usable)
{
    size_t mask = outside->n_endings - 1;
    uint64_t spread = (uint64_t)(page / ASH_LAB_PAGE) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(spread >> 20) & mask;
    struct ending *ending = &outside->endings[i];
    while (ending->sample == outside->sample && ending->page != page) {
        i = (i + 1) & mask;
        ending = &outside->endings[i];
    }
    if (ending->sample != outside->sample)
        *ending = (struct ending){page, outside->sample, 0};
    ending->usable += (uint32_t)usable;
}

static void close_endings(struct outside *outside, struct ash_lab_sample *sample)
{
    for (size_t i = 0; i < outside->n_endings; i++) {
        const struct ending *ending = &outside->endings[i];
        if (ending->sample != outside->sample)
            continue;
        size_t usable = ash_size_min(ending->usable, ASH_LAB_PAGE);
        sample->holes += ASH_LAB_PAGE - usable;
        sample->n_pages[(usable * 10 + ASH_LAB_PAGE - 1) / ASH_LAB_PAGE]++;
    }
}

/* Marked pages are resident; others are asked for. */
static void add_block(struct outside *outside, const struct ash_lab_block *block,
                      struct ash_lab_sample *sample)
{
    uintptr_t at = (uintptr_t)block->at, asked_end = at + block->size, end = at + block->usable;
    for (uintptr_t from = at, to; from < end; from = to) {
        to = ash_size_min(ash_align_down(from, ASH_LAB_PAGE) + ASH_LAB_PAGE, end);
        bool is_touched = block->is_marked && from < asked_end;
        if (!is_touched && !is_resident(ash_align_down(from, ASH_LAB_PAGE)))
            continue;
        size_t asked = asked_end > from ? ash_size_min(asked_end, to) - from : 0;
        sample->asked += asked;
        sample->rounding += to - from - asked;
        if (to - from < ASH_LAB_PAGE)
            add_ending(outside, ash_align_down(from, ASH_LAB_PAGE), to - from);
        else
            sample->n_pages[ASH_LAB_OCCUPANCIES - 1]++;
    }
}

static bool sample(struct ash_lab_target *target, struct ash_lab_player *player,
                   struct ash_lab_sample *ret_sample, char ret_why[ASH_LAB_WHY_MAX])
{
    struct outside *outside = (struct outside *)target;
    const struct ash_lab_blocks *blocks = &player->blocks;
    struct ash_lab_sample *sample = ret_sample;
    (void)ret_why;
    outside->sample++;
    for (size_t i = 0; i < blocks->n_slots; i++)
        if (blocks->slots[i].at)
            add_block(outside, &blocks->slots[i], sample);
    close_endings(outside, sample);
    sample->live = blocks->live_bytes;
    sample->oracle = blocks->oracle_bytes;
    sample->n_live = blocks->n_live;
    sample->untouched = sample->live - sample->asked;
    uint64_t now = anonymous_bytes(outside), sum = sample->asked + sample->rounding + sample->holes;
    sample->resident = now > outside->baseline ? now - outside->baseline : 0;
    if (sample->resident < sum) /* blocks in pages that were resident at the start */
        sample->resident = sum;
    sample->kept = sample->resident - sum;
    sample->n_pages[0] = (uint32_t)(sample->kept / ASH_LAB_PAGE);
    return true;
}

/* --- the program --- */

/* A stream of entries in pieces: 16 KiB of the pipe at a time. */
struct stream {
    int fd;
    size_t at, n;
    struct ash_lab_entry entries[FEED_ENTRIES];
};

static int next_entry(void *arg, struct ash_lab_entry *ret_entry)
{
    struct stream *stream = arg;
    if (stream->at == stream->n) {
        ssize_t got = read(stream->fd, stream->entries, sizeof(stream->entries));
        size_t whole = got > 0 ? (size_t)got / sizeof(*ret_entry) : 0;
        size_t rest = got > 0 ? (size_t)got % sizeof(*ret_entry) : 0;
        char *tail = (char *)&stream->entries[whole];
        while (rest > 0 && rest < sizeof(*ret_entry)) {
            got = read(stream->fd, tail + rest, sizeof(*ret_entry) - rest);
            if (got <= 0)
                return -1;
            rest += (size_t)got;
        }
        stream->at = 0;
        stream->n = whole + (rest > 0);
    }
    if (stream->n == 0)
        return -1;
    *ret_entry = stream->entries[stream->at++];
    unsigned op = ret_entry->op;
    return op == ASH_LAB_OP_WENT + 1 ? 0 : op > ASH_LAB_OP_WENT ? -1 : 1;
}

static void *shared(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool set_up(struct outside *outside, const struct letter *letter,
                   struct ash_lab_player *player)
{
    outside->target = (struct ash_lab_target){.turn = turn,
                                              .alloc = call_alloc,
                                              .resize = call_resize,
                                              .free = call_free,
                                              .usable = call_usable,
                                              .mapped = mapped,
                                              .sample = sample,
                                              .check = check,
                                              .is_final = true,
                                              .small_align = 8};
    outside->smaps_fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    outside->workers = shared(letter->order.n_threads * sizeof(*outside->workers));
    outside->n_endings = 1024;
    while (outside->n_endings < 4 * letter->order.n_slots)
        outside->n_endings *= 2;
    outside->endings = shared(outside->n_endings * sizeof(*outside->endings));
    void *progress =
        mmap(NULL, ASH_LAB_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, letter->progress_fd, 0);
    player->order = &letter->order;
    player->target = &outside->target;
    player->progress = progress;
    player->fd = letter->fd;
    return outside->smaps_fd >= 0 && outside->workers && outside->endings && progress != MAP_FAILED;
}

int ash_lab_outside_main(const char *words)
{
    int fd = (int)strtol(words, NULL, 10); /* written by start */
    struct letter *letter = shared(sizeof(*letter));
    struct ash_lab_player *player = shared(sizeof(*player));
    struct outside *outside = shared(sizeof(*outside));
    struct stream *stream = shared(sizeof(*stream));
    struct ash_lab_adversary *adversary = shared(sizeof(*adversary));
    if (!letter || !player || !outside || !stream || !adversary ||
        pread(fd, letter, sizeof(*letter), 0) != sizeof(*letter))
        return 2;
    if (!set_up(outside, letter, player)) {
        ash_lab_player_fault(player, ASH_LAB_FAULT_CANNOT, "no memory or no /proc");
        return 2;
    }
    struct ash_lab_hello hello = {.about = "a library, preloaded"};
    ash_lab_tell(player->fd, ASH_LAB_HELLO, &hello, sizeof(hello));
    if (!letter->order.huge_pages)
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    free(malloc(1)); /* whatever it sets up at its first call is there already in any program */
    outside->baseline = anonymous_bytes(outside);
    stream->fd = letter->feed_fd;
    struct ash_lab_feed feed = {next_entry, stream};
    if (letter->order.attack.kind != ASH_LAB_ADVERSARY_NONE) {
        ash_lab_adversary_init(adversary, &letter->order.attack, &player->blocks);
        feed = (struct ash_lab_feed){ash_lab_adversary_next, adversary};
    }
    if (!ash_lab_play(player, &feed))
        return 0;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    player->end.minor_faults = (uint64_t)usage.ru_minflt;
    ash_lab_tell(player->fd, ASH_LAB_END, &player->end, sizeof(player->end));
    _exit(0); /* no destructor, no atexit: the contender may have registered some */
}
