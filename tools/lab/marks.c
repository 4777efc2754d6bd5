/* marks.c: where the marks lie; see marks.h. */
#include "lab/marks.h"

/* Twice the window that a memory has unless it is told otherwise. */
#define COVERED_BYTES ((size_t)128 << 30)

bool ash_marks_open(struct ash_marks *marks, struct ash_lab_memory *memory)
{
    marks->base = (uintptr_t)ash_lab_extend(memory, 0); /* the segment is the window's low end */
    marks->bytes = COVERED_BYTES;
    marks->marks = ash_lab_aside(memory, COVERED_BYTES / 64);
    return marks->base && marks->marks;
}
