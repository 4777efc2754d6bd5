#!/bin/sh
# tcl: lists, dictionaries, regular expressions, namespaces and child processes.
# package: tcl8.6
# uses: fork
prepare()
{
    make-input text 20000 >text
    cat >work.tcl <<'TCL'
set file [open $env(IN)/text]
set lines [split [string trim [read $file]] \n]
close $file
foreach line $lines {
    foreach word [split $line] {
        dict incr count $word
        append all [string toupper $word 0 0]
    }
}
set order [lsort -integer -decreasing -index 1 [lmap {w n} [lsort -stride 2 $count] {list $w $n}]]
puts [lrange $order 0 6]
puts [string length $all],[regsub -all {([A-Z])(\w)} $all {\2\1} all],[string range $all 0 40]
proc fib {n} { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts [fib 21]
for {set i 0} {$i < 60000} {incr i} {
    set table([expr {$i % 3001}]) [lrepeat [expr {$i % 30}] $i]
}
puts [array size table],[llength [concat {*}[lmap {k v} [array get table] {set v}]]]
puts [exec printf {%s\n} c a b | sort]
for {set i 0} {$i < 40} {incr i} { set said [exec echo $i | cat] }
puts $said,[string length [expr {7 ** 4000}]]
puts [catch {error wrong} message],$message
exit 17
TCL
}

work()
{
    status=0
    run tclsh8.6 "$IN/work.tcl" || status=$?
    echo "exit status $status"
}
