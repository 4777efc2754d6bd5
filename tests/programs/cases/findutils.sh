#!/bin/sh
# findutils: find over a tree of files, xargs with processes in parallel.
# package: findutils
# uses: fork
# set: ci
prepare()
{
    make-input tree tree 12000
}

work()
{
    cd "$IN"
    for i in 1 2 3 4 5; do
        run find tree -name "*$i.txt" -size -2k -newermt '2023-11-14 23:00' -printf '%p %s %m\n' |
            sort | sha256sum
        run find tree tree tree -regextype posix-extended -regex ".*/e[0-5]/f.*($i|7)\.txt" |
            sort | sha256sum
    done
    run find tree -type f -links 1 \( -path '*d1*' -o -path '*d2*' \) -print0 | sort -z |
        run xargs -0 -n 40 -P 2 cat | sort | sha256sum
    run find tree -name 'f0000?.txt' -exec grep -l ba {} + -exec wc -l {} \; | sort
    run find tree/missing || echo "exit status $?"
}
