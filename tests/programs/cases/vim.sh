#!/bin/sh
# vim: substitutes, sorts, folds, undoes, records macros and writes a file of many lines.
# package: vim
# also: vim-runtime
prepare()
{
    make-input text 30000 >text
    cat >work.vim <<'VIM'
set nocompatible undolevels=1000 noswapfile
%s/\v<(ba|be)(\w*)>/\2\1/ge
sort
g/ka$/m0
%s/\v(\w+) (\w+)$/\=toupper(submatch(2)) . ' ' . submatch(1)/e
undo
redo
let words = {}
for line in getline(1, 15000)
    for word in split(line)
        let words[word] = get(words, word, 0) + 1
    endfor
endfor
call writefile(sort(map(items(words), {_, x -> x[0] . ' ' . x[1]})), 'words')
normal! ggqaIx jq400@a
g/^x /normal! dwAend
1,2000d | 1put | undo
syntax off
v/a/d
%!sed 's/^m/n/'
write! result
cquit 5
VIM
}

work()
{
    cp "$IN/text" .
    status=0
    run vim -N -u NONE -i NONE -es -S "$IN/work.vim" text || status=$?
    echo "exit status $status"
    cksum result words
}
