#!/bin/sh
# pigz: packs with two threads in blocks, and unpacks with helpers.
# package: pigz
# uses: threads
prepare()
{
    make-input text 130000 >text
}

work()
{
    for level in 1 6 9; do
        run pigz -n -p 2 -$level -b 64 -c "$IN/text" >work.gz
        cksum work.gz
        run pigz -dc work.gz | cksum
        run pigz -n -p 4 -i -R -z -c "$IN/text" | cksum
    done
    head -c 100000 work.gz >half.gz
    run pigz -t half.gz || echo "exit status $?"
}
