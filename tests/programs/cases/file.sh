#!/bin/sh
# file: names the kind of thousands of files, compiles and lists its magic.
# package: file
prepare()
{
    make-input tree tree 1500
    make-input image 60 >picture.ppm
    gzip -nc picture.ppm >picture.gz
    make-input pdf 3 >page.pdf
    cp /bin/sh program
    printf '0 string MYMAGIC my kind\n>8 belong x with number %%d\n' >mine
    printf 'MYMAGIC\0\0\0\0\7' >thing
}

work()
{
    run file "$IN"/picture.* "$IN/page.pdf" "$IN/thing"
    run file -b "$IN/program" | cut -d, -f1,2
    find "$IN/tree" -name '*.txt' | sort | run file -f - | cut -d: -f2 | sort | uniq -c
    run file -z -b --mime "$IN/picture.gz"
    find /usr/bin /usr/lib/python3 -type f | sort | head -1500 |
        run file -b -i -f - | sort | uniq -c
    run file -m "$IN/mine" -b "$IN/thing"
    run file -C -m "$IN/mine"
    run file -m mine.mgc -b "$IN/thing"
    run file -l | wc -l
    run file -E missing || echo "exit status $?"
}
