#!/bin/sh
# binutils: assembles, links, lists, disassembles, edits and archives objects.
# package: binutils
# also: gcc libc6-dev
# set: ci
prepare()
{
    {
        seq 1 6000 | sed 's/.*/    .globl f&\
f&: mov $&, %eax\
    lea data&(%rip), %rdi\
    ret\
    .section .data.d&\
data&: .quad f&, &\
    .text/'
    } >many.s
    as -o many.o many.s
    cat >start.s <<'ASM'
    .globl _start
_start: call f77
    mov $60, %eax
    mov $21, %edi
    syscall
ASM
}

work()
{
    run as -g -o many.o "$IN/many.s"
    run as -o start.o "$IN/start.s"
    cksum many.o
    for kind in '' '--gc-sections' '-r' '-pie --no-dynamic-linker' '-shared'; do
        # shellcheck disable=SC2086   # no word is wanted where there is none
        run ld $kind -o work start.o many.o
        run nm -n work | cksum
        run readelf -aW work | cksum
    done
    run ld.gold -o gold start.o many.o
    run ld -o work start.o many.o
    ./work || echo "exit status $?"
    run objdump -dr many.o | tail -n +4 | cksum
    run objdump -sj .data.d99 many.o | tail -2
    run objcopy --prefix-symbols=x_ --strip-debug many.o x.o
    run nm x.o | cksum
    run ar rcD lib.a many.o x.o start.o
    run ranlib -D lib.a
    run nm -s lib.a | cksum
    run strip -o stripped work
    run size work stripped
    run addr2line -e many.o -f 0x20 | tail -1
    run c++filt _ZNSt3mapIiSt6vectorIiSaIiEESt4lessIiESaISt4pairIKiS2_EEE4findERS6_
    run strings -n 5 many.o | cksum
    run ld start.o -o wrong || echo "exit status $?"
}
