#!/bin/sh
# valgrind: a program under its simulated processor, its blocks from the library under test.
# package: valgrind
# also: gcc libc6-dev
# uses: threads
# normalise: pids addresses
prepare()
{
    cat >work.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *churn(void *seed)
{
    char *kept[64] = {0};
    unsigned long x = (unsigned long)seed, sum = 0;
    for (int i = 0; i < 60000; i++) {
        x = x * 6364136223846793005UL + 1442695040888963407UL;
        unsigned slot = (x >> 33) % 64;
        size_t n = (x >> 40) % 3000 + 1;
        kept[slot] = realloc(kept[slot], n);
        memset(kept[slot], (int)i, n < 100 ? n : 100);
        sum += (unsigned char)kept[slot][0];
        if (i % 3 == 0) {
            free(kept[slot]);
            kept[slot] = NULL;
        }
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return (void *)sum;
}

int main(void)
{
    pthread_t threads[2];
    void *sums[2];
    for (unsigned long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &sums[i]);
    printf("%lu %lu\n", (unsigned long)sums[0], (unsigned long)sums[1]);
    return 18;
}
C
    gcc -O1 -g -o work work.c -pthread
}

work()
{
    status=0
    run valgrind -q --tool=none "$IN/work" || status=$?
    echo "exit status $status"
}
