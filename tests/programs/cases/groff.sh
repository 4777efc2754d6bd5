#!/bin/sh
# groff: sets a long text with tables, equations and pictures, as text and PostScript.
# package: groff-base
# uses: fork
prepare()
{
    {
        printf '.TL\nA long report\n.AU\nTester\n'
        for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
            printf '.NH\nPart %s\n.PP\n' "$n"
            make-input text 400
            printf '.TS\nbox;\nl r.\nname\tvalue\n_\n'
            seq 1 30 | sed 's/.*/row &\t&&/'
            printf '.TE\n.EQ\nx sup %s over { y sub i + sqrt z }\n.EN\n' "$n"
            printf '.PS\nbox "%s"; arrow; circle\n.PE\n' "$n"
        done
    } >work.ms
}

work()
{
    for device in utf8 ascii ps; do
        run groff -tepk -ms -T$device "$IN/work.ms" >result 2>said || echo "exit status $?"
        grep -v '^%%' result | cksum
        cksum said
    done
}
