/* ptmalloc_bins.c: unsorted, small and large bins of an arena; see ptmalloc.h. */
#include "lab/model/ptmalloc.h"

unsigned ash_pt_bin_of(size_t size)
{
    if (size < ASH_PT_SMALL_MAX)
        return (unsigned)(size >> 4);
    if (size >> 6 <= 48)
        return (unsigned)(48 + (size >> 6));
    if (size >> 9 <= 20)
        return (unsigned)(91 + (size >> 9));
    if (size >> 12 <= 10)
        return (unsigned)(110 + (size >> 12));
    if (size >> 15 <= 4)
        return (unsigned)(119 + (size >> 15));
    return size >> 18 <= 2 ? (unsigned)(124 + (size >> 18)) : 126;
}

/* The sentinel overlaps the array: its fd and bk are two words of it. */
struct ash_pt_chunk *ash_pt_bin(struct ash_pt_arena *arena, unsigned i)
{
    uintptr_t words = (uintptr_t)arena + offsetof(struct ash_pt_arena, bins);
    return (struct ash_pt_chunk *)(words + 2 * i * sizeof(void *) -
                                   offsetof(struct ash_pt_chunk, fd));
}

void ash_pt_bins_init(struct ash_pt_arena *arena)
{
    for (unsigned i = 1; i < ASH_PT_N_BINS; i++) {
        struct ash_pt_chunk *bin = ash_pt_bin(arena, i);
        bin->fd = bin->bk = bin;
    }
}

void ash_pt_unlink(uintptr_t at)
{
    struct ash_pt_chunk *chunk = (struct ash_pt_chunk *)at;
    chunk->fd->bk = chunk->bk;
    chunk->bk->fd = chunk->fd;
    if (ash_tag_size(at) < ASH_PT_SMALL_MAX || !chunk->fd_nextsize)
        return;
    struct ash_pt_chunk *heir = chunk->fd;
    if (heir->fd_nextsize || ash_tag_size((uintptr_t)heir) != ash_tag_size(at)) {
        chunk->fd_nextsize->bk_nextsize = chunk->bk_nextsize;
        chunk->bk_nextsize->fd_nextsize = chunk->fd_nextsize;
        return;
    }
    if (chunk->fd_nextsize == chunk) { /* the only size of its bin */
        heir->fd_nextsize = heir->bk_nextsize = heir;
        return;
    }
    heir->fd_nextsize = chunk->fd_nextsize;
    heir->bk_nextsize = chunk->bk_nextsize;
    chunk->fd_nextsize->bk_nextsize = heir;
    chunk->bk_nextsize->fd_nextsize = heir;
}

static void link_between(struct ash_pt_chunk *chunk, struct ash_pt_chunk *back,
                         struct ash_pt_chunk *forward)
{
    chunk->bk = back;
    chunk->fd = forward;
    forward->bk = chunk;
    back->fd = chunk;
}

void ash_pt_to_unsorted(struct ash_pt_arena *arena, uintptr_t at)
{
    struct ash_pt_chunk *chunk = (struct ash_pt_chunk *)at;
    struct ash_pt_chunk *bin = ash_pt_bin(arena, ASH_PT_UNSORTED);
    if (ash_tag_size(at) >= ASH_PT_SMALL_MAX)
        chunk->fd_nextsize = chunk->bk_nextsize = NULL;
    link_between(chunk, bin, bin->fd);
}

static size_t size_of(const struct ash_pt_chunk *chunk)
{
    return ash_tag_size((uintptr_t)chunk);
}

/* Finds the place in a large bin that is not empty (PT4). Returns who comes behind. */
static struct ash_pt_chunk *place_large(struct ash_lab_memory *memory, struct ash_pt_chunk *chunk,
                                        struct ash_pt_chunk *bin)
{
    struct ash_pt_chunk *first = bin->fd, *x = first;
    size_t size = size_of(chunk);
    unsigned n = 1;
    if (size < size_of(bin->bk)) { /* smaller than all: behind the last */
        chunk->fd_nextsize = first;
        chunk->bk_nextsize = first->bk_nextsize;
        first->bk_nextsize = chunk->bk_nextsize->fd_nextsize = chunk;
        ash_lab_step(memory, n);
        return bin;
    }
    for (; size < size_of(x); x = x->fd_nextsize)
        n++;
    ash_lab_step(memory, n);
    if (size == size_of(x)) { /* always the second of its size: the links stay where they are */
        chunk->fd_nextsize = chunk->bk_nextsize = NULL;
        return x->fd;
    }
    chunk->fd_nextsize = x;
    chunk->bk_nextsize = x->bk_nextsize;
    x->bk_nextsize = chunk;
    chunk->bk_nextsize->fd_nextsize = chunk;
    return x;
}

void ash_pt_to_bin(struct ash_lab_memory *memory, struct ash_pt_arena *arena, uintptr_t at)
{
    struct ash_pt_chunk *chunk = (struct ash_pt_chunk *)at;
    unsigned i = ash_pt_bin_of(ash_tag_size(at));
    struct ash_pt_chunk *bin = ash_pt_bin(arena, i);
    struct ash_pt_chunk *forward = bin->fd;
    if (ash_tag_size(at) >= ASH_PT_SMALL_MAX) {
        if (forward == bin)
            chunk->fd_nextsize = chunk->bk_nextsize = chunk;
        else
            forward = place_large(memory, chunk, bin);
    }
    arena->binmap[i / 32] |= (uint32_t)1 << i % 32;
    link_between(chunk, forward->bk, forward);
}

uintptr_t ash_pt_best(struct ash_lab_memory *memory, struct ash_pt_arena *arena, unsigned i,
                      size_t n)
{
    struct ash_pt_chunk *bin = ash_pt_bin(arena, i);
    if (bin->fd == bin || size_of(bin->fd) < n)
        return 0;
    struct ash_pt_chunk *victim = bin->fd->bk_nextsize;
    unsigned n_looked = 1;
    for (; size_of(victim) < n; victim = victim->bk_nextsize)
        n_looked++;
    ash_lab_step(memory, n_looked);
    if (victim != bin->bk && size_of(victim) == size_of(victim->fd))
        victim = victim->fd; /* saves moving the links to other sizes */
    return (uintptr_t)victim;
}

uintptr_t ash_pt_next_bin(struct ash_lab_memory *memory, struct ash_pt_arena *arena, unsigned i)
{
    for (; i < ASH_PT_N_BINS; i++) {
        uint32_t word = arena->binmap[i / 32] & UINT32_MAX << i % 32;
        ash_lab_step(memory, 1);
        if (!word) {
            i |= 31;
            continue;
        }
        i = i / 32 * 32 + (unsigned)__builtin_ctz(word);
        struct ash_pt_chunk *bin = ash_pt_bin(arena, i);
        if (bin->bk != bin)
            return (uintptr_t)bin->bk;
        arena->binmap[i / 32] &= ~((uint32_t)1 << i % 32); /* a stale bit is cleared here only */
    }
    return 0;
}
