#!/bin/sh
# bash: arrays, string operators, regular expressions, subshells and pipes.
# package: bash
# uses: fork
# set: ci
prepare()
{
    make-input text 6000 >text
    cat >work.bash <<'BASH'
declare -A count
declare -a lines
mapfile -t lines <"$IN/text"
for line in "${lines[@]}"; do
    for word in $line; do
        count[$word]=$((${count[$word]:-0} + 1))
        upper=${word^^}
        joined+="${upper//A/.}"
        [[ $word =~ ^(b.)+$ ]] && matches+=("${BASH_REMATCH[1]}")
    done
    joined=${joined: -200}
done
for word in "${!count[@]}"; do
    printf '%s %d\n' "$word" "${count[$word]}"
done | sort -k2,2nr -k1,1 | head -20
echo "${#count[@]} words, ${#matches[@]} matches, $joined"
for ((i = 0; i < 200; i++)); do
    sum=$((${sum:-0} + $(echo $((i * i)) | cat)))
done
echo "$sum"
coproc cat
echo "through a coprocess" >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
echo "$answer"
diff <(printf '%s\n' a b) <(printf '%s\n' a c)
exit 3
BASH
}

work()
{
    status=0
    run bash "$IN/work.bash" || status=$?
    echo "exit status $status"
}
