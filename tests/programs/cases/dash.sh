#!/bin/sh
# dash: functions, arithmetic, here-documents, command substitution and pipes.
# package: dash
# uses: fork
# set: ci
prepare()
{
    cat >work.sh <<'DASH'
gcd()
{
    a=$1 b=$2
    while [ "$b" -ne 0 ]; do
        rest=$((a % b)) a=$b b=$rest
    done
    echo "$a"
}
i=0 all=
while [ $i -lt 300000 ]; do
    i=$((i + 1))
    all="$i ${all%"${all#????????????????????}"}"
    set -- $all
done
echo "$# $all"
i=0 sum=0
while [ $i -lt 500 ]; do
    i=$((i + 1))
    sum=$((sum + $(gcd $((i * 6)) 36)))
    text=$(cat <<END
line $i of $(echo 500 | tr 0 1)
END
)
done
echo "$sum $text"
(trap 'echo trapped' TERM; kill -TERM "$(sh -c 'echo $PPID')")
count-now $$
exit 7
DASH
}

work()
{
    status=0
    run dash "$IN/work.sh" || status=$?
    echo "exit status $status"
}
