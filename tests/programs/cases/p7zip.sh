#!/bin/sh
# p7zip: packs with threads, several methods, encrypts, lists and unpacks.
# package: p7zip-full
# uses: threads
prepare()
{
    make-input tree tree 700
    make-input text 25000 >tree/text
}

work()
{
    for method in LZMA2:d=4m PPMd BZip2 Deflate64; do
        run 7z a -bd -bso0 -mmt=2 -m0=$method -mtm=off -mtc=off "work-$method.7z" "$IN/tree"
        run 7z l -ba -slt "work-$method.7z" | grep -E '^(Path|Size|CRC)' | cksum
        run 7z t -bso0 "work-$method.7z"
    done
    run 7z a -bd -bso0 -psecret -mhe=on secret.7z "$IN/tree/text"
    run 7z x -bd -bso0 -psecret -oout secret.7z
    cmp out/text "$IN/tree/text"
    run 7z a -bd -bso0 -tzip -mmt=2 work.zip "$IN/tree"
    run 7z x -bd -bso0 -oout work.zip
    diff -r "$IN/tree" out/tree && echo same
    run 7z t -bso0 -pwrong secret.7z >said 2>&1 || echo "exit status $?"
}
