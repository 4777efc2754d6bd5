#!/bin/sh
# grep: basic, extended, fixed and Perl expressions; context, counts, recursion.
# package: grep
# set: ci
prepare()
{
    make-input text 250000 >text
    make-input tree tree 3000
    make-input text 300 | cut -d' ' -f1 | sort -u >patterns
}

work()
{
    run grep -cE '(ba|be)+ (ka|ko)\w+' "$IN/text"
    run grep -cE '\b([a-z]{2})\1\1\b' "$IN/text"
    run grep -oP '(?<=ba )\w+(?= la)' "$IN/text" | sort | uniq -c | sort -rn | head -5
    run grep -nF -w -f "$IN/patterns" "$IN/text" | cksum
    run grep -vic 'SA' "$IN/text"
    run grep -B1 -A2 -m 500 -n 'mamama' "$IN/text" | cksum
    run grep -rhoE 'ta[a-z]*' "$IN/tree" | sort | cksum
    run grep -q 'not there at all' "$IN/text" || echo "exit status $?"
    run grep 'a\{1' "$IN/text" || echo "exit status $?"
}
