#!/bin/sh
# sed: substitution with groups, hold space, branches, in-place edits.
# package: sed
# set: ci
prepare()
{
    make-input text 100000 >text
    head -2000 text >head
}

work()
{
    run sed -E 's/\b(ba|be)([a-z]*)/<\2\1>/g; s/([a-z]+) ([a-z]+)$/\2 \1/' "$IN/text" | cksum
    run sed -n 'H; ${x; s/\n/,/g; s/,[^,]*a,/;/g; p}' "$IN/text" | cksum
    run sed -n '1!G; h; 1200{p; q}' "$IN/text" | cksum
    run sed ':a; s/^\(.\{1,60\}\)$/\1./; ta' "$IN/head" | cksum
    run sed 'y/abc/xyz/; /^z/d; 0~7{s/^/7: /}; $!N; P; D' "$IN/text" | cksum
    cp "$IN/text" copy
    run sed -i.old '1~3d; s/[aeiou]//3g' copy
    cksum copy copy.old
    run sed 's/x/y/k' copy || echo "exit status $?"
}
