#!/bin/sh
# gzip: packs and unpacks text at three levels, and refuses what is damaged.
# package: gzip
# set: ci
prepare()
{
    make-input text 100000 >text
    make-input bytes 3000000 >bytes
}

work()
{
    for level in 1 6 9; do
        run gzip -n -$level -c "$IN/text" >work.gz
        cksum work.gz
        run gzip -dc work.gz | cksum
    done
    run gzip -n -c "$IN/bytes" "$IN/text" >both.gz
    run gzip -t both.gz
    run gzip -l work.gz
    head -c 100000 both.gz >half.gz
    run gzip -t half.gz || echo "exit status $?"
}
