#!/bin/sh
# minisat: a pigeonhole without solution, and random clauses with one.
# package: minisat
# normalise: times
prepare()
{
    python3 - <<'PYTHON'
import random
holes, chance = 8, random.Random(9)
def var(p, h):
    return p * holes + h + 1
clauses = [[var(p, h) for h in range(holes)] for p in range(holes + 1)]
clauses += [[-var(p, h), -var(q, h)]
            for h in range(holes) for p in range(holes + 1) for q in range(p)]
def write(name, variables, clauses):
    with open(name, 'w') as file:
        file.write(f'p cnf {variables} {len(clauses)}\n')
        file.writelines(' '.join(map(str, c)) + ' 0\n' for c in clauses)
write('holes.cnf', holes * (holes + 1), clauses)
truth = [chance.choice((-1, 1)) for _ in range(30000)]
clauses = []
while len(clauses) < 100000:
    some = [chance.randrange(30000) for _ in range(3)]
    clause = [(v + 1) * chance.choice((-1, 1)) for v in some]
    if any((literal > 0) == (truth[abs(literal) - 1] > 0) for literal in clause):
        clauses.append(clause)
write('random.cnf', 30000, clauses)
PYTHON
}

work()
{
    run minisat "$IN/holes.cnf" holes.out | grep -E 'conflicts|UNSAT' | cut -d'(' -f1 ||
        echo "exit status $?"
    status=0
    run minisat -verb=0 "$IN/random.cnf" random.out >/dev/null || status=$?
    echo "exit status $status"
    cksum random.out
    cat holes.out
}
