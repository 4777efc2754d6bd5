#!/bin/sh
# squashfs: packs a tree with reader, compressor and writer threads, lists and unpacks it.
# package: squashfs-tools
# uses: threads
prepare()
{
    make-input tree tree 3000
    make-input text 20000 >tree/text
    make-input bytes 1000000 >tree/bytes
}

work()
{
    for kind in gzip xz zstd; do
        run mksquashfs "$IN/tree" work.$kind -comp $kind -processors 2 -no-progress -quiet \
            -all-time 1700000000 -mkfs-time 1700000000 -all-root -reproducible
        cksum work.$kind
    done
    run unsquashfs -no-progress -quiet -processors 2 -d out work.zstd
    diff -r "$IN/tree" out && echo same
    run unsquashfs -llnumeric work.xz | cksum
    run unsquashfs -s work.gzip | cksum
    run unsquashfs "$IN/tree/text" 2>&1 || echo "exit status $?"
}
