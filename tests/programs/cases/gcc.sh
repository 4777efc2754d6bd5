#!/bin/sh
# gcc: compiles generated C at three levels, links it and runs the result.
# package: gcc
# uses: fork
# set: ci
prepare()
{
    {
        echo '#include <stdio.h>'
        echo '#include <stdlib.h>'
        echo '#include <string.h>'
        seq 1 150 | while read -r n; do
            cat <<C
static long step_$n(long x, char *text)
{
    for (int i = 0; i < $((n % 13 + 2)); i++) {
        x = x * $((n * 7 + 3)) + (x >> 3) + i;
        text[(unsigned long)x % 64] ^= (char)(x + $n);
        if (x % $((n + 1)) == 0)
            x += (long)strlen(text) * $n;
    }
    return x;
}
C
        done
        echo 'int main(void) { long x = 1; char text[65] = {0};'
        seq 1 150 | sed 's/.*/x = step_&(x, text);/'
        printf '%s\n' 'printf("%ld\n", x % 1000003); free(malloc(100)); return 12; }'
    } >work.c
}

work()
{
    for level in 0 1 2; do
        run gcc -g -Wall -O$level -o "work-$level" "$IN/work.c"
        status=0
        run "./work-$level" || status=$?
        echo "level $level: exit status $status"
    done
    run gcc -O2 -S -o - "$IN/work.c" | cksum
    echo 'int main(void) { return nothing; }' >wrong.c
    run gcc -c wrong.c || echo "exit status $?"
}
