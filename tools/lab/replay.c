/* replay.c: one process per contender, watched from here; see replay.h. */
#include "lab/replay.h"
#include "base/base.h"
#include "lab/inside.h"
#include "lab/outside.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 100, JOBS_MAX = 64 };

struct job {
    const struct ash_lab_contender *contender;
    struct ash_lab_result result;
    struct ash_lab_progress *progress;
    struct ash_lab_inbox inbox;
    int fd; /* -1: has not begun, or is over */
    pid_t pid;
    bool is_over, is_killed;
    uint64_t seen_entry, seen_ms;
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
    (void)signal;
    is_interrupted = 1;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- the contender's process --- */

static _Noreturn void be_contender(const struct ash_lab_plan *plan, const struct job *job, int fd,
                                   int progress_fd)
{
    static struct ash_lab_player player;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    static const int deadly[] = {SIGPIPE, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < ASH_COUNT_OF(deadly); i++)
        signal(deadly[i], SIG_DFL);
    player.order = &plan->order;
    player.progress = job->progress;
    player.fd = fd;
    if (job->contender->kind == ASH_LAB_FOREIGN)
        ash_lab_outside_become(plan, job->contender, &player, progress_fd);
    else
        ash_lab_inside_run(job->contender, plan->path, &player);
    _exit(0);
}

static void set_fault(struct job *job, enum ash_lab_fault_kind kind, const char *words)
{
    if (job->result.fault.kind != ASH_LAB_FAULT_NONE)
        return;
    job->result.fault.kind = kind;
    job->result.fault.entry =
        job->progress ? atomic_load_explicit(&job->progress->entry, memory_order_relaxed) : 0;
    snprintf(job->result.fault.words, sizeof(job->result.fault.words), "%s", words);
}

static bool start(const struct ash_lab_plan *plan, struct job *job)
{
    int pipe_fds[2], progress_fd = memfd_create("progress", 0);
    void *shared = MAP_FAILED;
    if (progress_fd >= 0 && ftruncate(progress_fd, ASH_LAB_PAGE) == 0)
        shared = mmap(NULL, ASH_LAB_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, progress_fd, 0);
    job->progress = shared == MAP_FAILED ? NULL : shared;
    bool has_pipe = job->progress && pipe(pipe_fds) == 0;
    fflush(NULL);
    job->pid = has_pipe ? fork() : -1;
    if (job->pid == 0) {
        close(pipe_fds[0]);
        be_contender(plan, job, pipe_fds[1], progress_fd);
    }
    if (progress_fd >= 0)
        close(progress_fd);
    if (has_pipe)
        close(pipe_fds[1]);
    if (job->pid < 0) {
        set_fault(job, ASH_LAB_FAULT_CANNOT, strerror(errno));
        if (has_pipe)
            close(pipe_fds[0]);
        job->is_over = true;
        return false;
    }
    job->fd = pipe_fds[0];
    fcntl(job->fd, F_SETFD, FD_CLOEXEC);
    fcntl(job->fd, F_SETFL, O_NONBLOCK);
    job->seen_ms = now_ms();
    return true;
}

/* --- what it says --- */

static void *add(void **list, size_t *n, size_t *room, size_t unit)
{
    if (*n == *room) {
        size_t wider = *room ? 2 * *room : 256;
        void *more = realloc(*list, wider * unit);
        if (!more)
            return NULL;
        *list = more;
        *room = wider;
    }
    return (char *)*list + unit * (*n)++;
}

static void keep_step(struct ash_lab_result *result, const void *bytes, size_t n)
{
    struct ash_lab_step_head head;
    if (n < sizeof(head))
        return;
    memcpy(&head, bytes, sizeof(head));
    size_t runs = head.n_runs * sizeof(struct ash_lab_run);
    if (n != sizeof(head) + runs + head.n_words)
        return;
    struct ash_lab_step_kept kept = {head, malloc(runs + 1), malloc(head.n_words + 1)};
    struct ash_lab_step_kept *place = NULL;
    if (kept.runs && kept.words)
        place = add((void **)&result->steps, &result->n_steps, &result->step_room, sizeof(kept));
    if (!place) {
        free(kept.runs);
        free(kept.words);
        return;
    }
    memcpy(kept.runs, (const char *)bytes + sizeof(head), runs);
    memcpy(kept.words, (const char *)bytes + sizeof(head) + runs, head.n_words);
    kept.words[head.n_words] = 0;
    *place = kept;
}

static void copy(void *to, size_t size, const void *bytes, size_t n)
{
    if (to && size == n)
        memcpy(to, bytes, n);
}

static void hear(void *arg, const struct ash_lab_record *record, const void *bytes)
{
    struct ash_lab_result *result = arg;
    size_t n = record->n;
    switch ((enum ash_lab_record_kind)record->kind) {
    case ASH_LAB_HELLO:
        copy(&result->hello, sizeof(result->hello), bytes, n);
        break;
    case ASH_LAB_SAMPLE:
        if (n == sizeof(struct ash_lab_sample))
            copy(add((void **)&result->samples, &result->n_samples, &result->sample_room, n), n,
                 bytes, n);
        break;
    case ASH_LAB_RECT:
        if (n == sizeof(struct ash_lab_rect))
            copy(add((void **)&result->rects, &result->n_rects, &result->rect_room, n), n, bytes,
                 n);
        break;
    case ASH_LAB_STEP:
        keep_step(result, bytes, n);
        break;
    case ASH_LAB_PINNED:
        result->pins = result->pins ? result->pins : malloc(sizeof(*result->pins));
        copy(result->pins, sizeof(*result->pins), bytes, n);
        break;
    case ASH_LAB_PICTURE:
        result->picture = result->picture ? result->picture : malloc(sizeof(*result->picture));
        copy(result->picture, sizeof(*result->picture), bytes, n);
        break;
    case ASH_LAB_FAULT:
        copy(&result->fault, sizeof(result->fault), bytes, n);
        break;
    case ASH_LAB_END:
        copy(&result->end, sizeof(result->end), bytes, n);
        break;
    case ASH_LAB_RECORD_KINDS:
        break;
    }
}

/* --- its end --- */

static const char *op_name(uint32_t op)
{
    static const char *const names[] = {"malloc", "calloc",           "aligned alloc", "realloc",
                                        "free",   "a thread's begin", "a thread's end"};
    return op < ASH_COUNT_OF(names) ? names[op] : "a call";
}

static void judge_status(struct job *job, int status)
{
    char words[160];
    if (job->is_killed || job->result.fault.kind != ASH_LAB_FAULT_NONE)
        return;
    uint32_t op = atomic_load_explicit(&job->progress->op, memory_order_relaxed);
    uint64_t size = atomic_load_explicit(&job->progress->size, memory_order_relaxed);
    if (WIFSIGNALED(status)) {
        snprintf(words, sizeof(words), "crashed (SIG%s) in %s, %llu bytes",
                 sigabbrev_np(WTERMSIG(status)), op_name(op), (unsigned long long)size);
        set_fault(job, ASH_LAB_FAULT_CRASHED, words);
    } else if (job->result.end.n_entries == 0) {
        snprintf(words, sizeof(words), "its process ended by itself (status %d) in %s",
                 WEXITSTATUS(status), op_name(op));
        set_fault(job, ASH_LAB_FAULT_CRASHED, words);
    }
}

static void finish(struct job *job)
{
    int status = 0;
    close(job->fd);
    job->fd = -1;
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    judge_status(job, status);
    ash_lab_inbox_end(&job->inbox);
    munmap(job->progress, ASH_LAB_PAGE);
    job->progress = NULL;
    job->is_over = true;
}

static void stop(struct job *job, enum ash_lab_fault_kind kind, const char *words)
{
    set_fault(job, kind, words);
    job->is_killed = true;
    kill(job->pid, SIGKILL);
}

static void look_for_hang(const struct ash_lab_plan *plan, struct job *job)
{
    uint64_t entry = atomic_load_explicit(&job->progress->entry, memory_order_relaxed);
    uint64_t now = now_ms();
    if (entry != job->seen_entry || plan->order.pace > 0) {
        job->seen_entry = entry;
        job->seen_ms = now;
        return;
    }
    if (job->is_killed || now - job->seen_ms < plan->watch.hang_ms)
        return;
    char words[160];
    uint32_t op = atomic_load_explicit(&job->progress->op, memory_order_relaxed);
    snprintf(words, sizeof(words), "hangs: no end of %s after %u ms", op_name(op),
             plan->watch.hang_ms);
    stop(job, ASH_LAB_FAULT_HANGS, words);
}

/* --- all of them --- */

static void show_progress(const struct ash_lab_plan *plan, const struct job *jobs, size_t n)
{
    static uint64_t last_ms;
    uint64_t now = now_ms(), total = plan->order.n_entries;
    if (!plan->watch.shows_progress || now - last_ms < 200)
        return;
    last_ms = now;
    size_t n_over = 0;
    fprintf(stderr, "\r");
    for (size_t i = 0; i < n; i++) {
        n_over += jobs[i].is_over;
        if (jobs[i].fd >= 0 && total)
            fprintf(stderr, "%.30s %3u %%  ", jobs[i].contender->label,
                    (unsigned)(jobs[i].seen_entry * 100 / total));
    }
    fprintf(stderr, "(%zu of %zu done)   ", n_over, n);
}

static void listen_to(const struct ash_lab_plan *plan, struct job *jobs, size_t n)
{
    struct pollfd polled[JOBS_MAX];
    struct job *of[JOBS_MAX];
    nfds_t n_polled = 0;
    for (size_t i = 0; i < n && n_polled < JOBS_MAX; i++)
        if (jobs[i].fd >= 0) {
            of[n_polled] = &jobs[i];
            polled[n_polled++] = (struct pollfd){jobs[i].fd, POLLIN, 0};
        }
    if (poll(polled, n_polled, POLL_MS) < 0)
        return;
    for (nfds_t i = 0; i < n_polled; i++) {
        struct job *job = of[i];
        look_for_hang(plan, job);
        if (is_interrupted && !job->is_killed)
            stop(job, ASH_LAB_FAULT_STOPPED, "stopped");
        if (polled[i].revents == 0)
            continue;
        int more = ash_lab_listen(&job->inbox, job->fd, hear, &job->result);
        if (more < 0)
            stop(job, ASH_LAB_FAULT_CRASHED, "its process sent what cannot be read");
        if (more <= 0)
            finish(job);
    }
}

static void run_all(const struct ash_lab_plan *plan, struct job *jobs, size_t n)
{
    size_t next = 0;
    unsigned n_most = plan->watch.n_jobs < JOBS_MAX ? plan->watch.n_jobs : JOBS_MAX;
    for (;;) {
        unsigned n_running = 0;
        for (size_t i = 0; i < next; i++)
            n_running += jobs[i].fd >= 0;
        while (!is_interrupted && next < n && n_running < n_most)
            n_running += start(plan, &jobs[next++]);
        if (n_running == 0 && (next == n || is_interrupted))
            break;
        if (n_running > 0)
            listen_to(plan, jobs, next);
        show_progress(plan, jobs, n);
    }
    for (; next < n; next++)
        set_fault(&jobs[next], ASH_LAB_FAULT_STOPPED, "stopped before it began");
    if (plan->watch.shows_progress)
        fprintf(stderr, "\r%79s\r", "");
}

static uint64_t peak_of(const struct ash_lab_result *result)
{
    uint64_t peak = 0;
    for (size_t i = 0; i < result->n_samples; i++)
        peak = ash_size_max(peak, result->samples[i].resident);
    return peak;
}

/* The run with the median peak; a run with a fault stands for all. */
static void keep_one(struct job *jobs, size_t n, struct ash_lab_result *ret_result)
{
    size_t best = 0;
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t peak = peak_of(&jobs[i].result);
        low = ash_size_min(low, peak);
        high = ash_size_max(high, peak);
        size_t n_below = 0;
        for (size_t j = 0; j < n; j++)
            n_below +=
                peak_of(&jobs[j].result) < peak || (j < i && peak_of(&jobs[j].result) == peak);
        if (n_below == n / 2)
            best = i;
    }
    for (size_t i = 0; i < n; i++)
        if (jobs[i].result.fault.kind != ASH_LAB_FAULT_NONE)
            best = i;
    *ret_result = jobs[best].result;
    ret_result->contender = jobs[best].contender;
    ret_result->spread_bytes = high - low;
    ret_result->n_runs = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        if (i != best)
            ash_lab_result_end(&jobs[i].result);
}

size_t ash_lab_replay(const struct ash_lab_plan *plan, struct ash_lab_result *results)
{
    struct sigaction ours = {.sa_handler = interrupt}, before;
    size_t n_jobs = 0, n_done = 0, at = 0;
    size_t n_foreign = ash_size_max(plan->watch.n_foreign_runs, 1);
    struct job *jobs = calloc(plan->n_contenders * n_foreign, sizeof(*jobs));
    if (!jobs)
        return 0;
    for (size_t i = 0; i < plan->n_contenders; i++) {
        bool is_foreign = plan->contenders[i].kind == ASH_LAB_FOREIGN;
        for (size_t k = 0; k < (is_foreign ? n_foreign : 1); k++)
            jobs[n_jobs++] = (struct job){.contender = &plan->contenders[i], .fd = -1};
    }
    is_interrupted = 0;
    sigaction(SIGINT, &ours, &before);
    run_all(plan, jobs, n_jobs);
    sigaction(SIGINT, &before, NULL);
    for (size_t i = 0; i < plan->n_contenders; i++) {
        size_t n = plan->contenders[i].kind == ASH_LAB_FOREIGN ? n_foreign : 1;
        keep_one(jobs + at, n, &results[i]);
        at += n;
        n_done += results[i].fault.kind == ASH_LAB_FAULT_NONE;
    }
    free(jobs);
    return n_done;
}

void ash_lab_result_end(struct ash_lab_result *result)
{
    for (size_t i = 0; i < result->n_steps; i++) {
        free(result->steps[i].runs);
        free(result->steps[i].words);
    }
    free(result->steps);
    free(result->samples);
    free(result->rects);
    free(result->pins);
    free(result->picture);
    *result = (struct ash_lab_result){0};
}
