#!/bin/sh
# zstd: packs with two threads at many levels, trains a dictionary, unpacks.
# package: zstd
# uses: threads
prepare()
{
    make-input text 60000 >text
    make-input tree tree 1500
}

work()
{
    for level in 1 3 9 14; do
        run zstd -q -T2 -$level -c "$IN/text" >work.zst
        cksum work.zst
        run zstd -q -dc work.zst | cksum
    done
    run zstd -q --ultra -19 --long=24 -c "$IN/text" | run zstd -q -dc --long=24 | cksum
    run zstd -q --train -r "$IN/tree" -o dictionary --maxdict=20000
    cksum dictionary
    mkdir packed
    run zstd -q -r -D dictionary --output-dir-flat packed "$IN/tree"
    cat packed/*.zst | cksum
    head -c 100000 work.zst >half.zst
    run zstd -q -t half.zst || echo "exit status $?"
}
