#!/bin/sh
# tcc: compiles twenty thousand functions to an object, and runs C at once.
# package: tcc
prepare()
{
    seq 1 20000 | sed 's/.*/struct s& { int a, b&; char *text; };\
static int f&(struct s& *s, int x)\
{\
    for (int i = 0; i < x; i++)\
        s->a += i * & + (s->b& ^ x);\
    s->text = "text &";\
    return s->a;\
}/' >many.c
    {
        cat many.c
        echo '#include <stdio.h>'
        echo 'int main(void) { int sum = 0;'
        seq 1 97 20000 | sed 's/.*/{ struct s& s = {1, 2, 0}; sum += f&(\&s, & % 50); }/'
        printf '%s\n' 'printf("%d\n", sum); return 3; }'
    } >work.c
}

work()
{
    for n in 1 2 3; do
        run tcc -g -c -o "many-$n.o" "$IN/many.c"
        cksum "many-$n.o"
    done
    status=0
    run tcc -run "$IN/work.c" || status=$?
    echo "exit status $status"
}
