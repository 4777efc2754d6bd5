#!/bin/sh
# ninja: a graph of thousands of edges, hundreds of commands, and a build that has nothing to do.
# package: ninja-build
# uses: fork
# set: ci
prepare()
{
    {
        echo 'rule join'
        echo '  command = cat $in >$out'
        echo 'rule fail'
        echo '  command = exit 3'
        seq 1 200 | sed 's/.*/build out&: join in&/'
        seq 1 15000 | sed 's/.*/build far\/node&.x: join out1 | out2 || out3/'
        echo "build all: join $(seq 1 200 | sed 's/^/out/' | tr '\n' ' ')"
        echo 'build never: fail'
        echo 'default all'
    } >build.ninja
    seq 1 200 | while read -r n; do
        echo "input $n" >"in$n"
    done
}

work()
{
    cp "$IN"/* .
    run ninja -j 2 | tail -1
    cksum all
    for n in 1 2 3 4 5 6; do
        run ninja -d explain
        run ninja -t targets all | sort | cksum
    done
    run ninja -t commands | cksum
    run ninja -t rules
    echo changed >in7
    run ninja -j 2 | tail -1
    cksum all
    run ninja never || echo "exit status $?"
}
