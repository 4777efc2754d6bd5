#!/bin/sh
# m4: recursion, loops, diversions, regular expressions and many definitions.
# package: m4
prepare()
{
    cat >work.m4 <<'M4'
divert(-1)
define(`for', `ifelse(eval($2 > $3), 1, , `define(`$1', $2)$4`'for(`$1', incr($2), $3, `$4')')')
define(`fib', `ifelse(eval($1 < 2), 1, $1, `eval(fib(decr($1)) + fib(decr(decr($1))))')')
define(`turn', `ifelse($1, , , `turn(substr($1, 1))`'substr($1, 0, 1)')')
divert(0)dnl
fib(17)
for(`i', 1, 1500, `define(`name'i, `value'i)')name77 name1499
for(`j', 1, 250, `divert(eval(1 + j % 3))patsubst(turn(`text number' j), `\(t\)\(x\)', `\2\1')
')divert(0)dnl
undivert
format(`%05d %s', 42, len(for(`k', 1, 900, ` k')))
esyscmd(`echo from a child')dnl
m4exit(7)
M4
}

work()
{
    for n in 1 2 3; do
        status=0
        run m4 -DX=$n "$IN/work.m4" >result || status=$?
        echo "exit status $status"
        cksum result
    done
}
