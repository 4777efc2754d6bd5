#!/bin/sh
# jq: filters, groups, sorts, reduces and rewrites a large document.
# package: jq
prepare()
{
    make-input json 6000 >table.json
}

work()
{
    run jq -c 'group_by(.name) | map({n: .[0].name, c: length, p: (map(.price) | add)})
        | sort_by(-.c, .n) | .[:5][]' "$IN/table.json"
    run jq -r '.[] | select(.id % 500 == 3) | [.id, .name, .price] | @csv' "$IN/table.json"
    run jq 'reduce .[].tags[] as $t ({}; .[$t] += 1) | to_entries | max_by(.value)' "$IN/table.json"
    run jq -S '[.[] | .remark |= (split(" ") | reverse | join("-")) | del(.at)]' \
        "$IN/table.json" | cksum
    run jq -c --stream 'select(length == 2) | .[0][-1]' "$IN/table.json" | sort | uniq -c | cksum
    run jq '.[0] | error' "$IN/table.json" || echo "exit status $?"
    echo '{"a": [1, 2' | run jq . || echo "exit status $?"
}
