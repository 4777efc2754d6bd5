#!/bin/sh
# python3: eleven modules of Python's own tests, each object a block of our heap.
# package: python3.11
# also: libpython3.11-testsuite
# uses: threads fork
# normalise: times pids addresses
# timeout: 600
work()
{
    export PYTHONMALLOC=malloc
    run python3.11 -m test -v test_dict test_list test_set test_re test_array test_thread \
        test_weakref test_gc test_mmap test_zlib test_pickle >said 2>&1 || status=$?
    echo "exit status ${status-0}"
    grep -E ' \.\.\. |^(FAIL|ERROR|Ran|Result|Tests result)|tests? (OK|failed)' said |
        sed 's/No module named.*/No module named/' | sort
}
