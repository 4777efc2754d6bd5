#!/bin/sh
# rsync: copies a tree, then its changes, with checksums, deletions and deltas.
# package: rsync
# uses: fork
prepare()
{
    make-input tree tree 3000
    make-input bytes 30000000 >tree/bytes
}

work()
{
    run rsync -a "$IN/tree/" copy
    run rsync -ac --itemize-changes "$IN/tree/" copy
    cp -a copy changed
    find changed -name '*3.txt' -exec sed -i s/ba/changed/ {} +
    find changed -name '*4.txt' -delete
    printf 'in the middle' | dd of=changed/bytes bs=1 seek=7000000 conv=notrunc status=none
    run rsync -acz --no-whole-file --delete --itemize-changes changed/ copy | sort | cksum
    diff -r changed copy && echo same
    run rsync -a --exclude 'd0*' --include '*/' --filter '- *7.txt' --prune-empty-dirs changed/ part
    find part -type f | sort | cksum
    run rsync -n -a --out-format='%n %l' changed/ part | sort | cksum
    run rsync -a missing/ copy 2>said || echo "exit status $?"
}
