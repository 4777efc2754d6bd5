/* shim.c: the malloc family around one strategy: libashlar-lab-NAME.so, for real programs.
 *
 *   malloc ──▶ [thread comes: key, CAME] ──▶ lock ──▶ strategy on memory.c, real time
 *
 * One futex lock stands around a strategy. A call that interrupts another one of the same thread
 * (open, a signal handler) gets start-up memory, whose blocks are never used again.
 *
 * Fork holds nothing. A child that finds the lock taken leaves that heap alone for ever: it opens a
 * second instance, and what it frees of the first stays where it is.
 *
 * Parameters: ASHLAR=lab.order=lifo,lab.split=64. ASH_LAB_SHIM names the strategy's constant.
 */
#include "base/base.h"
#include "lab/memory.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define IN_TLS _Thread_local __attribute__((tls_model("initial-exec")))
#define OS_PAGE ((size_t)4096)

enum { START_BYTES = 256 << 10, START_HEAD = 16, PARAMS_MAX = 16, TEXT_BYTES = 512 };

extern const struct ash_lab_strategy ASH_LAB_SHIM;
static const struct ash_lab_strategy *const strategy = &ASH_LAB_SHIM;

struct instance {
    struct ash_lab_memory *memory;
    void *self;
};

/* The lock protects everything below it. 0 free, 1 taken, 2 taken and somebody waits. */
static _Atomic uint32_t lock;
static struct instance now, left; /* left: of a parent, whose lock was taken at the fork */
static bool is_open, cannot_open;
static unsigned n_threads;
static struct ash_lab_param params[PARAMS_MAX + 1];
static char text[TEXT_BYTES];
static _Atomic uint32_t *alive; /* a page that a fork wipes: 0 in a child */

static pthread_key_t key;
static _Atomic bool has_key;

static IN_TLS void *slot;
static IN_TLS unsigned thread;
static IN_TLS bool came, is_inside;

static _Alignas(16) char start[START_BYTES];
static _Atomic size_t start_used;

/* --- start-up memory --- */

static bool is_start(const void *p)
{
    return (const char *)p >= start && (const char *)p < start + START_BYTES;
}

static void *start_alloc(size_t size, size_t align)
{
    if (size > START_BYTES || align > START_BYTES)
        return NULL;
    size_t room = START_HEAD + align + ash_align_up(size, 16);
    size_t at = atomic_fetch_add_explicit(&start_used, room, memory_order_relaxed);
    if (at + room > START_BYTES)
        return NULL;
    char *block = (char *)ash_align_up((uintptr_t)start + at + START_HEAD, align);
    memcpy(block - sizeof(size), &size, sizeof(size));
    return block;
}

static size_t start_usable(const void *p)
{
    size_t size;
    memcpy(&size, (const char *)p - sizeof(size), sizeof(size));
    return size;
}

/* --- the lock --- */

static void take_lock(void)
{
    uint32_t free = 0;
    /* acquire: pairs with give_lock */
    if (atomic_compare_exchange_strong_explicit(&lock, &free, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&lock, 2, memory_order_acquire) != 0)
        syscall(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void give_lock(void)
{
    if (atomic_exchange_explicit(&lock, 0, memory_order_release) == 2)
        syscall(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* --- opening --- */

static void read_params(void)
{
    const char *at = getenv("ASHLAR");
    size_t used = 0;
    unsigned n = 0;
    while (at && *at && n < PARAMS_MAX) {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        if (length > 4 && memcmp(at, "lab.", 4) == 0 && equals && used + length < TEXT_BYTES) {
            char *copy = text + used;
            memcpy(copy, at + 4, length - 4);
            copy[length - 4] = 0;
            copy[equals - at - 4] = 0;
            params[n++] = (struct ash_lab_param){copy, copy + (equals - at - 4) + 1};
            used += length;
        }
        at += length + (at[length] == ',');
    }
}

static bool open_instance(struct instance *instance)
{
    cpu_set_t cpus;
    int n_cpus = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    const struct ash_lab_memory_options options = {
        .params = params, .n_cpus = (unsigned)n_cpus, .real_time = true, .huge_pages = true};
    instance->memory = ash_lab_memory_new(&options);
    instance->self = mmap(NULL, ash_align_up(strategy->state_size | 1, OS_PAGE),
                          PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!instance->memory || instance->self == MAP_FAILED)
        return false;
    ash_lab_memory_set_thread(instance->memory, thread, &slot);
    return strategy->open(instance->self, instance->memory);
}

static void wipe_on_fork(void)
{
    void *page = mmap(NULL, OS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, OS_PAGE, MADV_WIPEONFORK) != 0)
        return;
    alive = page;
    atomic_store_explicit(alive, 1, memory_order_relaxed);
}

static void thread_went(void *unused);

/* With the lock taken. */
static void open_all(void)
{
    is_open = true;
    read_params();
    wipe_on_fork();
    cannot_open = !open_instance(&now);
}

/* In a child of fork, at its first call: there is one thread, and nobody will ever give the lock
 * back if it is taken. */
static void after_fork(void)
{
    atomic_store_explicit(alive, 1, memory_order_relaxed);
    if (atomic_load_explicit(&lock, memory_order_relaxed) == 0)
        return;
    left = now;
    slot = NULL;
    came = false;
    cannot_open = !open_instance(&now);
    atomic_store_explicit(&lock, 0, memory_order_relaxed);
}

/* --- in and out --- */

/* A thread's end is told by a key. Its first setspecific may call malloc, which then finds itself
 * inside. */
static void come(void)
{
    came = true;
    thread = ++n_threads;
    slot = NULL;
    ash_lab_memory_set_thread(now.memory, thread, &slot);
    if (strategy->thread)
        strategy->thread(now.self, ASH_LAB_CAME);
}

/* false: this call must do with start-up memory. On true the lock is taken. */
static bool enter(void)
{
    if (is_inside)
        return false;
    is_inside = true;
    if (alive && atomic_load_explicit(alive, memory_order_relaxed) == 0)
        after_fork();
    bool is_new = !came;
    if (is_new && strategy->thread) {
        if (!atomic_exchange_explicit(&has_key, true, memory_order_relaxed))
            pthread_key_create(&key, thread_went);
        pthread_setspecific(key, &slot);
    }
    take_lock();
    if (!is_open)
        open_all();
    if (cannot_open) {
        give_lock();
        is_inside = false;
        return false;
    }
    if (is_new)
        come();
    else
        ash_lab_memory_set_thread(now.memory, thread, &slot);
    return true;
}

static void leave(void)
{
    give_lock();
    is_inside = false;
}

static void thread_went(void *unused)
{
    (void)unused;
    if (!came || !enter())
        return;
    strategy->thread(now.self, ASH_LAB_WENT);
    slot = NULL;
    came = false;
    leave();
}

/* --- blocks --- */

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *take(size_t size, size_t align)
{
    if (size > PTRDIFF_MAX - align)
        return out_of_memory();
    int kept = errno;
    void *block = NULL;
    if (enter()) {
        block = strategy->alloc(now.self, size, align);
        leave();
    } else {
        block = start_alloc(size, align);
    }
    errno = kept;
    return block ? block : out_of_memory();
}

static void say_foreign(const void *p)
{
    static const char words[] = "ashlar: E03 pointer no heap gave out: free or realloc of a "
                                "foreign pointer on a strategy of the lab | ashlar help E03\n";
    (void)p;
    if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        abort();
    abort();
}

static void give(void *p)
{
    if (!p || is_start(p))
        return;
    int kept = errno;
    if (enter()) {
        bool is_ours = ash_lab_memory_owns(now.memory, (uintptr_t)p);
        if (is_ours)
            strategy->free(now.self, p);
        bool is_left = left.memory && ash_lab_memory_owns(left.memory, (uintptr_t)p);
        leave();
        if (!is_ours && !is_left)
            say_foreign(p);
    } /* else: inside another call; the block stays */
    errno = kept;
}

static size_t usable_of(void *p)
{
    size_t size = 0;
    if (is_start(p))
        return start_usable(p);
    if (!enter())
        return 0;
    if (ash_lab_memory_owns(now.memory, (uintptr_t)p))
        size = strategy->usable(now.self, p);
    else if (left.memory && ash_lab_memory_owns(left.memory, (uintptr_t)p))
        size = strategy->usable(left.self, p); /* a live block's size stands still */
    leave();
    return size;
}

/* Without a copy; NULL: there is none. */
static void *resize_in_place(void *p, size_t size)
{
    void *block = NULL;
    if (!strategy->resize || is_start(p) || !enter())
        return NULL;
    if (ash_lab_memory_owns(now.memory, (uintptr_t)p))
        block = strategy->resize(now.self, p, size);
    leave();
    return block;
}

PUBLIC void *malloc(size_t size)
{
    return take(size, 16);
}

PUBLIC void free(void *p)
{
    give(p);
}

PUBLIC void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return out_of_memory();
    void *block = take(bytes, 16);
    if (block)
        memset(block, 0, bytes);
    return block;
}

PUBLIC void *realloc(void *p, size_t size)
{
    if (!p)
        return take(size, 16);
    if (size == 0) {
        give(p);
        return NULL;
    }
    if (size > PTRDIFF_MAX - 16)
        return out_of_memory();
    int kept = errno;
    void *block = resize_in_place(p, size);
    if (block) {
        errno = kept;
        return block;
    }
    size_t old = usable_of(p);
    block = take(size, 16);
    if (!block)
        return NULL;
    memcpy(block, p, ash_size_min(old, size));
    give(p);
    errno = kept;
    return block;
}

PUBLIC void *reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return out_of_memory();
    return realloc(p, bytes);
}

static size_t next_power(size_t align)
{
    size_t power = 16;
    while (power < align && power <= PTRDIFF_MAX / 2)
        power *= 2;
    return power;
}

PUBLIC void *memalign(size_t align, size_t size)
{
    return align > PTRDIFF_MAX / 2 ? out_of_memory() : take(size, next_power(align));
}

PUBLIC void *aligned_alloc(size_t align, size_t size)
{
    if (!ash_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return memalign(align, size);
}

PUBLIC int posix_memalign(void **ret_p, size_t align, size_t size)
{
    if (!ash_is_power_of_two(align) || align % sizeof(void *) != 0)
        return EINVAL;
    int kept = errno;
    void *block = memalign(align, size);
    errno = kept;
    if (!block)
        return ENOMEM;
    *ret_p = block;
    return 0;
}

PUBLIC void *valloc(size_t size)
{
    return take(size, OS_PAGE);
}

PUBLIC void *pvalloc(size_t size)
{
    return size > PTRDIFF_MAX - OS_PAGE ? out_of_memory()
                                        : take(ash_align_up(size, OS_PAGE), OS_PAGE);
}

PUBLIC size_t malloc_usable_size(void *p)
{
    return p ? usable_of(p) : 0;
}

PUBLIC void free_sized(void *p, size_t size)
{
    (void)size;
    give(p);
}

PUBLIC void free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    give(p);
}

PUBLIC void cfree(void *p)
{
    give(p);
}

PUBLIC int malloc_trim(size_t pad)
{
    (void)pad;
    return 0;
}
