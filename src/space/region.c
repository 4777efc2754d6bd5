/* region.c: reserving, opening and closing address ranges; see region.h. */
#include "space/region.h"
#include "base/check.h"
#include "space/leftover.h"
#include "space/purge.h"

_Atomic uint8_t ash_region_kind[ASH_WINDOW_COUNT]
    __attribute__((aligned(4096), section(".bss.wide")));

static struct ash_lock region_lock = ASH_LOCK_INIT(ASH_RANK_REGION);
struct ash_region *_Atomic ash_region_list;
static _Atomic uint64_t open_count;
static _Atomic uint32_t region_count;
static bool sparse_only; /* written at start, before any thread */

#define STEP_FIRST 2u /* groups: 4 MiB */
#define STEP_MAX 32u  /* 64 MiB */
#define SPARSE_STEP_MAX 8u
#define SPARSE_TRIES 64 /* bases tried before a window is given up */

struct ash_region *ash_region_first(void)
{
    /* acquire; pairs with the release in publish */
    return atomic_load_explicit(&ash_region_list, memory_order_acquire);
}

uint64_t ash_region_open_count(void)
{
    return atomic_load_explicit(&open_count, memory_order_relaxed);
}

unsigned ash_region_count(void)
{
    return atomic_load_explicit(&region_count, memory_order_relaxed);
}

uint64_t ash_region_mapped_bytes(void)
{
    return atomic_load_explicit(&ash_space_count.window_count, memory_order_relaxed) *
           ASH_REGION_BYTES;
}

void ash_region_force_sparse(void)
{
    sparse_only = true;
}

static void mark_windows(uintptr_t base, size_t n, enum ash_window first, enum ash_window rest)
{
    /* The first window is marked last: its byte says that the metas can be read (S9). */
    for (size_t i = n; i-- > 0;) {
        /* release: whoever sees the byte sees mapped metas */
        atomic_store_explicit(&ash_region_kind[(base >> ASH_REGION_SHIFT) + i],
                              (uint8_t)(i ? rest : first), memory_order_release);
    }
}

static bool window_fits(uintptr_t base, size_t n)
{
    return base != 0 && (base >> ASH_REGION_SHIFT) + n <= ASH_WINDOW_COUNT;
}

/* Maps exactly bytes at a random free window base; for sparse windows. 0 when refused. */
static ASH_RARE uintptr_t map_at_some_base(size_t bytes, size_t n_windows)
{
    /* The middle of the address space: the kernel's search from the top does not reach it
     * and programs of fixed position lie at the bottom. */
    size_t low = ASH_WINDOW_COUNT / 4;
    size_t span = ASH_WINDOW_COUNT / 4;
    for (int i = 0; i < SPARSE_TRIES; i++) {
        uintptr_t window_i = low + (uintptr_t)(ash_os_random() % span);
        uintptr_t base = window_i << ASH_REGION_SHIFT;
        bool taken = false;
        for (size_t w = 0; w < n_windows; w++)
            taken |= !ash_window_is_free(ash_window_of(base + w * ASH_REGION_BYTES));
        if (taken)
            continue;
        int err = ash_os_map_at(base, bytes);
        if (err == 0)
            return base;
        if (err != -17 /* EEXIST */)
            return 0;
    }
    return 0;
}

/* Links a region whose header page is mapped. Under the lock. */
static void publish(struct ash_region *region, uintptr_t base, bool sparse)
{
    region->base = base;
    region->sparse = sparse;
    region->step = sparse ? 1 : STEP_FIRST;
    atomic_store_explicit(&region->open_end, ASH_FIRST_GROUP, memory_order_relaxed);
    mark_windows(base, 1, ASH_WINDOW_REGION, ASH_WINDOW_NONE);
    struct ash_region *_Atomic *link = &ash_region_list;
    struct ash_region *seen;
    while ((seen = atomic_load_explicit(link, memory_order_relaxed)) != NULL)
        link = &seen->next;
    /* release; pairs with the acquire of readers of the list */
    atomic_store_explicit(link, region, memory_order_release);
    atomic_fetch_add_explicit(&ash_space_count.window_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&region_count, 1, memory_order_relaxed);
}

static struct ash_region *add_reserved(void)
{
    uintptr_t base = ash_os_reserve(ASH_REGION_BYTES, ASH_REGION_BYTES);
    if (!base)
        return NULL;
    if (!window_fits(base, 1) || ash_os_open(base, ASH_HEAD_BYTES) != 0) {
        ash_os_unmap(base, ASH_REGION_BYTES);
        return NULL;
    }
    /* Where the system makes huge pages on its own, we decide for our own memory. */
    if (ash_os_thp() == ASH_THP_ALWAYS)
        ash_os_huge(base, ASH_REGION_BYTES, false);
    struct ash_region *region = ash_region_of(base);
    publish(region, base, false);
    return region;
}

static struct ash_region *add_sparse(void)
{
    size_t head = ash_align_up(ASH_HEADER_OFFSET + sizeof(struct ash_region), ash_os_page_bytes());
    uintptr_t base = map_at_some_base(head, 1);
    if (!base)
        return NULL;
    struct ash_region *region = ash_region_of(base);
    publish(region, base, true);
    return region;
}

static struct ash_group *group_at(const struct ash_region *region, unsigned group_i)
{
    return (struct ash_group *)(region->base + ASH_GROUPS_OFFSET) + group_i;
}

static void set_open(struct ash_region *region, unsigned group_i)
{
    struct ash_group *group = group_at(region, group_i);
    atomic_store_explicit(&group->state, ASH_GROUP_OPEN, memory_order_relaxed);
    /* release; pairs with the acquire of the first claim (S4) */
    atomic_store_explicit(&group->free, UINT32_MAX, memory_order_release);
    atomic_fetch_or_explicit(&region->some_free[group_i / 64], (uint64_t)1 << (group_i % 64),
                             memory_order_release); /* pairs with the acquire in group.c */
}

/* Opens up to n groups in a row from the end of a reserved region. */
static unsigned open_reserved(struct ash_region *region, unsigned need)
{
    unsigned first_i = atomic_load_explicit(&region->open_end, memory_order_relaxed);
    unsigned room = ASH_REGION_GROUPS - first_i;
    unsigned n = region->step > need ? region->step : need;
    if (need > room)
        return 0;
    if (n > room)
        n = room;
    uintptr_t addr = region->base + (uintptr_t)first_i * ASH_GROUP_BYTES;
    if (ash_os_open(addr, n * ASH_GROUP_BYTES) != 0) {
        n = need; /* the whole step is refused: what is needed may still fit a limit */
        if (ash_os_open(addr, n * ASH_GROUP_BYTES) != 0)
            return 0;
    }
    for (unsigned i = 0; i < n; i++)
        set_open(region, first_i + i);
    atomic_store_explicit(&region->open_end, first_i + n, memory_order_relaxed);
    if (region->step < STEP_MAX)
        region->step *= 2;
    return n;
}

/* Maps a closed group again, if its address is still free. */
static unsigned reopen_closed(struct ash_region *region)
{
    unsigned end = atomic_load_explicit(&region->open_end, memory_order_relaxed);
    for (unsigned i = ASH_FIRST_GROUP; i < end; i++) {
        struct ash_group *group = group_at(region, i);
        if (atomic_load_explicit(&group->state, memory_order_relaxed) != ASH_GROUP_CLOSED)
            continue;
        int err = ash_os_map_at(region->base + (uintptr_t)i * ASH_GROUP_BYTES, ASH_GROUP_BYTES);
        if (err == 0) {
            set_open(region, i);
            return 1;
        }
        if (err != -17)
            return 0;
        atomic_store_explicit(&group->state, ASH_GROUP_FOREIGN, memory_order_relaxed);
    }
    return 0;
}

/* Maps groups of a sparse window until `need` in a row are there; skips foreign ones. */
static unsigned open_sparse(struct ash_region *region, unsigned need)
{
    if (need == 1 && reopen_closed(region))
        return 1;
    unsigned first_i = atomic_load_explicit(&region->open_end, memory_order_relaxed);
    unsigned n = region->step > need ? region->step : need;
    unsigned opened = 0;
    for (unsigned i = first_i; i < ASH_REGION_GROUPS && opened < n; i++) {
        int err = ash_os_map_at(region->base + (uintptr_t)i * ASH_GROUP_BYTES, ASH_GROUP_BYTES);
        if (err == -17) {
            atomic_store_explicit(&group_at(region, i)->state, ASH_GROUP_FOREIGN,
                                  memory_order_relaxed);
            atomic_store_explicit(&region->open_end, i + 1, memory_order_relaxed);
            continue;
        }
        if (err != 0)
            break;
        set_open(region, i);
        atomic_store_explicit(&region->open_end, i + 1, memory_order_relaxed);
        opened++;
    }
    if (opened == n && region->step < SPARSE_STEP_MAX)
        region->step *= 2;
    return opened;
}

static unsigned open_more(struct ash_region *region, unsigned need)
{
    return region->sparse ? open_sparse(region, need) : open_reserved(region, need);
}

static unsigned grow_locked(unsigned need)
{
    struct ash_region *last = NULL;
    for (struct ash_region *r = ash_region_first(); r; r = atomic_load(&r->next)) {
        unsigned n = open_more(r, need);
        if (n)
            return n;
        last = r;
    }
    struct ash_region *fresh = sparse_only ? NULL : add_reserved();
    if (fresh) {
        unsigned n = open_more(fresh, need);
        if (n)
            return n;
    }
    /* A second sparse window helps only where the first one is full, not where memory is. */
    if (last && last->sparse &&
        atomic_load_explicit(&last->open_end, memory_order_relaxed) + need <= ASH_REGION_GROUPS)
        return 0;
    fresh = add_sparse();
    return fresh ? open_more(fresh, need) : 0;
}

bool ash_region_grow(unsigned n_slices, uint64_t seen_open)
{
    unsigned need = (n_slices + ASH_GROUP_SLICES - 1) / ASH_GROUP_SLICES;
    struct ash_held held = ash_lock_take(&region_lock);
    /* An owner that died in a fork left at worst a region nobody links, or groups without a
     * kind: both are lost address space, nothing else (F1). */
    bool grown = ash_region_open_count() != seen_open;
    if (!grown) {
        unsigned n = grow_locked(need);
        atomic_fetch_add_explicit(&open_count, n, memory_order_relaxed);
        grown = n != 0;
    }
    ash_lock_drop(&region_lock, held);
    return grown;
}

ASH_RARE bool ash_region_close_group(struct ash_region *region, struct ash_group *group)
{
    ASH_CHECK(atomic_load_explicit(&group->free, memory_order_relaxed) == 0);
    unsigned group_i = (unsigned)(group - group_at(region, 0));
    struct ash_held held = ash_lock_take(&region_lock);
    bool done =
        ash_os_unmap(region->base + (uintptr_t)group_i * ASH_GROUP_BYTES, ASH_GROUP_BYTES) == 0;
    if (done) {
        atomic_store_explicit(&group->touched, 0, memory_order_relaxed);
        atomic_store_explicit(&group->state, ASH_GROUP_CLOSED, memory_order_relaxed);
    }
    ash_lock_drop(&region_lock, held);
    return done;
}

/* ---- huge objects: a mapping of their own ---- */

static struct ash_lock huge_lock = ASH_LOCK_INIT(ASH_RANK_HUGE);

/* A holder that died in a fork left at worst a mapping: there is nothing to repair. */
struct ash_held ash_region_hold_huge(void)
{
    return ash_lock_take(&huge_lock);
}

void ash_region_let_huge(struct ash_held held)
{
    ash_lock_drop(&huge_lock, held);
}

static size_t huge_offset(size_t align)
{
    return ash_size_max(ASH_REGION_BYTES / 8, align);
}

static size_t huge_windows(uintptr_t addr, size_t bytes)
{
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    return (addr - base + bytes + ASH_REGION_BYTES - 1) >> ASH_REGION_SHIFT;
}

static uintptr_t map_huge_sparse(size_t bytes, size_t offset, size_t n_windows)
{
    size_t head = ash_align_up(ASH_GROUPS_OFFSET, ash_os_page_bytes());
    uintptr_t base = map_at_some_base(head, n_windows);
    if (!base)
        return 0;
    if (ash_os_map_at(base + offset, bytes) != 0) {
        ash_os_unmap(base, head);
        return 0;
    }
    return base;
}

/* Leaves the metas and the object mapped, and nothing else: both ways of mapping end in the
 * same layout, and the object can grow with ash_os_map_at. */
static void trim_reservation(uintptr_t base, size_t offset, size_t bytes, size_t n_windows)
{
    ash_os_unmap(base + ASH_GROUPS_OFFSET, offset - ASH_GROUPS_OFFSET);
    size_t end = offset + bytes;
    if (n_windows * ASH_REGION_BYTES > end)
        ash_os_unmap(base + end, n_windows * ASH_REGION_BYTES - end);
}

ASH_RARE uintptr_t ash_region_map_huge(size_t bytes, size_t align)
{
    size_t offset = huge_offset(align);
    if (bytes > ((size_t)1 << 46))
        return 0;
    size_t n = (offset + bytes + ASH_REGION_BYTES - 1) >> ASH_REGION_SHIFT;
    ash_leftover_retry();
    if (!ash_purge_admits(0, bytes))
        return 0;
    uintptr_t base = sparse_only ? 0 : ash_os_reserve(n * ASH_REGION_BYTES, ASH_REGION_BYTES);
    bool ok = base && window_fits(base, n) && ash_os_open(base, ASH_GROUPS_OFFSET) == 0 &&
              ash_os_open(base + offset, bytes) == 0;
    if (!ok) {
        if (base)
            ash_os_unmap(base, n * ASH_REGION_BYTES);
        base = map_huge_sparse(bytes, offset, n);
    }
    if (!base)
        return 0;
    if (ok)
        trim_reservation(base, offset, bytes, n);
    mark_windows(base, n, ASH_WINDOW_HUGE, ASH_WINDOW_HUGE_CONT);
    atomic_fetch_add_explicit(&ash_space_count.window_count, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.huge_bytes, (int64_t)bytes, memory_order_relaxed);
    return base + offset;
}

ASH_RARE void ash_region_unmap_huge(uintptr_t addr, size_t bytes)
{
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    size_t n = huge_windows(addr, bytes);
    struct ash_held held = ash_region_hold_huge();
    mark_windows(base, n, ASH_WINDOW_GONE, ASH_WINDOW_GONE); /* S7: before the metas go */
    ash_region_let_huge(held);                               /* who holds it later sees them gone */
    /* The object was shrunk or mapped exactly: other mappings may lie in its windows, so
     * only our own parts are unmapped: the metas, and the object. */
    ash_leftover_retry();
    ash_leftover_unmap(addr, bytes);
    ash_leftover_unmap(base, ASH_GROUPS_OFFSET);
    atomic_fetch_sub_explicit(&ash_space_count.window_count, n, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ash_space_count.huge_bytes, (int64_t)bytes, memory_order_relaxed);
}

ASH_RARE bool ash_region_grow_huge(uintptr_t addr, size_t bytes, size_t more)
{
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    size_t n = huge_windows(addr, bytes);
    size_t n_new = huge_windows(addr, bytes + more);
    if (!window_fits(base, n_new) || !ash_purge_admits(0, more))
        return false;
    for (size_t i = n; i < n_new; i++)
        if (!ash_window_is_free(ash_window_of(base + i * ASH_REGION_BYTES)))
            return false;
    if (ash_os_map_at(addr + bytes, more) != 0)
        return false;
    mark_windows(base + n * ASH_REGION_BYTES, n_new - n, ASH_WINDOW_HUGE_CONT,
                 ASH_WINDOW_HUGE_CONT);
    atomic_fetch_add_explicit(&ash_space_count.window_count, n_new - n, memory_order_relaxed);
    atomic_fetch_add_explicit(&ash_space_count.huge_bytes, (int64_t)more, memory_order_relaxed);
    return true;
}

ASH_RARE bool ash_region_shrink_huge(uintptr_t addr, size_t bytes, size_t less)
{
    uintptr_t base = addr & ~(ASH_REGION_BYTES - 1);
    size_t n = huge_windows(addr, bytes);
    size_t n_new = huge_windows(addr, bytes - less);
    uintptr_t tail = base + n_new * ASH_REGION_BYTES;
    /* Before the unmapping: afterwards the windows may be another thread's new region. */
    mark_windows(tail, n - n_new, ASH_WINDOW_NONE, ASH_WINDOW_NONE);
    if (ash_os_unmap(addr + bytes - less, less) != 0) {
        mark_windows(tail, n - n_new, ASH_WINDOW_HUGE_CONT, ASH_WINDOW_HUGE_CONT);
        return false;
    }
    atomic_fetch_sub_explicit(&ash_space_count.window_count, n - n_new, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ash_space_count.huge_bytes, (int64_t)less, memory_order_relaxed);
    return true;
}
