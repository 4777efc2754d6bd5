#!/bin/sh
# strace: follows hundreds of processes and prints their calls; they run without the library.
# package: strace
# uses: fork
# normalise: pids
prepare()
{
    cat >work.sh <<'SH'
i=0
while [ $i -lt 120 ]; do
    i=$((i + 1))
    text=$(/bin/cat /etc/hostname | /usr/bin/wc -c)
    echo "$i $text" >file
    [ -r file ] && read -r line <file
done
echo "$line"
exit 9
SH
}

work()
{
    status=0
    run strace -f -E LD_PRELOAD -E ASHLAR -s 300 -o log sh "$IN/work.sh" || status=$?
    echo "exit status $status"
    grep -c ' execve(' log
    grep -oE ' (openat|dup2|pipe2|exit_group)\(' log | sort | uniq -c
    run strace -f -c -E LD_PRELOAD -E ASHLAR -U calls,name -o count sh "$IN/work.sh" || true
    grep -E 'execve|openat' count
    run strace -E LD_PRELOAD /no/such/program || echo "exit status $?"
}
