/* threads.c: heaps of threads, from birth to adoption, and over a fork; see threads.h. */
#include "heap/threads.h"
#include "base/check.h"
#include "heap/holes.h"
#include "heap/page.h"
#include "heap/remote.h"
#include "heap/starter.h"
#include "heap/watch.h"
#include <pthread.h>

#ifdef __SANITIZE_THREAD__
#define KEY_ROUNDS 3 /* the sanitizer takes leave of a thread in the last round */
#else
#define KEY_ROUNDS 4 /* PTHREAD_DESTRUCTOR_ITERATIONS of glibc */
#endif
#define TICK_CALLS 4u /* slow paths between looks at the clock: quiet threads make few */
#define TICK_MS 10u
#define SCAN_MS 1000u
#define WATCH_STEP 8u /* early looks until the wait doubles */
#define WATCH_MAX 96u /* early looks: a wait of 4096 frees */

_Atomic uint64_t ash_thread_count;

static struct ash_lock orphan_lock = ASH_LOCK_INIT(ASH_RANK_ORPHANS);
static struct ash_heap *orphans;  /* under orphan_lock */
static _Atomic bool some_orphans; /* a hint: the list is not empty */
struct ash_heap *_Atomic ash_heap_registry;
static struct ash_heap first_heap; /* spares the first thread a mapping */
static _Atomic uint32_t first_taken;
static struct ash_heap *spare; /* descriptors of a mapping, under orphan_lock */
static unsigned spare_n;

static pthread_key_t exit_key;
static _Atomic bool key_made;
static _Atomic uint32_t trim_request;
static _Atomic uint64_t last_tick_ms;

/* ---- fork ---- */

enum alive { ALIVE_COPIED = 0, ALIVE_OK = 1, ALIVE_REPAIRING = 2 };
static _Atomic uint32_t alive_static = ALIVE_OK;
static _Atomic uint32_t *alive = &alive_static; /* in a page that reads zero in a copy (F4) */
static _Atomic bool handler_ran;
static struct ash_heap *survivor; /* heap of the thread that forked; written by the handler */

static void child_of_fork(void)
{
    survivor = ash_watch_home(&ash_tls);
    /* L3: a frame that the forking handler interrupted may wait for a lock of a holder that
     * is gone; it reads the generation. */
    atomic_fetch_add_explicit(&ash_fork_generation, 1, memory_order_relaxed);
    atomic_store_explicit(&handler_ran, true, memory_order_relaxed);
    atomic_store_explicit(alive, ALIVE_COPIED, memory_order_relaxed);
}

void ash_heap_quarantine(struct ash_heap *heap)
{
    atomic_store_explicit(&heap->kind, ASH_HEAP_QUARANTINED, memory_order_relaxed);
    heap->tls = NULL;
}

static bool is_in_inbox(struct ash_heap *heap, const struct ash_meta *page)
{
    uintptr_t first = atomic_load_explicit(&heap->inbox, memory_order_relaxed) & ~ASH_INBOX_FLAGS;
    struct ash_meta *at = (struct ash_meta *)first;
    while (at && at != page)
        at = at->inext;
    return at != NULL;
}

/* A page whose pusher was cut off between its two CASes is in no inbox; nobody would ever
 * pop it (R1). Nobody pushes before the repair is over. */
static void clear_stuck(struct ash_heap *heap)
{
    for (struct ash_meta *page = heap->pages; page; page = page->owned_next)
        if ((atomic_load_explicit(&page->xfree, memory_order_relaxed) & ASH_XFREE_NOTIFIED) &&
            !is_in_inbox(heap, page))
            atomic_fetch_and_explicit(&page->xfree, ~(uint64_t)ASH_XFREE_NOTIFIED,
                                      memory_order_relaxed);
}

/* Bins and batches of a thread that does not exist here are lost (F2). */
static void retire_all(struct ash_heap *heap)
{
    for (unsigned c = 1; c < ASH_CLASS_COUNT; c++)
        ash_page_retire(heap, c);
}

static void list_orphan(struct ash_heap *heap)
{
    heap->orphan_next = orphans;
    orphans = heap;
    atomic_store_explicit(&some_orphans, true, memory_order_relaxed);
}

static void repair_thread_heap(struct ash_heap *heap)
{
    uintptr_t inbox = atomic_load_explicit(&heap->inbox, memory_order_relaxed);
    if (atomic_load_explicit(&heap->busy, memory_order_relaxed) || (inbox & ASH_INBOX_HELD)) {
        ash_heap_quarantine(heap);
        return;
    }
    bool was_orphan = inbox & ASH_INBOX_ORPHAN;
    heap->tls = NULL;
    if (!was_orphan) {
        ash_remote_drain(heap);
        clear_stuck(heap);
        retire_all(heap);
        atomic_store_explicit(&heap->inbox, ASH_INBOX_ORPHAN, memory_order_relaxed);
    } else {
        clear_stuck(heap);
    }
    heap->recount = atomic_load_explicit(&ash_fork_generation, memory_order_relaxed);
    list_orphan(heap);
}

static void repair_own(struct ash_tls *tls)
{
    struct ash_heap *heap = tls->self;
    if (heap == &ash_heap_none)
        return;
    if (atomic_load_explicit(&heap->busy, memory_order_relaxed)) {
        /* F3: the handler that forked interrupted our own slow path. */
        ash_heap_quarantine(heap);
        tls->self = &ash_heap_none;
        for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
            tls->bin[c] = NULL;
        return;
    }
    ash_remote_drain(heap);
    clear_stuck(heap);
}

static void repair(struct ash_tls *tls)
{
    struct ash_heap *own = ash_watch_home(tls);
    if (atomic_exchange_explicit(&handler_ran, false, memory_order_relaxed))
        own = survivor; /* it lives on, also where a thread that is younger repairs */
    else
        atomic_fetch_add_explicit(&ash_fork_generation, 1, memory_order_relaxed);
    if (own == tls->self)
        repair_own(tls);
    else if (!atomic_load_explicit(&own->busy, memory_order_relaxed))
        clear_stuck(own); /* H1: no more; its holder goes on at the same time */
    struct ash_held held = ash_lock_take(&orphan_lock);
    orphans = NULL;
    atomic_store_explicit(&some_orphans, false, memory_order_relaxed);
    for (struct ash_heap *heap = ash_heap_first(); heap;
         heap = atomic_load_explicit(&heap->all_next, memory_order_relaxed)) {
        if (heap == own || ash_heap_kind_of(heap) != ASH_HEAP_THREAD)
            continue;
        repair_thread_heap(heap);
    }
    ash_lock_drop(&orphan_lock, held);
    bool is_held = own != &ash_heap_none && ash_heap_kind_of(own) == ASH_HEAP_THREAD;
    atomic_store_explicit(&ash_thread_count, is_held, memory_order_relaxed);
}

static ASH_COLD void repair_once(void)
{
    uint32_t seen = ALIVE_COPIED;
    /* acquire: who repairs sees the image as the handler left it */
    if (atomic_compare_exchange_strong_explicit(alive, &seen, ALIVE_REPAIRING, memory_order_acquire,
                                                memory_order_relaxed)) {
        repair(&ash_tls);
        /* release; pairs with the acquire of those who waited */
        atomic_store_explicit(alive, ALIVE_OK, memory_order_release);
        return;
    }
    static _Thread_local uint32_t rounds;
    while (atomic_load_explicit(alive, memory_order_acquire) == ALIVE_REPAIRING &&
           rounds++ < 1000000)
        ash_os_yield();
    rounds = 0;
}

void ash_thread_check_fork(void)
{
    if (ASH_UNLIKELY(atomic_load_explicit(alive, memory_order_relaxed) != ALIVE_OK))
        repair_once();
}

/* ---- descriptors ---- */

struct ash_heap *ash_heap_first(void)
{
    /* acquire; pairs with the release in enlist */
    return atomic_load_explicit(&ash_heap_registry, memory_order_acquire);
}

static void enlist(struct ash_heap *heap)
{
    struct ash_heap *seen = atomic_load_explicit(&ash_heap_registry, memory_order_relaxed);
    do {
        atomic_store_explicit(&heap->all_next, seen, memory_order_relaxed);
        /* release; pairs with the acquire in ash_heap_first */
    } while (!atomic_compare_exchange_weak_explicit(&ash_heap_registry, &seen, heap,
                                                    memory_order_release, memory_order_relaxed));
}

/* A descriptor from the spare ones; under orphan_lock. */
static struct ash_heap *take_spare(void)
{
    if (spare_n == 0) {
        const size_t bytes = 64 * 1024;
        spare = ash_os_map(bytes);
        if (!spare)
            return NULL;
        spare_n = (unsigned)(bytes / sizeof(struct ash_heap));
    }
    spare_n--;
    return spare++;
}

struct ash_heap *ash_heap_new(enum ash_heap_kind kind)
{
    uint32_t taken = 0;
    struct ash_heap *heap = &first_heap;
    if (!atomic_compare_exchange_strong(&first_taken, &taken, 1)) {
        struct ash_held held = ash_lock_take(&orphan_lock);
        heap = take_spare();
        ash_lock_drop(&orphan_lock, held);
        if (!heap)
            return NULL;
    }
    heap->lock.rank = kind == ASH_HEAP_STARTER ? ASH_RANK_STARTER : ASH_RANK_NAMED;
    atomic_store_explicit(&heap->kind, (uint8_t)kind, memory_order_relaxed);
    enlist(heap);
    return heap;
}

/* ---- birth ---- */

static void recount(struct ash_heap *heap)
{
    if (heap->recount == 0)
        return;
    heap->recount = 0;
    struct ash_meta *next;
    for (struct ash_meta *page = heap->pages; page; page = next) {
        next = page->owned_next;
        ash_page_recount(heap, page);
    }
}

static struct ash_heap *adopt(void)
{
    struct ash_held held = ash_lock_take(&orphan_lock);
    struct ash_heap *heap = NULL;
    for (struct ash_heap **link = &orphans; *link; link = &(*link)->orphan_next) {
        uintptr_t seen = ASH_INBOX_ORPHAN;
        /* H10: busy before the heap leaves the list */
        atomic_store_explicit(&(*link)->busy, 1, memory_order_relaxed);
        /* acquire; pairs with the release of exit or sweep. HELD: take the next one. */
        if (atomic_compare_exchange_strong_explicit(&(*link)->inbox, &seen, 0, memory_order_acquire,
                                                    memory_order_relaxed)) {
            heap = *link;
            *link = heap->orphan_next;
            break;
        }
        atomic_store_explicit(&(*link)->busy, 0, memory_order_relaxed);
    }
    atomic_store_explicit(&some_orphans, orphans != NULL, memory_order_relaxed);
    ash_lock_drop(&orphan_lock, held);
    return heap;
}

static struct ash_heap *acquire_heap(struct ash_tls *tls)
{
    struct ash_heap *heap = adopt();
    if (!heap) {
        heap = ash_heap_new(ASH_HEAP_THREAD);
        if (!heap)
            return NULL;
        atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
    }
    heap->tls = tls;
    tls->self = heap;
    recount(heap);
    atomic_fetch_add_explicit(&ash_thread_count, 1, memory_order_relaxed);
    /* setspecific may allocate: the heap is in order and not busy */
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
    ash_thread_need_exit(tls);
    return heap;
}

static bool uses_starter(struct ash_tls *tls, unsigned cls)
{
    if (tls->state == ASH_TLS_EXITED)
        return true;
    if (ash_heap_first() == NULL) /* the first thread */
        return false;
    /* A starter spares a heap of one's own. One that lies ready costs nothing, and is faster. */
    if (atomic_load_explicit(&some_orphans, memory_order_relaxed))
        return false;
    return ash_starter_credit(tls, cls);
}

struct ash_heap *ash_thread_enter(struct ash_tls *tls, unsigned cls)
{
    ash_thread_check_fork();
    struct ash_heap *heap = tls->self;
    /* An ifunc resolver runs before the first values of thread-local variables are in place.
     * What is stored in them now is overwritten then, so this thread may own nothing (F8). */
    if (ASH_UNLIKELY(heap == NULL))
        return NULL;
    if (ASH_UNLIKELY(heap == &ash_heap_none)) {
        if (uses_starter(tls, cls))
            return NULL;
        heap = acquire_heap(tls);
        if (!heap)
            return NULL;
    }
    return ash_thread_reenter(tls, NULL);
}

struct ash_heap *ash_thread_reenter(struct ash_tls *tls, struct ash_meta *page)
{
    struct ash_heap *heap = tls->self;
    if (heap == &ash_heap_none)
        return NULL;
    if (atomic_load_explicit(&heap->busy, memory_order_relaxed)) {
        /* A signal handler inside our own slow path. The page is looked at again at its
         * next free (H5). */
        if (page)
            page->attn = 1, page->attn0++;
        return NULL;
    }
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed); /* H10 */
    ASH_COMPILER_BARRIER();
    return heap;
}

/* ---- ticks and trims ---- */

/* Makes the next frees ask for ticks while something is left to age. */
static void watch(struct ash_heap *heap)
{
    bool wanted =
        heap->unsettled || atomic_load_explicit(&ash_space_count.dirty, memory_order_relaxed) > 0;
    if (!wanted && heap->watch == 0)
        return;
    heap->watch = wanted;
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        if (heap->cur[c])
            ash_page_watch(heap, heap->cur[c]);
}

uint32_t ash_thread_watch_frees(const struct ash_heap *heap)
{
    return heap->watch ? (uint32_t)1 << (heap->watch - 1) / WATCH_STEP : 0;
}

void ash_thread_watched(struct ash_heap *heap)
{
    heap->ticks |= TICK_CALLS - 1;
    if (heap->watch && heap->watch <= WATCH_MAX)
        heap->watch++;
}

static void tick_heap(struct ash_heap *heap)
{
    uint32_t now_ms = (uint32_t)ash_os_now_ms();
    if (now_ms - heap->tick_ms < TICK_MS)
        return;
    heap->tick_ms = now_ms;
    if (now_ms - heap->scan_ms >= SCAN_MS) {
        heap->scan_ms = now_ms;
        heap->unsettled = ash_holes_scan(heap, false);
    }
    ash_thread_tick();
    if (heap->tls)
        watch(heap);
}

void ash_thread_tick(void)
{
    uint64_t now_ms = ash_os_now_ms();
    uint64_t last = atomic_load_explicit(&last_tick_ms, memory_order_relaxed);
    if (now_ms - last < TICK_MS ||
        !atomic_compare_exchange_strong_explicit(&last_tick_ms, &last, now_ms, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    ash_starter_tick();
    ash_purge_tick(now_ms);
}

void ash_thread_leave(struct ash_heap *heap)
{
    uint32_t wanted = atomic_load_explicit(&trim_request, memory_order_relaxed);
    if (ASH_UNLIKELY(atomic_load_explicit(&heap->trim_seen, memory_order_relaxed) != wanted)) {
        atomic_store_explicit(&heap->trim_seen, wanted, memory_order_relaxed);
        ash_page_release_empty(heap, 0);
        ash_holes_scan(heap, true);
        ash_purge_all();
    }
    if (++heap->ticks % TICK_CALLS == 0)
        tick_heap(heap);
    ASH_COMPILER_BARRIER();
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
}

/* Blocks of the bin go back to the page they came from. A bin whose first block is not of
 * cur[c] belongs to a heap that was quarantined under it: it is dropped. */
static void empty_bin(struct ash_tls *tls, struct ash_heap *heap, unsigned cls)
{
    void *list = tls->bin[cls];
    struct ash_meta *page = heap->cur[cls];
    tls->bin[cls] = NULL;
    if (!list || !page)
        return;
    uintptr_t addr = (uintptr_t)list;
    if (addr < page->start || addr >= page->start + ash_meta_slices(page) * ASH_SLICE_BYTES)
        return;
    ash_page_fold(page);
    unsigned n = 1;
    void *last = list;
    for (; *(void **)last && n < page->cap; n++)
        last = *(void **)last;
    *(void **)last = page->lfree;
    page->lfree = list;
    page->lcnt = (uint16_t)(page->lcnt + n);
    page->out = (uint16_t)(page->out - n);
    ash_count_add(&heap->handed_count, (uint64_t)0 - n);
    ash_count_add(&heap->handed_bytes, (uint64_t)0 - (uint64_t)n * ash_meta_bsize(page));
}

static void empty_bins(struct ash_tls *tls, struct ash_heap *heap)
{
    for (unsigned c = 1; c < ASH_BIN_COUNT; c++)
        empty_bin(tls, heap, c);
    tls->zero[0] = tls->zero[1] = 0; /* H8 */
}

static void go_idle(struct ash_tls *tls)
{
    ash_thread_check_fork();
    ash_remote_flush_all(tls);
    struct ash_heap *heap = ash_thread_reenter(tls, NULL);
    if (!heap)
        return;
    ash_remote_drain(heap);
    empty_bins(tls, heap);
    ash_page_release_empty(heap, 0);
    ash_holes_scan(heap, true);
    ash_thread_leave(heap);
}

void ash_thread_idle(void)
{
    struct ash_tls *tls = &ash_tls;
    bool is_watched = tls->watch == ASH_WATCH_ON;
    if (is_watched)
        ash_watch_pause(tls);
    go_idle(tls);
    if (is_watched)
        ash_watch_resume(tls);
}

/* Takes one orphan that nobody sweeps, as a sender would, and works on it. */
static void visit_orphan(struct ash_heap *heap)
{
    uintptr_t seen = ASH_INBOX_ORPHAN;
    /* acquire; pairs with the release of exit or sweep (R7) */
    if (!atomic_compare_exchange_strong_explicit(&heap->inbox, &seen,
                                                 ASH_INBOX_ORPHAN | ASH_INBOX_HELD,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    recount(heap);
    ash_page_release_empty(heap, 0);
    ash_holes_scan(heap, true);
    ash_remote_sweep(heap);
}

void ash_orphans_release(void)
{
    /* The registry never shrinks, so no lock is held over the work; a heap that is adopted
     * meanwhile is not ORPHAN any more and is passed over. */
    for (struct ash_heap *heap = ash_heap_first(); heap;
         heap = atomic_load_explicit(&heap->all_next, memory_order_relaxed))
        if (ash_heap_kind_of(heap) == ASH_HEAP_THREAD)
            visit_orphan(heap);
}

size_t ash_threads_trim(void)
{
    uint64_t before = atomic_load_explicit(&ash_space_count.purged_bytes, memory_order_relaxed);
    uint32_t wanted = atomic_fetch_add_explicit(&trim_request, 1, memory_order_relaxed) + 1;
    struct ash_heap *heap = ash_watch_home(&ash_tls);
    if (heap != &ash_heap_none)
        atomic_store_explicit(&heap->trim_seen, wanted, memory_order_relaxed);
    ash_thread_idle();
    ash_orphans_release();
    ash_starters_release();
    ash_purge_all();
    return (size_t)(atomic_load_explicit(&ash_space_count.purged_bytes, memory_order_relaxed) -
                    before);
}

/* ---- exit ---- */

static void leave_heap(struct ash_tls *tls, struct ash_heap *heap)
{
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
    empty_bins(tls, heap);
    ash_remote_drain(heap);
    heap->tls = NULL; /* an orphan keeps no EMPTY page */
    retire_all(heap);
    ash_page_release_empty(heap, 0);
    tls->self = &ash_heap_none;
    ash_remote_orphan(heap);
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed); /* H10 */
    struct ash_held held = ash_lock_take(&orphan_lock);
    list_orphan(heap);
    ash_lock_drop(&orphan_lock, held);
    atomic_fetch_sub_explicit(&ash_thread_count, 1, memory_order_relaxed);
}

static void thread_exit(void *arg)
{
    struct ash_tls *tls = arg;
    if (++tls->rounds < KEY_ROUNDS && pthread_setspecific(exit_key, tls) == 0)
        return; /* other destructors may still allocate and free (F10) */
    if (ash_hooks.watcher)
        ash_hooks.watcher->thread_exit();
    ash_thread_check_fork();
    tls->state = ASH_TLS_EXITED;
    ash_remote_flush_all(tls);
    if (tls->self != &ash_heap_none)
        leave_heap(tls, tls->self);
}

void ash_thread_need_exit(struct ash_tls *tls)
{
    if (tls->state != ASH_TLS_FRESH ||
        !atomic_load_explicit(&key_made, memory_order_acquire)) /* pairs with ash_threads_init */
        return;
    tls->state = ASH_TLS_KEYED; /* before setspecific, which may allocate */
    if (pthread_setspecific(exit_key, tls) != 0)
        tls->state = ASH_TLS_FRESH;
}

void ash_threads_init(void)
{
    if (pthread_key_create(&exit_key, thread_exit) == 0)
        /* release; pairs with ash_thread_need_exit */
        atomic_store_explicit(&key_made, true, memory_order_release);
    pthread_atfork(NULL, NULL, child_of_fork);
    _Atomic uint32_t *word = ash_os_map(ash_os_page_bytes());
    if (word && ash_os_wipe_on_fork((uintptr_t)word, ash_os_page_bytes()) == 0) {
        atomic_store_explicit(word, ALIVE_OK, memory_order_relaxed);
        alive = word;
    }
    struct ash_tls *tls = &ash_tls;
    if (tls->self != &ash_heap_none)
        ash_thread_need_exit(tls);
}

/* ---- reaper ---- */

static void *reap(void *arg)
{
    _Atomic uint32_t *never = arg;
    for (;;) {
        ash_os_wait(never, 0, 1000);
        ash_thread_check_fork();
        ash_orphans_release();
        ash_starters_release();
        ash_purge_tick(ash_os_now_ms());
    }
    return NULL;
}

int ash_reaper_start(void)
{
    static _Atomic uint32_t started, never;
    uint32_t no = 0;
    if (!atomic_compare_exchange_strong(&started, &no, 1))
        return 0;
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&thread, &attr, reap, &never);
    pthread_attr_destroy(&attr);
    if (err)
        atomic_store(&started, 0);
    return err;
}
