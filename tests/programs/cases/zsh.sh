#!/bin/sh
# zsh: associative arrays, parameter flags, glob qualifiers, floating point and pipes.
# package: zsh
# uses: fork
prepare()
{
    make-input text 8000 >text
    make-input tree tree 600
    cat >work.zsh <<'ZSH'
zmodload zsh/mathfunc
setopt extendedglob
typeset -A count
for line in "${(f)$(<$IN/text)}"; do
    for word in ${=line}; do
        (( count[$word]++ ))
        upper=${(U)word}
        last=(${upper//A/.} ${last[1,20]})
    done
done
for word in ${(ok)count}[1,30]; do
    print -r -- $word $count[$word]
done
print -r -- $#count $last
print -r -- ${#:-$IN/tree/**/*.txt(.)} ${(j:,:)${(M)${(k)count}:#(ba)##}}
files=($IN/tree/**/f*(#i)0.TXT(.on))
print -r -- $#files ${files[1]:t}
for i in {1..150}; do
    (( sum += sqrt($(print $i | cat)) ))
done
printf '%.6f\n' $sum
exit 5
ZSH
}

work()
{
    status=0
    run zsh -f "$IN/work.zsh" || status=$?
    echo "exit status $status"
}
