/* window.c: the file of a recording, and its windows; see window.h. */
#include "probe/window.h"
#include "os/os.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define REFINE_NS 10000000u /* the counter's rate is known better with each 10 ms that pass */

static struct {
    int fd;
    struct ash_file identity;
    uint8_t *page; /* the header's, mapped; NULL: windows are buffers */
    size_t page_bytes;
    uint64_t start_ns, start_steps;
    _Atomic uint64_t n_windows;
    _Atomic uint64_t n_unmapped; /* says to a checker of races what the kernel orders anyway */
    bool is_open, is_clock;
    char path[ASH_PROBE_PATH_MAX];
} file = {.fd = -1};

const char *ash_probe_file_path(void)
{
    return file.path;
}

static bool is_ours(int fd)
{
    struct ash_file identity;
    return fd >= 0 && ash_os_file_of(fd, &identity) == 0 &&
           identity.device == file.identity.device && identity.inode == file.identity.inode;
}

/* A descriptor of the file, or -1. */
static int descriptor(void)
{
    if (ASH_LIKELY(is_ours(file.fd)))
        return file.fd;
    int fd = ash_os_open_shared(file.path, false);
    if (!is_ours(fd)) { /* it was renamed, removed, or lies outside of a new root */
        if (fd >= 0)
            ash_os_close(fd);
        return -1;
    }
    file.fd = fd; /* of two threads that meet here, one leaves a descriptor open */
    return fd;
}

static int make_path(const char *path)
{
    size_t n = 0;
    if (path[0] != '/') {
        if (ash_os_folder(file.path, sizeof(file.path) - 1) <= 0)
            return -ENAMETOOLONG;
        n = strlen(file.path);
        file.path[n++] = '/';
    }
    size_t more = strlen(path) + 1;
    if (n + more > sizeof(file.path))
        return -ENAMETOOLONG;
    memcpy(file.path + n, path, more);
    return 0;
}

/* Writes the header's page, by a mapping that stays if that is possible. */
static int put_header(struct ash_trace_header *header)
{
    uint8_t bytes[ASH_TRACE_HEADER_BYTES];
    int bad = ash_os_allocate(file.fd, 0, file.page_bytes);
    if (bad == 0)
        file.page = ash_os_map_file(file.fd, 0, file.page_bytes);
    if (file.page) {
        ash_trace_header_put(header, file.page);
        return 0;
    }
    if (bad != 0 && bad != -EOPNOTSUPP && bad != -ENOSYS)
        return bad;
    header->flags |= ASH_TRACE_BUFFERED;
    ash_trace_header_put(header, bytes);
    return ash_os_write_at(file.fd, 0, bytes, sizeof(bytes));
}

int ash_probe_file_open(const char *path, uint32_t flags, uint32_t parent)
{
    int bad = make_path(path);
    if (bad)
        return bad;
    file.fd = ash_os_open_shared(file.path, true);
    if (file.fd < 0 || (bad = ash_os_file_of(file.fd, &file.identity)) != 0)
        return file.fd < 0 ? file.fd : bad;
    file.page = NULL;
    file.page_bytes = ash_os_page_bytes();
    atomic_store_explicit(&file.n_windows, 0, memory_order_relaxed);
    struct ash_trace_header header = {.version = ASH_TRACE_VERSION,
                                      .flags = flags | ASH_TRACE_WINDOWS,
                                      .tick_shift = ASH_TRACE_TICK_SHIFT,
                                      .pid = ash_os_process_id(),
                                      .parent = parent,
                                      .page_bytes = (uint32_t)file.page_bytes,
                                      .window_bytes = ASH_TRACE_WINDOW_BYTES,
                                      .n_cpus = ash_os_cpu_count(),
                                      .wall_ns = ash_os_wall_ns()};
    file.is_clock = !ash_os_counter_start(&header.steps_per_second);
    if (file.is_clock)
        header.flags |= ASH_TRACE_CLOCK;
    file.start_ns = ash_os_now_ns();
    file.start_steps = ash_os_counter();
    header.first_tick = file.start_steps >> ASH_TRACE_TICK_SHIFT;
    bad = put_header(&header);
    file.is_open = bad == 0;
    if (bad)
        ash_os_close(file.fd);
    return bad;
}

/* The longer the program runs, the better the rate of the counter is known. */
static void refine_rate(void)
{
    if (!file.page || file.is_clock)
        return;
    uint64_t ns = ash_os_now_ns() - file.start_ns;
    uint64_t steps = ash_os_counter() - file.start_steps;
    if (ns < REFINE_NS)
        return;
    uint64_t rate = (uint64_t)((double)steps * 1e9 / (double)ns);
    atomic_store_explicit((_Atomic uint64_t *)(void *)(file.page + 32), rate, memory_order_relaxed);
}

static uint8_t *map_window(int fd, uint64_t at)
{
    if (!file.page)
        return ash_os_map(ASH_TRACE_WINDOW_BYTES);
    if (ash_os_allocate(fd, at, ASH_TRACE_WINDOW_BYTES) != 0)
        return NULL;
    return ash_os_map_file(fd, at, ASH_TRACE_WINDOW_BYTES);
}

bool ash_probe_window_claim(struct ash_probe_window *window, const struct ash_trace_frame *frame)
{
    window->bytes = NULL;
    int fd = file.is_open ? descriptor() : -1;
    if (fd < 0)
        return false;
    uint64_t i = atomic_fetch_add_explicit(&file.n_windows, 1, memory_order_relaxed);
    window->at = file.page_bytes + i * ASH_TRACE_WINDOW_BYTES;
    window->bytes = map_window(fd, window->at);
    if (!window->bytes) {
        uint64_t seen = i + 1; /* unless another thread claimed one meanwhile (N1) */
        atomic_compare_exchange_strong_explicit(&file.n_windows, &seen, i, memory_order_relaxed,
                                                memory_order_relaxed);
        return false;
    }
    /* acquire; pairs with the release of whoever unmapped a window that lay here */
    (void)atomic_load_explicit(&file.n_unmapped, memory_order_acquire);
    window->frame = *frame;
    window->frame.length = ASH_TRACE_OPEN;
    ash_trace_frame_put(&window->frame, NULL, window->bytes);
    refine_rate();
    return true;
}

void ash_probe_window_close(struct ash_probe_window *window, uint8_t *end, uint32_t n_events)
{
    window->frame.length = (uint32_t)(end - window->bytes - ASH_TRACE_FRAME_BYTES);
    window->frame.n_events = n_events;
    ash_trace_frame_close(&window->frame, window->bytes);
    int fd = file.page ? -1 : descriptor();
    if (fd >= 0)
        (void)ash_os_write_at(fd, window->at, window->bytes, ASH_TRACE_WINDOW_BYTES);
    ash_probe_window_forget(window);
}

void ash_probe_window_forget(struct ash_probe_window *window)
{
    if (!window->bytes)
        return;
    /* release; pairs with the acquire in claim */
    atomic_fetch_add_explicit(&file.n_unmapped, 1, memory_order_release);
    (void)ash_os_unmap((uintptr_t)window->bytes, ASH_TRACE_WINDOW_BYTES);
    window->bytes = NULL;
}

void ash_probe_file_finish(uint64_t n_dropped)
{
    uint8_t bytes[ASH_TRACE_FRAME_BYTES + 20], *payload = bytes + ASH_TRACE_FRAME_BYTES;
    if (!file.is_open)
        return;
    uint64_t n_windows = atomic_load_explicit(&file.n_windows, memory_order_relaxed);
    uint8_t *end = ash_trace_varint_put(ash_trace_varint_put(payload, n_windows), n_dropped);
    struct ash_trace_frame frame = {.type = ASH_TRACE_END,
                                    .length = (uint32_t)(end - payload),
                                    .first_tick = ash_os_counter() >> ASH_TRACE_TICK_SHIFT};
    ash_trace_frame_put(&frame, payload, bytes);
    refine_rate();
    int fd = file.page ? -1 : descriptor();
    if (file.page)
        memcpy(file.page + ASH_TRACE_HEADER_BYTES, bytes, (size_t)(end - bytes));
    else if (fd >= 0)
        (void)ash_os_write_at(fd, ASH_TRACE_HEADER_BYTES, bytes, (size_t)(end - bytes));
}

void ash_probe_file_forget(void)
{
    if (file.page)
        (void)ash_os_unmap((uintptr_t)file.page, file.page_bytes);
    if (is_ours(file.fd))
        ash_os_close(file.fd);
    file.page = NULL;
    file.fd = -1;
    file.is_open = false;
}
