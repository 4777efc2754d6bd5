/* pattern.c: contents that tell whose they are; see pattern.h. */
#include "pattern.h"
#include <string.h>

#define EDGE ((size_t)16) /* bytes written at the end of every block */

static uint64_t word_at(uint64_t seed, size_t offset)
{
    return (seed ^ offset >> 3) * 0x9E3779B97F4A7C15u | 0x0101010101010101u; /* no byte is zero */
}

static unsigned char byte_at(uint64_t seed, size_t offset)
{
    return (unsigned char)(word_at(seed, offset) >> (offset & 7) * 8);
}

/* The next word of the lattice after the one at offset. */
static size_t next_word(size_t offset)
{
    if (offset < PATTERN_FINE)
        return offset + 8;
    return offset < ((size_t)1 << 20) ? offset + 512 : offset + 65536;
}

void pattern_write(unsigned char *p, size_t from, size_t size, uint64_t seed)
{
    for (size_t o = 0; o + 8 <= size; o = next_word(o)) {
        uint64_t word = word_at(seed, o);
        if (o >= from)
            memcpy(p + o, &word, 8);
        else if (o + 8 > from)
            for (size_t i = from; i < o + 8; i++)
                p[i] = byte_at(seed, i);
    }
    /* Wholly, also below `from`: a shrunk block's new end may lie between two lattice words. */
    for (size_t o = size > EDGE ? size - EDGE : 0; o < size; o++)
        p[o] = byte_at(seed, o);
}

size_t pattern_damage(const unsigned char *p, size_t n, size_t size, uint64_t seed)
{
    for (size_t o = 0; o + 8 <= n; o = next_word(o)) {
        uint64_t word;
        memcpy(&word, p + o, 8);
        if (word != word_at(seed, o))
            return o;
    }
    for (size_t o = n & ~(size_t)7; o < n && n <= PATTERN_FINE; o++)
        if (p[o] != byte_at(seed, o))
            return o;
    for (size_t o = size > EDGE ? size - EDGE : 0; o < n; o++)
        if (p[o] != byte_at(seed, o))
            return o;
    return PATTERN_NOWHERE;
}

size_t pattern_nonzero(const unsigned char *p, size_t size)
{
    size_t fine = size < 4 * PATTERN_FINE ? size : 4 * PATTERN_FINE;
    for (size_t o = 0; o < fine; o++)
        if (p[o])
            return o;
    size_t step = size < ((size_t)1 << 20) ? 512 : 4096;
    for (size_t o = fine; o + 8 <= size; o += step)
        if (memcmp(p + o, "\0\0\0\0\0\0\0\0", 8))
            return o;
    for (size_t o = size > EDGE ? size - EDGE : 0; o < size; o++)
        if (p[o])
            return o;
    return PATTERN_NOWHERE;
}
