/* vector.c: a vector grows to 1 GiB by realloc, element by element of 64 bytes.
 *
 *     vector MIB
 *
 * Its room grows by a half when it is full, as vectors of several libraries do, from 1 KiB on.
 */
#include "bench.h"

enum { ELEMENT = 64 };

int main(int argc, char **argv)
{
    size_t wanted = (size_t)bench_arg(argc, argv, 1) << 20, room = 1024;
    char *vector = bench_need(malloc(room));
    for (size_t length = 0; length < wanted; length += ELEMENT) {
        if (length + ELEMENT > room) {
            room += room / 2;
            vector = bench_need(realloc(vector, room));
        }
        memset(vector + length, (int)(length / ELEMENT), ELEMENT);
    }
    for (size_t at = 0; at < wanted; at += ELEMENT << 10)
        bench_check(vector[at] == (char)(at / ELEMENT), "an element kept its content");
    free(vector);
    return 0;
}
