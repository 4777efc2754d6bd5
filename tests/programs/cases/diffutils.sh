#!/bin/sh
# diffutils: compares texts with many changes, trees, three versions and bytes.
# package: diffutils
# set: ci
prepare()
{
    make-input text 80000 >one
    sed '0~17s/ba/changed/; 0~31d; 0~53a inserted' one >two
    sed '0~19s/ma/other/; 0~37d' one >three
    shuf --random-source=one -n 6000 one >four
    shuf --random-source=two -n 6000 one >five
    make-input tree tree 1500
    cp -a tree tree-2
    find tree-2 -name '*7.txt' -exec sed -i s/ba/changed/ {} +
    make-input bytes 30000000 >bytes
    cp bytes bytes-2
    printf x | dd of=bytes-2 bs=1 seek=29000000 conv=notrunc status=none
}

work()
{
    cd "$IN"
    run diff one two | cksum
    run diff -d four five | cksum
    run diff -y -W 100 -b two three | cksum
    run diff -U 2 --label a --label b --minimal four five | cksum
    run diff -rqN tree tree-2 | cksum
    run diff -r tree tree-2 | cksum
    run diff3 -m two one three | cksum
    run sdiff -s one three | cksum
    run cmp bytes bytes-2 || echo "exit status $?"
    run diff one missing || echo "exit status $?"
}
