#!/bin/sh
# gawk: word counts, field work, string functions, sorted reports.
# package: gawk
# uses: fork
prepare()
{
    make-input csv 150000 >table.csv
    cat >work.awk <<'AWK'
BEGIN { FS = "," }
NR > 1 {
    sum[$2] += $3
    count[$2]++
    month[substr($4, 1, 7)] = month[substr($4, 1, 7)] " " $1
    n = split($5, words, " ")
    for (i = n; i > 0; i--)
        seen[words[i], $2]++
    gsub(/[aeiou]+/, "&&", $5)
    if (match($5, /(ba)+a*[k-n]/))
        hits += RLENGTH
    text = toupper($2) sprintf("%08.3f", $3) text
    text = substr(text, 1, 300)
}
END {
    for (name in sum)
        printf "%s %d %.2f\n", name, count[name], sum[name] | "sort | cksum"
    close("sort | cksum")
    for (key in seen)
        pairs++
    for (name in month) {
        months++
        letters += length(month[name])
    }
    print pairs, months, letters, hits, text
    exit 9
}
AWK
}

work()
{
    status=0
    run gawk -f "$IN/work.awk" "$IN/table.csv" || status=$?
    echo "exit status $status"
}
