#!/bin/sh
# stress_ng.sh: stress-ng's allocator and process stressors, plain and on Ashlar: each must end
# the same way in both. A stressor that fails plain (a small machine) proves nothing and is
# skipped; so is one that this version does not know.
#
#     stress_ng.sh LIBRARY [SECONDS]
set -u
library=$1
seconds=${2:-3}
passed=0 failed=0 skipped=0

if ! command -v stress-ng >/dev/null; then
    echo "skipped: stress-ng is not installed (apt-get install stress-ng)"
    echo "0 passed, 0 failed"
    exit 77
fi

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

stress-ng --help >"$folder/help" 2>&1

# One run, in a session of its own that timeout ends as a whole.
run() {
    # shellcheck disable=SC2086 # $2 is a list of arguments
    LD_PRELOAD=$1 timeout --kill-after=5 120 \
        stress-ng --temp-path "$folder" --timeout "${seconds}s" $2 >"$folder/log" 2>&1
}

while IFS='|' read -r name arguments; do
    if ! grep -q -- "--$name " "$folder/help"; then
        echo "skip $name: this stress-ng does not know it"
        skipped=$((skipped + 1))
        continue
    fi
    run '' "$arguments"
    plain=$?
    if [ $plain -ne 0 ]; then
        echo "skip $name: plain ended with $plain"
        skipped=$((skipped + 1))
        continue
    fi
    run "$library" "$arguments"
    preloaded=$?
    if [ $preloaded -eq 0 ] && ! grep -q 'ashlar:\|ERROR' "$folder/log"; then
        echo "ok   $name"
        passed=$((passed + 1))
    else
        echo "FAIL $name: plain ended with 0, on Ashlar with $preloaded"
        tail -n 20 "$folder/log"
        failed=$((failed + 1))
    fi
done <<END
malloc|--malloc 2 --malloc-bytes 256M --verify --oomable
malloc-pthreads|--malloc 1 --malloc-pthreads 4 --malloc-bytes 128M --verify --oomable
vm|--vm 2 --vm-bytes 64M --verify --oomable
mmapfork|--mmapfork 1 --mmapfork-ops 8 --oomable
fork|--fork 2
vfork|--vfork 2
pthread|--pthread 2
clone|--clone 2
exec|--exec 2
bigheap|--bigheap 1 --bigheap-growth 4M --bigheap-ops 200 --oomable
tsearch|--tsearch 2 --verify
END

[ $skipped -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
