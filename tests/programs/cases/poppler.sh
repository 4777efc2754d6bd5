#!/bin/sh
# poppler: reads the text, the structure and the pictures of PDF pages.
# package: poppler-utils
prepare()
{
    make-input pdf 120 >work.pdf
}

work()
{
    run pdftotext "$IN/work.pdf" - | cksum
    run pdftotext -layout -bbox "$IN/work.pdf" - | cksum
    run pdfinfo "$IN/work.pdf"
    run pdffonts "$IN/work.pdf"
    run pdftoppm -r 50 -l 12 "$IN/work.pdf" page
    cat page-*.ppm | cksum
    run pdftocairo -svg -f 3 -l 3 "$IN/work.pdf" page.svg
    cksum page.svg
    run pdfseparate -l 15 "$IN/work.pdf" part-%d.pdf
    run pdfunite part-1.pdf part-7.pdf part-3.pdf joined.pdf
    run pdfinfo joined.pdf | grep Pages
    head -c 20000 "$IN/work.pdf" >half.pdf
    run pdftotext -q half.pdf - | wc -l
    run pdftotext missing.pdf || echo "exit status $?"
}
