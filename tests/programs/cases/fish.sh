#!/bin/sh
# fish: lists, string builtins, functions, command substitution; needs threads for its reader.
# package: fish
# uses: threads fork
prepare()
{
    make-input text 5000 >text
    cat >work.fish <<'FISH'
set lines (cat $IN/text)
set total 0
set kept
for line in $lines
    for word in (string split ' ' -- $line)
        set total (math $total + (string length -- $word))
        if string match -qr '^(ba|be)+$' -- $word
            set -a kept (string upper -- $word)
        end
    end
    test (count $kept) -gt 300; and set kept $kept[-100..-1]
    test $total -gt 40000; and break
end
echo $total (count $kept) (string join , $kept)
function double
    math "$argv[1] * 2"
end
for i in (seq 300)
    set result (double $i | cat)
end
echo $result
printf '%s\n' $lines | sort | head -3
count-now $fish_pid
exit 6
FISH
}

work()
{
    status=0
    run fish --no-config "$IN/work.fish" || status=$?
    echo "exit status $status"
}
