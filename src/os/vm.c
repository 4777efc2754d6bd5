/* vm.c: address ranges from the kernel and back; see os.h. */
#include "os/os.h"
#include "os/sys.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* Older C libraries and kernel headers do not know these yet; the numbers are the kernel's. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define MAP_RESERVED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define MAP_OPEN (MAP_PRIVATE | MAP_ANONYMOUS)
#define PROT_OPEN (PROT_READ | PROT_WRITE)
/* Hints that turn out to be taken before the range is cut from a larger one. The middle of
 * the address space is nearly empty, so a second is already rare. */
#define HINTS_MAX 3
/* An object that grew in several steps is several mappings, which are found by halving. Below
 * MOVE_MIN bytes copying is cheaper; what is left after MOVES_MAX calls is copied as well. */
#define MOVES_MAX 48
#define MOVE_MIN ((size_t)2 << 20)

/* Sanitizers put their shadow where our hints point, and know of few places where a program
 * may have memory: where one of them runs, the kernel chooses. */
extern void __asan_init(void) __attribute__((weak, visibility("default")));
extern void __tsan_init(void) __attribute__((weak, visibility("default")));
extern void __msan_init(void) __attribute__((weak, visibility("default")));

/* mmap: the address, or -errno as a negative number. */
static long map_pages(uintptr_t addr, size_t bytes, int prot, int flags)
{
    if (ash_os_fail_now(ASH_FAIL_MMAP))
        return -ENOMEM;
    return ash_sys6(SYS_mmap, (long)addr, (long)bytes, prot, flags, -1, 0);
}

static bool is_error(long ret)
{
    return (unsigned long)ret > -4096ul;
}

static int advise(uintptr_t addr, size_t bytes, int advice)
{
    if (ash_os_fail_now(ASH_FAIL_MADVISE))
        return -ENOMEM;
    return (int)ash_sys3(SYS_madvise, (long)addr, (long)bytes, advice);
}

int ash_os_unmap(uintptr_t addr, size_t bytes)
{
    if (ash_os_fail_now(ASH_FAIL_MUNMAP))
        return -ENOMEM;
    return (int)ash_sys3(SYS_munmap, (long)addr, (long)bytes, 0);
}

/* Reserved addresses that are not wanted. One that cannot go back stays reserved for ever:
 * it costs no memory, and nothing else can be done. */
static void give_up(uintptr_t addr, size_t bytes)
{
    if (bytes > 0)
        (void)ash_os_unmap(addr, bytes);
}

/* A random multiple of align between an eighth and a half of the user address space: below
 * are the sanitizers' shadows and old-fashioned programs, above programs, libraries and
 * stacks. 0 when there is no such place. */
static uintptr_t random_place(size_t bytes, size_t align)
{
    if (__asan_init || __tsan_init || __msan_init)
        return 0;
    /* the random bytes of AT_RANDOM lie on the first stack, the top of the address space */
    uintptr_t high = (uintptr_t)getauxval(AT_RANDOM);
    if (high == 0)
        return 0;
    uintptr_t space_bytes = (uintptr_t)1 << (63 - __builtin_clzll(high));
    uintptr_t first = ash_align_up(space_bytes / 4, align);
    uintptr_t end = ash_align_down(space_bytes, align);
    if (first >= end || bytes > end - first)
        return 0;
    uintptr_t n_places = (end - first - bytes) / align + 1;
    return first + ash_os_random() % n_places * align;
}

/* The range at a random place, 0 when it is taken, or -errno. */
static long reserve_random(size_t bytes, size_t align)
{
    uintptr_t place = random_place(bytes, align);
    if (place == 0)
        return 0;
    long got = map_pages(place, bytes, PROT_NONE, MAP_RESERVED);
    if (is_error(got) || ((uintptr_t)got & (align - 1)) == 0)
        return got;
    give_up((uintptr_t)got, bytes);
    return 0;
}

/* More than is wanted, wherever the kernel likes, cut down to the aligned part. */
static uintptr_t reserve_and_trim(size_t bytes, size_t align)
{
    size_t slack = align > ash_os_page_bytes() ? align - ash_os_page_bytes() : 0;
    if (bytes > SIZE_MAX - slack)
        return 0;
    long got = map_pages(0, bytes + slack, PROT_NONE, MAP_RESERVED);
    if (is_error(got))
        return 0;
    uintptr_t addr = ash_align_up((uintptr_t)got, align);
    size_t head = addr - (uintptr_t)got;
    give_up((uintptr_t)got, head);
    give_up(addr + bytes, slack - head);
    return addr;
}

uintptr_t ash_os_reserve(size_t bytes, size_t align)
{
    for (int i = 0; i < HINTS_MAX; i++) {
        long got = reserve_random(bytes, align);
        if (is_error(got))
            return 0;
        if (got != 0)
            return (uintptr_t)got;
    }
    return reserve_and_trim(bytes, align);
}

void *ash_os_map(size_t bytes)
{
    long got = map_pages(0, bytes, PROT_OPEN, MAP_OPEN);
    return is_error(got) ? NULL : (void *)got;
}

ASH_RARE int ash_os_map_at(uintptr_t addr, size_t bytes)
{
    long got = map_pages(addr, bytes, PROT_OPEN, MAP_OPEN | MAP_FIXED_NOREPLACE);
    if (is_error(got))
        return (int)got;
    if ((uintptr_t)got == addr)
        return 0;
    /* before Linux 4.17 the flag is unknown and the address a mere hint */
    give_up((uintptr_t)got, bytes);
    return -EEXIST;
}

int ash_os_open(uintptr_t addr, size_t bytes)
{
    if (ash_os_fail_now(ASH_FAIL_MPROTECT))
        return -ENOMEM;
    return (int)ash_sys3(SYS_mprotect, (long)addr, (long)bytes, PROT_OPEN);
}

int ash_os_release(uintptr_t addr, size_t bytes)
{
    return advise(addr, bytes, MADV_DONTNEED);
}

/* Moves a range that is one mapping of the kernel's: 0, or -errno with nothing changed. -EFAULT:
 * it is several mappings. Given a target, Linux 6.17 and later move several one after another,
 * and where the third is refused nobody learns that two have gone. So a free place first: that
 * takes one mapping only, in every version, whole or not at all. */
static int move_mapping(uintptr_t from, uintptr_t to, size_t bytes)
{
    if (ash_os_fail_now(ASH_FAIL_MREMAP))
        return -ENOMEM;
    long place = ash_sys6(SYS_mremap, (long)from, (long)bytes, (long)bytes,
                          MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, 0);
    if (is_error(place))
        return (int)place;
    long got = ash_sys6(SYS_mremap, place, (long)bytes, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                        (long)to, 0);
    if (!is_error(got))
        return 0;
    /* O2: the contents go back by hand. The kernel unmaps the target before it looks at the
     * rest, and a hole in a region would be filled by somebody else's mapping. Where nothing was
     * unmapped this fails, and should. Not map_pages: a failure on purpose may not make a hole. */
    memcpy((void *)from, (void *)place, bytes);
    give_up((uintptr_t)place, bytes);
    (void)ash_sys6(SYS_mmap, (long)to, (long)bytes, PROT_OPEN, MAP_OPEN | MAP_FIXED_NOREPLACE, -1,
                   0);
    return (int)got;
}

ASH_RARE size_t ash_os_move(uintptr_t from, uintptr_t to, size_t bytes)
{
    size_t moved = 0, part = bytes;
    for (unsigned i = 0; i < MOVES_MAX && moved < bytes; i++) {
        int error = move_mapping(from + moved, to + moved, part);
        if (error == 0) {
            moved += part;
            part = bytes - moved;
        } else if (error == -EFAULT && part >= 2 * MOVE_MIN) {
            part = ash_align_down(part / 2, MOVE_MIN);
        } else {
            break;
        }
    }
    return moved;
}

ASH_RARE int ash_os_huge(uintptr_t addr, size_t bytes, bool want)
{
    return advise(addr, bytes, want ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

ASH_RARE int ash_os_collapse(uintptr_t addr, size_t bytes)
{
    return advise(addr, bytes, MADV_COLLAPSE);
}

int ash_os_wipe_on_fork(uintptr_t addr, size_t bytes)
{
    return advise(addr, bytes, MADV_WIPEONFORK);
}

static enum ash_thp read_thp(void)
{
    char text[64];
    if (ash_os_read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text) < 0)
        return ASH_THP_NEVER;
    if (strstr(text, "[always]"))
        return ASH_THP_ALWAYS;
    return strstr(text, "[madvise]") ? ASH_THP_MADVISE : ASH_THP_NEVER;
}

enum ash_thp ash_os_thp(void)
{
    static _Atomic int cached_plus_1; /* 0: not read yet; all readers find the same */
    int mode = atomic_load_explicit(&cached_plus_1, memory_order_relaxed);
    if (mode == 0) {
        mode = (int)read_thp() + 1;
        atomic_store_explicit(&cached_plus_1, mode, memory_order_relaxed);
    }
    return (enum ash_thp)(mode - 1);
}

size_t ash_os_page_bytes(void)
{
    static _Atomic size_t cached;
    size_t bytes = atomic_load_explicit(&cached, memory_order_relaxed);
    if (bytes == 0) {
        bytes = (size_t)getauxval(AT_PAGESZ);
        atomic_store_explicit(&cached, bytes, memory_order_relaxed);
    }
    return bytes;
}
