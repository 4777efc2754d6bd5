#!/bin/sh
# coreutils: sort with threads, join, shuf, checksums, factor, split, cut, uniq.
# package: coreutils
# uses: threads
# set: ci
prepare()
{
    make-input csv 150000 >table.csv
    make-input bytes 30000000 >bytes
}

work()
{
    run sort --parallel=2 -S 40M -t, -k2,2 -k3,3n "$IN/table.csv" -o sorted
    run sort -R --random-source="$IN/bytes" "$IN/table.csv" | run sha1sum
    run shuf --random-source="$IN/bytes" "$IN/table.csv" | run md5sum
    run cut -d, -f2 sorted | run uniq -c | run sort -rn | run head -5
    run sort -t, -k1,1 "$IN/table.csv" >by-id
    run join -t, -j 1 by-id by-id | run cksum
    run seq 1000000007 1000000900 | run factor | run b2sum
    run sha512sum "$IN/bytes" | run cut -d' ' -f1
    run split -n l/7 sorted part.
    run cat part.?? | run cmp - sorted 2>&1 || true
    run tac sorted | run nl | run expand | run fold -w 40 | run tr a-m n-z | run sum
    run base64 "$IN/bytes" | run base64 -d | run cksum
    run ls -lR --time-style=+%s "$IN" | run wc -l
    run env -i run=1 /usr/bin/env
}
