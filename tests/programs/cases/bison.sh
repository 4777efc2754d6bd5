#!/bin/sh
# bison: tables and graphs for a grammar of hundreds of rules, with conflicts; runs m4.
# package: bison
# also: m4
prepare()
{
    {
        echo '%define api.pure full'
        echo '%expect 0'
        seq 1 250 | sed 's/.*/%token T&/'
        seq 1 25 | sed 's/.*/%left OP&/'
        echo '%%'
        echo 'all: %empty | all item;'
        printf 'item: expr'
        seq 1 250 | sed 's/.*/ | T& list& T&/'
        echo ';'
        seq 1 250 | sed 's/.*/list&: %empty { $$ = 0; } | list& expr { $$ = $1 + $2; };/'
        printf 'expr: "(" expr ")" { $$ = $2; } | "n"'
        seq 1 25 | sed 's/.*/ | expr OP& expr { $$ = $1 * & + $3; }/'
        echo ';'
        echo '%%'
    } >work.y
    cat >wrong.y <<'Y'
%%
expr: expr '+' expr | 'n' | unknown | ;
Y
}

work()
{
    cp "$IN"/*.y .
    run bison --defines --report=all --graph --xml -Wall -o work.c work.y
    cksum work.c work.h work.output work.gv work.xml
    run bison -Dlr.type=ielr -o ielr.c work.y
    cksum ielr.c
    run bison -o wrong.c wrong.y || echo "exit status $?"
}
