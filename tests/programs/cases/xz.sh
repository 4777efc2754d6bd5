#!/bin/sh
# xz: packs with two threads, several filters and formats, and unpacks.
# package: xz-utils
# uses: threads
prepare()
{
    make-input text 40000 >text
    cp /bin/bash program
}

work()
{
    run xz -T2 --block-size=1MiB -6 -c "$IN/text" >work.xz
    cksum work.xz
    run xz -T2 -dc work.xz | cksum
    run xz -9e --x86 --lzma2 -c "$IN/program" | run xz -dc | cmp - "$IN/program"
    run xz --format=lzma -2 -c "$IN/text" | run xz --format=lzma -dc | cksum
    run xz --robot -lvv work.xz | cut -f 2-5 | cksum
    head -c 100000 work.xz >half.xz
    run xz -t half.xz || echo "exit status $?"
    run xz --memlimit-compress=1MiB --no-adjust -9 -c "$IN/text" || echo "exit status $?"
}
