/* pow2.c: an example of a strategy: sizes are rounded up to powers of two, blocks are cut from one
 * segment, and a freed block waits in the list of its size for ever. docs/guide/strategies.md */
#include <ashlar/lab.h>

struct head { /* in front of each block, live or free; blocks lie one behind the other */
    size_t size;
    size_t is_live;
};

struct pow2 {
    struct ash_lab_memory *memory;
    char *base, *top, *end; /* [base, top) blocks, [top, end) never used */
    struct head *free[48];  /* by log2 of the size; the link lies in the block */
};

static bool open(void *self, struct ash_lab_memory *memory)
{
    struct pow2 *pow2 = self;
    pow2->memory = memory;
    pow2->base = pow2->top = pow2->end = ash_lab_extend(memory, 0);
    return pow2->base != NULL;
}

/* Cuts a block of this size off the top; what is in front of it is dead. */
static struct head *cut(struct pow2 *pow2, size_t size, size_t align)
{
    size_t gap = -((uintptr_t)pow2->top + sizeof(struct head)) & (align - 1);
    size_t need = gap + sizeof(struct head) + size;
    if ((size_t)(pow2->end - pow2->top) < need) {
        size_t more = (need + 65535) & ~(size_t)65535;
        if (!ash_lab_extend(pow2->memory, (ptrdiff_t)more))
            return NULL; /* LC13: nothing has changed */
        pow2->end += more;
    }
    struct head *head = (struct head *)pow2->top;
    if (gap) {
        *head = (struct head){gap - sizeof(*head), 0};
        head = (struct head *)(pow2->top + gap);
    }
    pow2->top += need;
    head->size = size;
    return head;
}

static void *alloc(void *self, size_t size, size_t align)
{
    struct pow2 *pow2 = self;
    unsigned log2 = size <= 16 ? 4 : 64 - (unsigned)__builtin_clzl(size - 1);
    struct head *head = pow2->free[log2];
    ash_lab_step(pow2->memory, 1);
    if (head && (uintptr_t)(head + 1) % align == 0)
        pow2->free[log2] = *(struct head **)(head + 1);
    else
        head = cut(pow2, (size_t)1 << log2, align);
    if (!head)
        return NULL;
    head->is_live = 1;
    return head + 1;
}

static void release(void *self, void *block)
{
    struct pow2 *pow2 = self;
    struct head *head = (struct head *)block - 1, **list = &pow2->free[__builtin_ctzl(head->size)];
    head->is_live = 0;
    *(struct head **)block = *list;
    *list = head;
}

static size_t usable(void *self, void *block)
{
    (void)self;
    return ((struct head *)block - 1)->size;
}

static void each(void *self, ash_lab_visit *visit, void *arg)
{
    struct pow2 *pow2 = self;
    for (char *at = pow2->base; at < pow2->top;) {
        struct head *head = (struct head *)at;
        if (!visit(arg, (uintptr_t)at, sizeof(*head),
                   head->is_live ? ASH_LAB_HEADER : ASH_LAB_FREE) ||
            !visit(arg, (uintptr_t)(head + 1), head->size,
                   head->is_live ? ASH_LAB_BLOCK : ASH_LAB_FREE))
            return;
        at += sizeof(*head) + head->size;
    }
    visit(arg, (uintptr_t)pow2->top, (size_t)(pow2->end - pow2->top), ASH_LAB_FRESH);
}

const struct ash_lab_strategy ash_lab_pow2 = {
    .name = "pow2",
    .about = "powers of two, never joined",
    .state_size = sizeof(struct pow2),
    .open = open,
    .alloc = alloc,
    .free = release,
    .usable = usable,
    .each = each,
};
