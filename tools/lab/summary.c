/* summary.c: one pass over a trace; see summary.h. */
#include "lab/summary.h"
#include "base/check.h"
#include "lab/addresses.h"
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* A live block; blocks of a thread are a list from the oldest to the youngest. */
struct block {
    uint64_t addr, size, born; /* born: bytes allocated before */
    uint32_t thread, site;
    uint32_t older, younger;
};

struct pass {
    struct ash_order *order;
    struct ash_summary *summary;
    struct ash_addresses live;  /* address → number of its block */
    struct ash_addresses ids;   /* stack id → number of its site */
    struct ash_addresses tails; /* thread → number of its youngest block */
    struct block *blocks;
    size_t n_blocks, room_blocks;
    uint32_t spare; /* a list through `younger` */
    size_t room_sites;
    uint64_t ns;
};

static unsigned power_of(uint64_t x)
{
    unsigned power = x ? 63u - (unsigned)__builtin_clzll(x) : 0;
    return power < ASH_SUMMARY_POWERS ? power : ASH_SUMMARY_POWERS - 1;
}

/* ---- sites ---- */

static bool site_of(struct pass *pass, uint32_t stack, uint32_t *ret_site)
{
    struct ash_summary *summary = pass->summary;
    struct ash_address *row = ash_addresses_find(&pass->ids, stack);
    if (row) {
        *ret_site = (uint32_t)row->value;
        return true;
    }
    if (summary->n_sites == pass->room_sites) {
        size_t room = pass->room_sites ? 2 * pass->room_sites : 64;
        struct ash_summary_site *sites = realloc(summary->sites, room * sizeof(*sites));
        if (!sites)
            return false;
        summary->sites = sites;
        pass->room_sites = room;
    }
    *ret_site = (uint32_t)summary->n_sites;
    summary->sites[summary->n_sites++] = (struct ash_summary_site){.stack = stack};
    return ash_addresses_add(&pass->ids, stack, *ret_site);
}

static bool keep_frames(struct pass *pass, const struct ash_trace_event *event)
{
    uint32_t site;
    if (!site_of(pass, event->stack, &site))
        return false;
    struct ash_summary_site *at = &pass->summary->sites[site];
    if (at->frames || event->size == 0)
        return true;
    at->frames = malloc((size_t)event->size * sizeof(uint64_t));
    if (!at->frames)
        return false;
    memcpy(at->frames, event->frames, (size_t)event->size * sizeof(uint64_t));
    at->n_frames = (uint32_t)event->size;
    return true;
}

/* ---- blocks ---- */

static bool take_block(struct pass *pass, uint32_t *ret_i)
{
    if (pass->spare != NONE) {
        *ret_i = pass->spare;
        pass->spare = pass->blocks[*ret_i].younger;
        return true;
    }
    if (pass->n_blocks == pass->room_blocks) {
        size_t room = pass->room_blocks ? 2 * pass->room_blocks : 1024;
        struct block *blocks = room < NONE ? realloc(pass->blocks, room * sizeof(*blocks)) : NULL;
        if (!blocks)
            return false;
        pass->blocks = blocks;
        pass->room_blocks = room;
    }
    *ret_i = (uint32_t)pass->n_blocks++;
    return true;
}

static void count_live(struct pass *pass, int64_t blocks, int64_t bytes)
{
    struct ash_summary *summary = pass->summary;
    summary->n_live += (uint64_t)blocks;
    summary->live_bytes += (uint64_t)bytes;
    if (summary->live_bytes <= summary->peak_bytes)
        return;
    summary->peak_bytes = summary->live_bytes;
    summary->n_peak = summary->n_live;
    summary->peak_ns = pass->ns;
}

static void end_life(struct pass *pass, uint32_t i, uint32_t thread)
{
    struct ash_summary *summary = pass->summary;
    ASH_CHECK(pass->blocks); /* i is one of them */
    struct block *block = &pass->blocks[i];
    struct ash_address *tail = ash_addresses_find(&pass->tails, block->thread);
    summary->n_deaths++;
    summary->n_far += thread != block->thread;
    summary->n_youngest += thread == block->thread && block->younger == NONE;
    summary->ages[power_of(summary->birth_bytes - block->born)]++;
    struct ash_summary_site *site = &summary->sites[block->site];
    site->n_live--;
    site->live_bytes -= block->size;
    count_live(pass, -1, -(int64_t)block->size);
    if (block->older != NONE)
        pass->blocks[block->older].younger = block->younger;
    if (block->younger != NONE)
        pass->blocks[block->younger].older = block->older;
    else if (tail)
        tail->value = block->older;
    ash_addresses_remove(&pass->live, block->addr);
    block->younger = pass->spare;
    pass->spare = i;
}

static bool give_birth(struct pass *pass, const struct ash_trace_event *event, uint32_t thread)
{
    struct ash_summary *summary = pass->summary;
    uint32_t i, site;
    struct ash_address *same = ash_addresses_find(&pass->live, event->addr);
    ASH_CHECK(!same || pass->blocks);
    if (same) /* its death is not in the trace; counted by the order */
        end_life(pass, (uint32_t)same->value, pass->blocks[same->value].thread);
    if (!site_of(pass, event->stack, &site) || !take_block(pass, &i))
        return false;
    struct ash_address *tail = ash_addresses_find(&pass->tails, thread);
    uint32_t older = tail ? (uint32_t)tail->value : NONE;
    pass->blocks[i] = (struct block){.addr = event->addr,
                                     .size = event->size,
                                     .born = summary->birth_bytes,
                                     .thread = thread,
                                     .site = site,
                                     .older = older,
                                     .younger = NONE};
    if (older != NONE)
        pass->blocks[older].younger = i;
    summary->n_births++;
    summary->birth_bytes += event->size;
    summary->sizes[power_of(event->size)]++;
    summary->size_bytes[power_of(event->size)] += event->size;
    summary->sites[site].n_births++;
    summary->sites[site].birth_bytes += event->size;
    summary->sites[site].n_live++;
    summary->sites[site].live_bytes += event->size;
    count_live(pass, 1, (int64_t)event->size);
    return ash_addresses_add(&pass->tails, thread, i) &&
           ash_addresses_add(&pass->live, event->addr, i);
}

static bool resize(struct pass *pass, const struct ash_trace_event *event, uint32_t thread)
{
    struct ash_summary *summary = pass->summary;
    struct ash_address *row = ash_addresses_find(&pass->live, event->old);
    if (!row) {
        summary->n_unknown++;
        return give_birth(pass, event, thread);
    }
    summary->n_resizes++;
    summary->n_moved += event->addr != event->old;
    ASH_CHECK(pass->blocks);
    uint32_t i = (uint32_t)row->value;
    struct block *block = &pass->blocks[i];
    struct ash_summary_site *site = &summary->sites[block->site];
    uint64_t before = block->size;
    if (event->size > before) {
        summary->birth_bytes += event->size - before;
        site->birth_bytes += event->size - before;
    }
    site->live_bytes += event->size - before;
    block->size = event->size;
    count_live(pass, 0, (int64_t)(event->size - before));
    if (event->addr == event->old)
        return true;
    struct ash_address *same = ash_addresses_find(&pass->live, event->addr);
    if (same)
        end_life(pass, (uint32_t)same->value, pass->blocks[same->value].thread);
    ash_addresses_remove(&pass->live, event->old);
    pass->blocks[i].addr = event->addr;
    return ash_addresses_add(&pass->live, event->addr, i);
}

static void die(struct pass *pass, const struct ash_trace_event *event, uint32_t thread)
{
    struct ash_address *row = ash_addresses_find(&pass->live, event->addr);
    if (row)
        end_life(pass, (uint32_t)row->value, thread);
    else
        pass->summary->n_unknown++;
}

static bool more(struct pass *pass, const struct ash_trace_event *event)
{
    pass->summary->n_failed += event->more == ASH_TRACE_FAILED;
    pass->summary->n_usable += event->more == ASH_TRACE_USABLE;
    return event->more != ASH_TRACE_STACK || keep_frames(pass, event);
}

static bool take(struct pass *pass, const struct ash_trace_event *event, uint32_t thread)
{
    pass->ns = ash_order_ns(pass->order, event->tick);
    if (pass->ns > pass->summary->end_ns)
        pass->summary->end_ns = pass->ns;
    switch ((enum ash_trace_op)event->op) {
    case ASH_TRACE_MALLOC:
    case ASH_TRACE_CALLOC:
    case ASH_TRACE_ALIGNED:
        return give_birth(pass, event, thread);
    case ASH_TRACE_REALLOC:
        return resize(pass, event, thread);
    case ASH_TRACE_FREE:
    case ASH_TRACE_FREE_SIZED:
        die(pass, event, thread);
        return true;
    case ASH_TRACE_EXTENDED:
        return more(pass, event);
    default:
        return true;
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct ash_summary_site *x = a, *y = b;
    if (x->birth_bytes != y->birth_bytes)
        return x->birth_bytes > y->birth_bytes ? -1 : 1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static uint32_t group_frames; /* for the comparison; this program has one thread */

static int by_frames(const void *a, const void *b)
{
    const struct ash_summary_site *x = a, *y = b;
    for (uint32_t i = 0; i < group_frames; i++) {
        uint64_t fx = i < x->n_frames ? x->frames[i] : 0, fy = i < y->n_frames ? y->frames[i] : 0;
        if (fx != fy)
            return fx < fy ? -1 : 1;
    }
    return 0;
}

static int by_frames_then_bytes(const void *a, const void *b)
{
    int order = by_frames(a, b);
    return order ? order : by_bytes(a, b);
}

void ash_summary_group(struct ash_summary *summary, uint32_t n_frames)
{
    struct ash_summary_site *sites = summary->sites;
    size_t n = 0;
    group_frames = n_frames;
    if (summary->n_sites == 0)
        return;
    qsort(sites, summary->n_sites, sizeof(*sites), by_frames_then_bytes);
    for (size_t i = 1; i < summary->n_sites; i++) {
        if (by_frames(&sites[n], &sites[i]) != 0) {
            sites[++n] = sites[i];
            continue;
        }
        sites[n].n_births += sites[i].n_births;
        sites[n].birth_bytes += sites[i].birth_bytes;
        sites[n].n_live += sites[i].n_live;
        sites[n].live_bytes += sites[i].live_bytes;
        free(sites[i].frames);
    }
    summary->n_sites = n + 1;
    qsort(sites, summary->n_sites, sizeof(*sites), by_bytes);
}

bool ash_summary_make(struct ash_order *order, struct ash_summary *ret_summary)
{
    struct pass pass = {.order = order, .summary = ret_summary, .spare = NONE};
    memset(ret_summary, 0, sizeof(*ret_summary));
    struct ash_trace_event event;
    uint32_t thread;
    int got;
    while ((got = ash_order_next(order, &event, &thread)) == 1) {
        if (take(&pass, &event, thread))
            continue;
        got = -1;
        break;
    }
    for (size_t i = 0; i < pass.live.n_rows; i++)
        if (pass.live.rows[i].key)
            ret_summary->survivors[power_of(ret_summary->birth_bytes -
                                            pass.blocks[pass.live.rows[i].value].born)]++;
    if (ret_summary->n_sites > 0)
        qsort(ret_summary->sites, ret_summary->n_sites, sizeof(*ret_summary->sites), by_bytes);
    ash_addresses_free(&pass.live);
    ash_addresses_free(&pass.ids);
    ash_addresses_free(&pass.tails);
    free(pass.blocks);
    if (got < 0)
        ash_summary_free(ret_summary);
    return got == 0;
}

void ash_summary_free(struct ash_summary *summary)
{
    for (size_t i = 0; i < summary->n_sites; i++)
        free(summary->sites[i].frames);
    free(summary->sites);
    memset(summary, 0, sizeof(*summary));
}
