#!/bin/sh
# mksh: the Korn shell's arrays, co-process, arithmetic and string operators.
# package: mksh
# uses: fork
prepare()
{
    make-input text 9000 >text
    cat >work.ksh <<'KSH'
typeset -i n=0 total=0
set -A recent -- x
while read -r line; do
    set -A words -- $line
    for word in "${words[@]}"; do
        n=n+1
        total=total+${#word}
        typeset -u upper=$word
        recent[n%100]=${upper//B/.}
        case $word in
        @(ba|be)*(ka|ke)) matched="$matched $word"; matched=${matched#???} ;;
        esac
    done
done <"$IN/text"
print -r -- "$n $total ${#matched} $matched"
print -r -- "${recent[@]}"
cat |&
print -p "to the co-process"
read -rp answer
print -r -- "$answer"
i=0 sum=0
while (( i++ < 300 )); do
    (( sum += $(print $((i * 3)) | cat) ))
done
print "$sum"
exit 4
KSH
}

work()
{
    status=0
    run mksh "$IN/work.ksh" || status=$?
    echo "exit status $status"
}
