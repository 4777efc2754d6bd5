#!/bin/sh
# haskell: shellcheck, whose run-time system reserves a terabyte of addresses, reads scripts.
# package: shellcheck
# set: ci
prepare()
{
    {
        echo '#!/bin/sh'
        seq 1 250 | sed 's/.*/f&() { x=$1; if [ $x = "a" ]; then echo `cat $x | grep &`; fi; }/'
    } >work.sh
}

work()
{
    run shellcheck -f json "$IN/work.sh" >said || echo "exit status $?"
    cksum said
    run shellcheck -f gcc -S warning "$IN/work.sh" | tail -2
    printf 'if true; then\n' >wrong.sh
    run shellcheck -s sh wrong.sh || echo "exit status $?"
}
