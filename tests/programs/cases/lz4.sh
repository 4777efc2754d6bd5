#!/bin/sh
# lz4: packs and unpacks at fast and high levels, tests frames.
# package: lz4
prepare()
{
    make-input text 200000 >text
}

work()
{
    for level in 1 3 9 12; do
        run lz4 -q -$level -c "$IN/text" >work.lz4
        cksum work.lz4
        run lz4 -q -dc work.lz4 | cksum
    done
    run lz4 -q -B4 -BD --content-size -c "$IN/text" | run lz4 -dc | cksum
    run lz4 -q -l -c "$IN/text" | cksum
    head -c 100000 work.lz4 >half.lz4
    run lz4 -q -t half.lz4 || echo "exit status $?"
}
