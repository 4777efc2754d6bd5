/* os.h: the Linux seam: everything the library asks of the kernel.
 *
 * No other room of the library makes a system call. All sizes are bytes and multiples of
 * the OS page, all addresses are OS-page aligned. A function that can fail returns 0 or
 * -errno (never sets errno), or NULL/0 where said. Only mmap, munmap, mprotect, madvise
 * and futex are required (F16); everything else may be refused and has a fallback here.
 *
 * O1  Nothing here allocates, takes a lock, or is a cancellation point (F7).
 * O2  A call that fails has changed nothing.
 * O3  ash_os_fail (ASHLAR=fail_nth, fail_rate, fail_call) may refuse any of mmap, munmap,
 *     mprotect, madvise, mremap with -ENOMEM before the kernel is asked (F14).
 *
 * Threads   Every function may be called from any thread at any time.
 */
#ifndef ASH_OS_OS_H
#define ASH_OS_OS_H

#include "base/base.h"
#include <stdatomic.h>

/* ---- vm: address ranges (vm.c) ---- */

/* Reserves bytes of address space without memory (PROT_NONE) at a random multiple of align.
 * Returns the address, or 0. */
uintptr_t ash_os_reserve(size_t bytes, size_t align);
/* Maps bytes read/write somewhere, zero. NULL when refused. */
void *ash_os_map(size_t bytes);
/* Maps exactly [addr, addr + bytes) read/write, if nothing is there. 0, -EEXIST when taken,
 * -errno. */
int ash_os_map_at(uintptr_t addr, size_t bytes);
/* Makes a reserved range read/write. */
int ash_os_open(uintptr_t addr, size_t bytes);
int ash_os_unmap(uintptr_t addr, size_t bytes);
/* Gives the memory of the range back; it reads zero afterwards. */
int ash_os_release(uintptr_t addr, size_t bytes);
/* Moves the page-table entries of [from, from + bytes) onto [to, to + bytes), which is mapped.
 * Returns how many bytes, from the start, were moved: all, none, or some when the kernel refused
 * the others. What was moved stays mapped in `from` and reads zero; the others are as they were. */
size_t ash_os_move(uintptr_t from, uintptr_t to, size_t bytes);
/* Asks for huge pages in the range, or forbids them. */
int ash_os_huge(uintptr_t addr, size_t bytes, bool want);
/* Collapses a filled 2 MiB range into a huge page now. */
int ash_os_collapse(uintptr_t addr, size_t bytes);
/* The range reads zero in a forked child. */
int ash_os_wipe_on_fork(uintptr_t addr, size_t bytes);

enum ash_thp { ASH_THP_NEVER, ASH_THP_MADVISE, ASH_THP_ALWAYS };
/* The system's huge page mode, read once from sysfs; NEVER when it cannot be read. */
enum ash_thp ash_os_thp(void);
size_t ash_os_page_bytes(void);

/* ---- faults on purpose (fail.c) ---- */

enum ash_fail_call {
    ASH_FAIL_MMAP = 1,
    ASH_FAIL_MUNMAP = 2,
    ASH_FAIL_MPROTECT = 4,
    ASH_FAIL_MADVISE = 8,
    ASH_FAIL_MREMAP = 16,
    ASH_FAIL_ALL = 31,
};
/* Which calls are refused from now on: the nth of the kinds in calls (0: none by number),
 * and one in rate at random (0: none). */
void ash_os_fail_set(uint64_t nth, uint64_t rate, unsigned calls, uint64_t seed);
extern _Atomic uint64_t ash_os_fail_n;
/* How many calls were refused on purpose. */
uint64_t ash_os_fail_count(void);
/* Used by vm.c: must this call be refused? */
bool ash_os_fail_now(enum ash_fail_call call);

/* ---- thread (thread.c) ---- */

/* The CPU this thread runs on: glibc's rseq area where registered, else getcpu, else 0. */
unsigned ash_os_cpu(void);
/* CPUs that may ever run us, at least 1. */
unsigned ash_os_cpu_count(void);
uint32_t ash_os_thread_id(void);
uint32_t ash_os_process_id(void);
/* Waits while *word == seen, at most ms milliseconds; may return early. */
void ash_os_wait(_Atomic uint32_t *word, uint32_t seen, unsigned ms);
void ash_os_wake(_Atomic uint32_t *word, int n);
void ash_os_yield(void);

/* ---- misc (misc.c) ---- */

/* Milliseconds of a monotonic clock; coarse (some ms), cheap. */
uint64_t ash_os_now_ms(void);
uint64_t ash_os_random(void);
/* The process runs with raised privileges (setuid): options are ignored (F26). */
bool ash_os_is_secure(void);
/* Reads at most n - 1 bytes of a small file and ends them with 0. Count, or -errno. */
long ash_os_read_file(const char *path, char *ret_text, size_t n);
/* Creates or empties a file, close-on-exec, descriptor above 2. The descriptor, or -errno. */
int ash_os_create_file(const char *path);
/* Appends everything; retries EINTR and short writes. 0 or -errno. */
int ash_os_write(int fd, const char *text, size_t n);
void ash_os_close(int fd);
/* A second descriptor of what fd is open to: close-on-exec, high, out of the program's way.
 * The descriptor, or -errno. */
int ash_os_keep_fd(int fd);
/* Which file a descriptor is of: two of one file have the same pair. */
struct ash_file {
    uint64_t device, inode;
};
/* 0 or -errno. */
int ash_os_file_of(int fd, struct ash_file *ret_file);

/* ---- clock (clock.c) ---- */

uint64_t ash_os_now_ns(void);  /* CLOCK_MONOTONIC */
uint64_t ash_os_wall_ns(void); /* CLOCK_REALTIME */
/* The counter of the processor: alike on all CPUs, of one rate, some ns to read. Where there is
 * none, CLOCK_MONOTONIC in its place and false. Takes 0.2 ms; once, before the first reading. */
bool ash_os_counter_start(uint64_t *ret_per_second);
uint64_t ash_os_counter(void);
/* The same, read when all earlier loads of this thread are done. */
uint64_t ash_os_counter_after(void);

/* ---- shared files (file.c) ---- */

/* Opens a file to read and write: fresh, a new one in place of a plain one, which stays for those
 * who have it; else one that is there. Close-on-exec, the descriptor out of the program's way. The
 * descriptor, or -errno. */
int ash_os_open_shared(const char *path, bool fresh);
/* Makes sure that [at, at + bytes) of the file has room on its disk. 0 or -errno. */
int ash_os_allocate(int fd, uint64_t at, size_t bytes);
/* Maps a part of the file shared, to read and write. NULL when refused. */
void *ash_os_map_file(int fd, uint64_t at, size_t bytes);
/* Writes everything at a place; retries EINTR and short writes. 0 or -errno. */
int ash_os_write_at(int fd, uint64_t at, const void *bytes, size_t n);
/* The path of the running program with a closing 0. Bytes without it, or -errno. */
long ash_os_program(char *ret_path, size_t n);
/* The current folder with a closing 0. Bytes, or -errno. */
long ash_os_folder(char *ret_path, size_t n);

/* ---- maps (maps.c): what lies at an address, from /proc/self/maps ---- */

struct ash_map {
    uintptr_t start, end;
    bool readable, writable, executable;
    bool zeroed;    /* anonymous, but right behind the data of the file path: its zeroed data */
    char path[256]; /* "" anonymous, "[stack]", "[heap]", or a file */
};
/* Finds the mapping of addr. false: not mapped, or /proc cannot be read. */
bool ash_os_map_of(uintptr_t addr, struct ash_map *ret_map);

#endif
