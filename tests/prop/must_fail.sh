#!/bin/sh
# Runs the property test on an allocator with one seeded bug at a time: `must_fail.sh PROGRAM`.
# The test must fail with the sentence that belongs to the bug.
set -u
program=$1
failed=0 passed=0

expect() {   # expect BUG PATTERN
    said=$("$program" --ops 2000000 --seed 1 --bug "$1" 2>&1)
    status=$?
    if [ "$status" = 1 ] && printf '%s\n' "$said" | grep -q "FAILED toy: $2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "bug $1: status $status, wanted 1 and \"$2\": $said"
    fi
}

expect alignment    'alignment: aligned_alloc'
expect calloc_stale 'zero: calloc'
expect errno        'errno: free'
expect lost_byte    'contents: realloc'
expect overlap      'overlap: malloc'
expect refusal      'refusal: malloc'
expect scribble     'contents:'
expect usable       'usable size:'
expect walk_loss    'walk: .* was not walked'
expect walk_ghost   'walk:'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
