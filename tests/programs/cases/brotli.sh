#!/bin/sh
# brotli: packs and unpacks text at three levels and window sizes.
# package: brotli
prepare()
{
    make-input text 25000 >text
}

work()
{
    for level in 1 5 9 11; do
        run brotli -q $level -w 22 -c "$IN/text" >work.br
        cksum work.br
        run brotli -dc work.br | cksum
    done
    head -c 10000 work.br >half.br
    run brotli -t half.br || echo "exit status $?"
}
