#!/bin/sh
# graphviz: lays out graphs with four engines, and measures them.
# package: graphviz
prepare()
{
    python3 - >work.dot <<'PYTHON'
import random
chance = random.Random(6)
print('digraph work { node [shape=box];')
for n in range(1, 180):
    print(f'n{n} [label="node {n}\\nline", color="#{n % 256:02x}8040"];')
    for _ in range(1 + n % 2):
        print(f'n{chance.randrange(n)} -> n{n};')
    if n % 20 == 0:
        print(f'subgraph cluster{n} {{ c{n} -> d{n}; label="part {n}"; }}')
print('}')
PYTHON
}

work()
{
    run dot -Tsvg "$IN/work.dot" | cksum
    for engine in neato twopi circo; do
        run $engine -Tplain "$IN/work.dot" | cksum
    done
    run dot -Tjson "$IN/work.dot" | cksum
    run gvpr 'BEG_G { int n = 0; } E { n++; } END_G { print(n); }' "$IN/work.dot"
    run tred "$IN/work.dot" | cksum
    run unflatten -l 3 "$IN/work.dot" | cksum
    echo 'digraph { a -> ' | run dot -Tsvg || echo "exit status $?"
}
