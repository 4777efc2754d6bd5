/* sites.c: a program whose blocks come from places that have names. */
#include <stdlib.h>

static __attribute__((noinline)) void *first_site(size_t n)
{
    return malloc(n); /* line 6 */
}

static __attribute__((noinline)) void *second_site(size_t n)
{
    void *volatile p = calloc(1, n);
    return p;
}

int main(void)
{
    void *volatile last;
    for (unsigned i = 0; i < 1000; i++) {
        last = first_site(1000);
        free(last);
        last = second_site(10);
    }
    return last == NULL;
}
