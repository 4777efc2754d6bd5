#!/bin/sh
# qpdf: rewrites, linearises, encrypts, splits, merges and checks PDF files.
# package: qpdf
prepare()
{
    make-input pdf 250 >work.pdf
}

work()
{
    run qpdf --deterministic-id --object-streams=generate --compress-streams=y \
        "$IN/work.pdf" small.pdf
    run qpdf --deterministic-id --linearize small.pdf line.pdf
    run qpdf --static-id --qdf small.pdf plain.pdf
    cksum small.pdf line.pdf plain.pdf
    run qpdf --check line.pdf
    run qpdf --show-npages small.pdf
    run qpdf --json line.pdf | cksum
    run qpdf --static-id --static-aes-iv --encrypt user owner 256 -- small.pdf secret.pdf
    run qpdf --password=user --deterministic-id --decrypt secret.pdf open.pdf
    cksum open.pdf
    run qpdf --deterministic-id --empty --pages small.pdf 1-50:even line.pdf z-1:odd -- merged.pdf
    cksum merged.pdf
    run qpdf --deterministic-id --split-pages=25 small.pdf part-%d.pdf
    cksum part-*.pdf
    head -c 90000 "$IN/work.pdf" >half.pdf
    run qpdf --check half.pdf >said 2>&1 || echo "exit status $?"
    cksum said
}
