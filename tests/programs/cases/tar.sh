#!/bin/sh
# tar: packs, lists, compares and unpacks trees in several formats and through compressors.
# package: tar
# uses: fork
# set: ci
prepare()
{
    make-input tree tree 9000
}

work()
{
    flags='--sort=name --owner=0 --group=0 --numeric-owner --mtime=@1700000000'
    for format in gnu ustar v7 'pax --pax-option=delete=atime,delete=ctime,exthdr.name=x'; do
        # shellcheck disable=SC2086   # words are wanted
        run tar -c $flags -f gnu.tar -C "$IN" tree --format=$format
        cksum gnu.tar
        run tar -tvf gnu.tar | cksum
    done
    run tar -czf work.tar.gz -C "$IN" tree
    mkdir out
    run tar -xzf work.tar.gz -C out
    diff -r "$IN/tree" out/tree && echo same
    echo changed >out/tree/d00/e0/f00000.txt
    run tar -df gnu.tar -C out 2>&1 | sort | tail -3
    run tar -x -f gnu.tar --wildcards -C out --transform='s/tree/part/' '*7.txt'
    find out/part -type f | wc -l
    run tar -c --listed-incremental=snapshot -f one.tar -C out part
    echo new >out/part/new
    run tar -c --listed-incremental=snapshot -f two.tar -C out part
    run tar -tf two.tar | grep new
    run tar -xf "$IN/tree/d00/e0/f00000.txt" 2>/dev/null || echo "exit status $?"
}
