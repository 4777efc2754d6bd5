/* ops.c: a tape of bytes becomes a sequence of calls, each checked against the shadow model.
 *
 * An instruction is a byte, modulo 22 it says what, and the bytes it takes (NUMBER is two bytes,
 * SIZE two: a 10-bit mantissa and 6 bits that choose a shift, mostly 0, up to 64 MiB; SLOT one,
 * modulo 64). A tape that ends inside an instruction reads zeros. After the tape the system calls
 * work again, everything is freed, the subject verifies itself, and its walk must be empty.
 *
 *   0 malloc SLOT SIZE         8 idle                      16 hop n: the next n instructions are
 *   1 calloc SLOT SIZE         9 named heap: make                made by a thread that then ends
 *   2 realloc SLOT SIZE       10 named heap: alloc SIZE    17 realloc by a quarter more SLOT
 *   3 aligned SLOT SIZE byte  11 named heap: free SLOT     18 malloc n blocks of SIZE into free
 *   4 free SLOT               12 named heap: free all            slots
 *   5 sized free SLOT         13 named heap: destroy       19 free every nth slot
 *   6 look at SLOT            14 refuse system calls       20 refusals: calls that must fail
 *   7 trim                       NUMBER byte               21 verify, and compare the walk
 *                             15 refuse no more
 */
#include "census.h"
#include "fuzz.h"
#include "shadow.h"
#include <pthread.h>
#include <stdio.h>

#define SLOTS 64u
#define NAMED 16u
#define N_INSTRUCTIONS 22
#define LIVE_BYTES_CAP ((size_t)256 << 20)

struct tape {
    const uint8_t *next, *end;
};

static struct block slots[SLOTS], named_slots[NAMED];
static void *named;
static size_t live_bytes;
static uint32_t thread_number;

static uint8_t take_byte(struct tape *tape)
{
    return tape->next < tape->end ? *tape->next++ : 0;
}

static uint32_t take_number(struct tape *tape)
{
    uint32_t low = take_byte(tape);
    return low | (uint32_t)take_byte(tape) << 8;
}

static size_t take_size(struct tape *tape)
{
    uint32_t n = take_number(tape);
    uint32_t e = n >> 10;
    unsigned shift = e < 32 ? 0 : e < 48 ? 1 + e % 6 : e < 62 ? 5 + e % 5 : 15 + e % 2;
    size_t size = (size_t)(n & 1023) << shift;
    return live_bytes > LIVE_BYTES_CAP ? size & 1023 : size;
}

static struct block *take_slot(struct tape *tape)
{
    return &slots[take_byte(tape) % SLOTS];
}

static void free_slot(struct block *slot, unsigned which)
{
    if (!slot->p)
        return;
    live_bytes -= slot->size;
    checked_free(slot, which);
}

static void fill(struct tape *tape, uint8_t what, struct block *slot)
{
    free_slot(slot, 2);
    struct request request = {.size = take_size(tape), .align = 16, .owner = thread_number};
    request.seed = request.size * 31 + (uint64_t)(slot - slots);
    bool served;
    if (what == 0) {
        served = checked_malloc(slot, &request);
    } else if (what == 1) {
        served = checked_calloc(slot, &request);
    } else {
        uint8_t kind = take_byte(tape);
        request.align = (size_t)8 << (kind >> 3) % 19; /* up to 2 MiB */
        served = checked_aligned(slot, &request, kind % 8);
    }
    if (served)
        live_bytes += slot->size;
    else
        slot->p = NULL;
}

static void resize(struct block *slot, size_t size)
{
    size_t old = slot->p ? slot->size : 0;
    if (!slot->p)
        slot->seed = size;
    if (!checked_realloc(slot, size, thread_number, size % 3 == 1))
        return;
    live_bytes += (slot->p ? slot->size : 0) - old;
}

static void forget_named(void)
{
    for (unsigned i = 0; i < NAMED; i++)
        if (named_slots[i].p)
            checked_forget(&named_slots[i]);
}

static void do_named(struct tape *tape, uint8_t what)
{
    if (!subject.heap_new)
        return;
    if (!named) {
        if (what == 9)
            named = subject.heap_new();
        return;
    }
    struct block *slot = &named_slots[take_byte(tape) % NAMED];
    if (what == 10 && !slot->p) {
        struct request request = {
            .size = take_size(tape) & 0xfffff, .align = 16, .seed = 7, .owner = thread_number};
        if (!checked_heap_alloc(slot, &request, named))
            slot->p = NULL;
    } else if (what == 11 && slot->p) {
        checked_heap_free(slot, named);
    } else if (what == 12) {
        forget_named();
        subject.heap_free_all(named);
    } else if (what == 13) {
        forget_named();
        subject.heap_destroy(named);
        named = NULL;
    }
}

static void compare(void)
{
    if (subject.verify && !subject.verify())
        checked_fail("verify: the subject finds itself damaged");
    if (!subject.walk)
        return;
    census_begin();
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].p)
            census_add(&slots[i]);
    for (unsigned i = 0; i < NAMED; i++)
        if (named_slots[i].p)
            census_add(&named_slots[i]);
    /* In a hop the thread that waits for us may hold batches. */
    census_compare(NULL, thread_number ? 128 : 0);
}

static void do_many(struct tape *tape, uint8_t what)
{
    uint8_t n = take_byte(tape);
    if (what == 19) {
        for (unsigned i = 0; i < SLOTS; i++)
            if (n % 8 == 0 || i % (n % 8u) == 0)
                free_slot(&slots[i], n >> 3);
        return;
    }
    struct tape size = *tape;
    for (unsigned i = 0; i < SLOTS && n > 0; i++) {
        if (slots[i].p)
            continue;
        size = *tape; /* all of one size */
        fill(&size, 0, &slots[i]);
        n--;
    }
    *tape = size;
}

static void do_rare(struct tape *tape, uint8_t what)
{
    if (what == 7 && subject.trim) {
        subject.trim();
    } else if (what == 8 && subject.idle) {
        subject.idle();
    } else if (what == 14 && subject.refuse) {
        uint32_t nth = take_number(tape);
        subject.refuse(nth, take_byte(tape) % 16, nth);
    } else if (what == 15 && subject.refuse) {
        subject.refuse(0, 0, 0);
    } else if (what == 20) {
        checked_refusals(take_slot(tape), take_number(tape));
    } else if (what == 21) {
        compare();
    }
}

static void play(struct tape *tape, uint32_t n_max);

struct hop {
    struct tape *tape;
    uint32_t n;
};

static void *play_in_thread(void *argument)
{
    struct hop *hop = argument;
    snprintf(checked_where, sizeof checked_where, "in a thread of the tape");
    play(hop->tape, hop->n);
    return NULL;
}

static void do_hop(struct tape *tape)
{
    struct hop hop = {tape, take_byte(tape)};
    pthread_t thread;
    if (thread_number != 0) /* one deep */
        return;
    static uint32_t n_threads;
    thread_number = ++n_threads;
    if (pthread_create(&thread, NULL, play_in_thread, &hop) == 0)
        pthread_join(thread, NULL);
    thread_number = 0;
}

static void play(struct tape *tape, uint32_t n_max)
{
    for (; n_max > 0 && tape->next < tape->end; n_max--) {
        uint8_t what = take_byte(tape) % N_INSTRUCTIONS;
        struct block *slot;
        switch (what) {
        case 0:
        case 1:
        case 3:
            slot = take_slot(tape);
            fill(tape, what, slot);
            break;
        case 2:
            slot = take_slot(tape);
            resize(slot, take_size(tape));
            break;
        case 17:
            slot = take_slot(tape);
            if (live_bytes <= LIVE_BYTES_CAP)
                resize(slot, slot->p ? slot->size + slot->size / 4 + 1 : 16);
            break;
        case 4:
        case 5:
            free_slot(take_slot(tape), what == 4 ? 2 : 0);
            break;
        case 6:
            slot = take_slot(tape);
            if (slot->p)
                checked_look(slot);
            break;
        case 16:
            do_hop(tape);
            break;
        case 18:
        case 19:
            do_many(tape, what);
            break;
        default:
            if (what >= 9 && what <= 13)
                do_named(tape, what);
            else
                do_rare(tape, what);
        }
    }
}

static void end_tape(void)
{
    if (subject.refuse)
        subject.refuse(0, 0, 0);
    for (unsigned i = 0; i < SLOTS; i++)
        free_slot(&slots[i], i);
    if (named) {
        forget_named();
        subject.heap_destroy(named);
        named = NULL;
    }
    compare();
    if (shadow_granules() != 0)
        checked_fail("overlap: %zu granules are held by nobody", shadow_granules());
    /* F13: what was refused is served again */
    static const size_t sizes[] = {16, 3000, 40000, 300000, (size_t)8 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct request request = {.size = sizes[i], .align = 16, .seed = i};
        if (!checked_malloc(&slots[i], &request))
            checked_fail("refused: malloc of %zu after the cause was lifted", sizes[i]);
    }
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        checked_free(&slots[i], i);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tape tape = {bytes, bytes + n};
    checked_aborts = true;
    live_bytes = 0;
    snprintf(checked_where, sizeof checked_where, "on the tape");
    play(&tape, UINT32_MAX);
    end_tape();
    return 0;
}
