#!/bin/sh
# ghostscript: draws PostScript to pictures with threads, writes PDF and reads it again.
# package: ghostscript
# uses: threads
prepare()
{
    cat >work.ps <<'PS'
%!PS
/Helvetica findfont 9 scalefont setfont
/tree { dup 0 gt { gsave 0 0 moveto 0 40 lineto stroke 0 40 translate 0.72 dup scale
    gsave 25 rotate dup 1 sub tree grestore gsave -30 rotate dup 1 sub tree grestore
    grestore } if pop } def
1 1 9 { /page exch def
    0 1 60 { /i exch def
        i 60 div 0.5 1 i 60 div sub setrgbcolor
        newpath 300 400 i 5 mul page 20 mul add 0 360 arc stroke
        72 i 11 mul 60 add moveto (line ) show i 10 string cvs show ( of page ) show
        page 10 string cvs show } for
    gsave 300 100 translate 3 3 scale 8 tree grestore
    /d 500 dict def 0 1 4000 { dup 12 string cvs cvn exch d 3 1 roll 499 mod put } for
    << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 600 800]
       /Function << /FunctionType 2 /Domain [0 1] /C0 [1 0.9 0.8] /C1 [0.2 0.4 0.9] /N 1 >> >>
    gsave 400 500 150 150 rectclip shfill grestore
    showpage } for
PS
}

work()
{
    gs="run gs -q -dBATCH -dNOPAUSE -dSAFER"
    $gs -sDEVICE=png16m -r110 -dNumRenderingThreads=2 -dMaxBitmap=100000 -o page-%d.png \
        "$IN/work.ps"
    cksum page-*.png
    SOURCE_DATE_EPOCH=1700000000 $gs -sDEVICE=pdfwrite -o work.pdf "$IN/work.ps"
    $gs -sDEVICE=txtwrite -o - work.pdf | cksum
    $gs -sDEVICE=pgmraw -r40 -dTextAlphaBits=4 -dGraphicsAlphaBits=4 -o - work.pdf | cksum
    echo '1 0 div' | $gs -sDEVICE=nullpage - || echo "exit status $?"
}
