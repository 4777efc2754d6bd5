#!/bin/sh
# bzip2: packs and unpacks text, tests, and recovers from damage.
# package: bzip2
prepare()
{
    make-input text 150000 >text
}

work()
{
    for level in 1 9; do
        run bzip2 -$level -k -c "$IN/text" >work.bz2
        cksum work.bz2
        run bzip2 -dc work.bz2 | cksum
    done
    run bzip2 -tv work.bz2 2>&1
    head -c 300000 work.bz2 >half.bz2
    run bzip2 -t half.bz2 2>/dev/null || echo "exit status $?"
    run bzip2recover half.bz2 2>/dev/null
    run bzip2 -dc rec*half.bz2 2>/dev/null | cksum
}
