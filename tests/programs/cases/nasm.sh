#!/bin/sh
# nasm: macros, structures and a hundred thousand lines to an object, a listing and back.
# package: nasm
prepare()
{
    {
        echo 'bits 64'
        echo '%macro twice 2'
        echo '  mov %1, %2'
        echo '  add %1, [rel table + %2 * 8]'
        echo '%endmacro'
        echo 'section .data'
        echo 'table: times 5000 dq 7'
        echo 'section .text'
        seq 1 25000 | sed 's/.*/label&:\
  mov rax, [rsp + & % 100 * 8]\
  twice rbx, &\
  cmp rax, &\
  jne label&/'
    } >work.asm
}

work()
{
    run nasm -f elf64 -g -l list -o work.o "$IN/work.asm"
    cksum work.o list
    run nasm -E "$IN/work.asm" | cksum
    sed '/section/d; s/\[rel table/[rel $/' "$IN/work.asm" >flat.asm
    run nasm -f bin -o flat flat.asm
    run ndisasm -b 64 flat | cksum
    printf 'mov rax, [rbx + wrong\n' >wrong.asm
    run nasm -f elf64 wrong.asm || echo "exit status $?"
}
