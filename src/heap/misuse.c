/* misuse.c: finding the facts and writing the line; see misuse.h. */
#include "heap/misuse.h"
#include "base/errors.h"
#include "base/print.h"
#include "heap/holes.h"
#include "heap/large.h"
#include <stdlib.h>
#include <string.h>

enum ash_misuse_mode ash_misuse_mode = ASH_MISUSE_ABORT;
unsigned ash_misuse_check_level;
_Atomic uint64_t ash_misuse_count;

#define SMALLEST_ADDR 65536u /* vm.mmap_min_addr as distributions set it */
#define SITES 256u
static _Atomic uintptr_t sites[SITES]; /* places reported already, by hash */

/* Has this place in the program not been reported yet? */
static bool first_from(uintptr_t site)
{
    unsigned at = (unsigned)((site * 0x9E3779B97F4A7C15u) >> 56);
    for (unsigned i = 0; i < SITES; i++, at = (at + 1) % SITES) {
        uintptr_t seen = 0;
        if (atomic_compare_exchange_strong(&sites[at], &seen, site))
            return true;
        if (seen == site)
            return false;
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- what the address is ---- */

static void say_foreign(struct ash_line *line, uintptr_t addr)
{
    struct ash_map map;
    if (addr < SMALLEST_ADDR) {
        ash_line_str(line, "a small number, not an address");
    } else if (addr >> ASH_REGION_SHIFT >= ASH_WINDOW_COUNT) {
        ash_line_str(line, "no address that a program can have");
    } else if (!ash_os_map_of(addr, &map)) {
        ash_line_str(line, "nothing is mapped there");
    } else if (strcmp(map.path, "[stack]") == 0) {
        ash_line_str(line, "the stack of the main thread");
    } else if (strcmp(map.path, "[heap]") == 0) {
        ash_line_str(line, "the brk heap, which another allocator uses");
    } else if (map.path[0] && map.path[0] != '[') {
        ash_line_fmt(line, "%s of %s",
                     map.zeroed       ? "zeroed data"
                     : map.executable ? "code"
                     : map.writable   ? "data"
                                      : "constants",
                     base_name(map.path));
    } else if ((uintptr_t)&map >= map.start && (uintptr_t)&map < map.end) {
        ash_line_fmt(line, "the stack of thread %u", ash_os_thread_id());
    } else if (map.path[0]) {
        ash_line_str(line, map.path);
    } else {
        ash_line_fmt(line, "an anonymous mapping of %B of the program",
                     (uint64_t)(map.end - map.start));
    }
}

static void say_released(struct ash_line *line, const struct ash_found *found)
{
    if (found->head && found->place != ASH_PLACE_RELEASED)
        ash_line_fmt(line, "a block of %B, freed before", (uint64_t)ash_meta_bsize(found->head));
    else
        ash_line_str(line, "its memory was freed before and belongs to no block now");
}

static void say_inside(struct ash_line *line, uintptr_t addr, const struct ash_found *found)
{
    uint64_t size =
        ash_large_is(found->head) ? ash_large_usable(found->head) : ash_meta_bsize(found->head);
    ash_line_fmt(line, "%lu bytes into the block of %B at ", (unsigned long)(addr - found->block),
                 size);
    ash_line_hex(line, found->block);
}

static enum ash_error code_of(enum ash_misuse what, enum ash_place place)
{
    switch (what) {
    case ASH_MISUSE_REALLOC:
        return ASH_E04;
    case ASH_MISUSE_USABLE:
        return ASH_E05;
    case ASH_MISUSE_SIZE:
        return ASH_E06;
    case ASH_MISUSE_ALIGN:
        return ASH_E07;
    case ASH_MISUSE_FREE:
        break;
    }
    if (place == ASH_PLACE_INSIDE)
        return ASH_E02;
    return place == ASH_PLACE_FOREIGN ? ASH_E03 : ASH_E01;
}

static const char *said(enum ash_error code, enum ash_place place)
{
    switch (code) {
    case ASH_E02:
        return "free of a pointer into a block";
    case ASH_E03:
        return "free of a pointer no heap gave out";
    case ASH_E04:
        return place == ASH_PLACE_RELEASED ? "realloc of a freed block"
               : place == ASH_PLACE_INSIDE ? "realloc of a pointer into a block"
                                           : "realloc of a pointer no heap gave out";
    case ASH_E05:
        return place == ASH_PLACE_RELEASED ? "malloc_usable_size of a freed block"
               : place == ASH_PLACE_INSIDE ? "malloc_usable_size of a pointer into a block"
                                           : "malloc_usable_size of a pointer no heap gave out";
    default:
        return "double free";
    }
}

/* ---- the line ---- */

static void begin(struct ash_line *line, enum ash_error code, const char *text, uintptr_t addr)
{
    ash_line_init(line);
    ash_line_fmt(line, "ashlar: %s %s: ", ash_error_name(code), text);
    ash_line_hex(line, addr);
    ash_line_str(line, " (");
}

static void end(struct ash_line *line, enum ash_error code)
{
    ash_line_fmt(line, ") | ashlar help %s", ash_error_name(code));
    ash_line_write(line, 2);
    if (ash_misuse_mode == ASH_MISUSE_ABORT)
        abort();
}

/* Counts, and says whether this one is to be told. */
static bool is_told(uintptr_t site)
{
    atomic_fetch_add_explicit(&ash_misuse_count, 1, memory_order_relaxed);
    return ash_misuse_mode == ASH_MISUSE_ABORT || first_from(site);
}

void ash_misuse_report(enum ash_misuse what, const void *p, enum ash_place place)
{
    /* The slow paths are reached by jumps, so the frame above ours is the program's. */
    ash_misuse_report_from(__builtin_return_address(0), what, p, place);
}

void ash_misuse_report_from(const void *site, enum ash_misuse what, const void *p,
                            enum ash_place place)
{
    uintptr_t addr = (uintptr_t)p;
    if (!is_told((uintptr_t)site ^ ((uintptr_t)what << 56)))
        return;
    struct ash_found found = ash_page_find(addr);
    struct ash_map map;
    if (place == ASH_PLACE_RELEASED && !found.head && ash_os_map_of(addr, &map))
        place = ASH_PLACE_FOREIGN; /* a huge object lay there; by now something else does */
    enum ash_error code = code_of(what, place);
    struct ash_line line;
    begin(&line, code, said(code, place), addr);
    if (place == ASH_PLACE_FOREIGN && found.head)
        ash_line_str(&line, "in a page of the heap, but never handed out");
    else if (place == ASH_PLACE_FOREIGN)
        say_foreign(&line, addr);
    else if (place == ASH_PLACE_INSIDE && found.place == ASH_PLACE_INSIDE)
        say_inside(&line, addr, &found);
    else
        say_released(&line, &found);
    end(&line, code);
}

void ash_misuse_report_size(enum ash_misuse what, const void *p, size_t stated)
{
    if (!is_told((uintptr_t)__builtin_return_address(0) ^ ((uintptr_t)what << 56)))
        return;
    struct ash_found found = ash_page_find((uintptr_t)p);
    struct ash_line line;
    enum ash_error code = code_of(what, found.place);
    if (what == ASH_MISUSE_SIZE) {
        begin(&line, code, "sized free with a wrong size", (uintptr_t)p);
        uint64_t size =
            ash_large_is(found.head) ? ash_large_usable(found.head) : ash_meta_bsize(found.head);
        ash_line_fmt(&line, "stated %zu bytes, the block has %lu", stated, (unsigned long)size);
    } else {
        begin(&line, code, "sized free with a wrong alignment", (uintptr_t)p);
        if (stated & (stated - 1))
            ash_line_fmt(&line, "stated %zu, which is no power of two", stated);
        else
            ash_line_fmt(&line, "stated %zu, the address is a multiple of %zu only", stated,
                         (size_t)((uintptr_t)p & -(uintptr_t)p));
    }
    end(&line, code);
}

/* ---- lists ---- */

static bool lies_in(const struct ash_meta *page, uintptr_t addr)
{
    return addr >= page->start && addr < page->start + ash_meta_slices(page) * ASH_SLICE_BYTES &&
           ash_page_index(page, addr) < page->cap;
}

/* An entry of a page's list that does not belong there. `in` is the block that links to it,
 * NULL for the first entry. */
static void report_entry(const struct ash_meta *page, uintptr_t addr, bool twice, void **in)
{
    if (!is_told((uintptr_t)page))
        return;
    struct ash_line line;
    unsigned i = ash_page_index(page, addr);
    uintptr_t block = page->start + (uintptr_t)i * ash_meta_bsize(page);
    if (!twice && !lies_in(page, addr)) {
        begin(&line, ASH_E09, ash_error_sentence(ASH_E09), in ? (uintptr_t)in : page->start);
        ash_line_fmt(&line, "a freed block of %B was written to: its link ",
                     (uint64_t)ash_meta_bsize(page));
        ash_line_hex(&line, addr);
        ash_line_str(&line, " leaves its page");
        end(&line, ASH_E09);
    } else if (!twice && block == addr) {
        begin(&line, ASH_E03, said(ASH_E03, ASH_PLACE_FOREIGN), addr);
        ash_line_str(&line, "in a page of the heap, but never handed out");
        end(&line, ASH_E03);
    } else {
        struct ash_found found = {ASH_PLACE_INSIDE, (struct ash_meta *)(uintptr_t)page, block, i};
        enum ash_error code = twice ? ASH_E01 : ASH_E02;
        begin(&line, code, said(code, ASH_PLACE_INSIDE), addr);
        if (twice)
            ash_line_fmt(&line, "a block of %B, seen when its page was looked at",
                         (uint64_t)ash_meta_bsize(page));
        else
            say_inside(&line, addr, &found);
        end(&line, code);
    }
}

static void set_counts(struct ash_meta *page, unsigned listed)
{
    unsigned rest = ash_meta_carved(page) - ash_holes_dropped(page);
    page->lcnt = (uint16_t)listed;
    page->out = (uint16_t)(rest > listed ? rest - listed : 0);
    if (page->attn <= 0)
        page->attn = 1;
    page->attn0 = page->attn;
}

/* Keeps the sound entries of the list in front of the first that is not. */
static bool scrub(struct ash_meta *page)
{
    uint64_t seen[ASH_SLICE_BYTES / 16 / 64] = {0};
    void **link = &page->lfree;
    unsigned n = 0;
    bool sound = true;
    while (*link) {
        uintptr_t at = (uintptr_t)*link;
        unsigned i = lies_in(page, at) ? ash_page_index(page, at) : page->cap;
        bool whole =
            i < ash_meta_carved(page) && page->start + (uintptr_t)i * ash_meta_bsize(page) == at;
        bool twice = whole && (seen[i / 64] >> (i % 64) & 1);
        if (!whole || twice) {
            report_entry(page, at, twice, link == &page->lfree ? NULL : link);
            sound = false;
            /* A stray pointer's link cannot be trusted; a block seen twice closes a ring. */
            *link = NULL;
            break;
        }
        seen[i / 64] |= (uint64_t)1 << (i % 64);
        n++;
        link = (void **)*link;
    }
    if (!sound)
        set_counts(page, n);
    return sound;
}

void ash_misuse_scrub(struct ash_meta *page)
{
    scrub(page);
}

void ash_misuse_overfreed(struct ash_meta *page)
{
    if (!scrub(page))
        return;
    if (is_told((uintptr_t)page)) {
        struct ash_line line;
        begin(&line, ASH_E01, "double free", page->start);
        ash_line_fmt(&line, "in the page of blocks of %B there: more frees than blocks",
                     (uint64_t)ash_meta_bsize(page));
        end(&line, ASH_E01);
    }
    unsigned n = 0;
    for (void *p = page->lfree; p && n < page->cap; p = *(void **)p)
        n++;
    set_counts(page, n);
    /* What waits in the mailbox may be on the list as well: it is leaked. */
    atomic_fetch_and_explicit(&page->xfree, ASH_XFREE_NOTIFIED, memory_order_relaxed);
}
